// The old text completions: the whole body and the chunks.
#include "tools/mock_azure/answer.hpp"

#include <fmt/format.h>

namespace headroom::mock {

namespace {

class CompletionEvents final : public EventSource {
  public:
    explicit CompletionEvents(Answer answer) : answer_(std::move(answer)) {}

    bool next(Event* event) override {
        event->name = {};
        event->beat = Beat::together;
        switch (step_) {
            case 0:
                ++step_;
                event->data =
                    envelope("", fmt::format(R"(,"prompt_filter_results":{})", prompt_filter_json()), "");
                return true;
            case 1: text(event); return true;
            case 2:
                ++step_;
                if (!answer_.include_usage) return next(event);
                event->data = envelope("", "", fmt::format(R"(,"usage":{})", usage_json(answer_.usage)));
                return true;
            case 3:
                ++step_;
                event->data = "[DONE]";
                return true;
            default: return false;
        }
    }

  private:
    std::string envelope(std::string_view choice, std::string_view filter, std::string_view usage) const {
        const std::string_view no_usage = answer_.include_usage && usage.empty() ? R"(,"usage":null)" : "";
        return fmt::format(
            R"({{"choices":[{}],"created":{},"id":"{}","model":"{}","object":"text_completion"{}{}{}}})",
            choice, answer_.created, answer_.id, answer_.model, filter, usage, no_usage);
    }

    void text(Event* event) {
        const TextPlan& plan = answer_.choices[choice_];
        const bool last = token_ >= plan.tokens.size();
        event->data = envelope(
            fmt::format(
                R"({{"content_filter_results":{},"finish_reason":{},"index":{},"logprobs":null,"text":{}}})",
                last ? "{}" : clean_filter_json(), last ? json_quoted(plan.finish_reason) : "null", choice_,
                last ? "\"\"" : json_quoted(plan.tokens[token_])),
            "", "");
        if (!last) {
            ++token_;
            event->beat = Beat::token;
            return;
        }
        token_ = 0;
        if (++choice_ == answer_.choices.size()) ++step_;
    }

    Answer answer_;
    int step_ = 0;
    std::size_t choice_ = 0;
    std::size_t token_ = 0;
};

} // namespace

std::string completion_body(const Answer& answer) {
    std::string choices;
    for (std::size_t i = 0; i < answer.choices.size(); ++i) {
        if (i > 0) choices += ',';
        choices += fmt::format(
            R"({{"content_filter_results":{},"finish_reason":"{}","index":{},"logprobs":null,"text":{}}})",
            clean_filter_json(), answer.choices[i].finish_reason, i, json_quoted(answer.choices[i].text()));
    }
    return fmt::format(R"({{"choices":[{}],"created":{},"id":"{}","model":"{}","object":"text_completion",)"
                       R"("prompt_filter_results":{},"usage":{}}})",
                       choices, answer.created, answer.id, answer.model, prompt_filter_json(),
                       usage_json(answer.usage));
}

std::unique_ptr<EventSource> completion_events(Answer answer) {
    return std::make_unique<CompletionEvents>(std::move(answer));
}

} // namespace headroom::mock
