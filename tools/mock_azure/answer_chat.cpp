// Chat completions: the whole body, and the chunks with their filter annotations.
#include "tools/mock_azure/answer.hpp"

#include <fmt/format.h>

namespace headroom::mock {

namespace {

constexpr std::string_view fingerprint = "fp_ee1d74bde0";
constexpr std::size_t annotate_every_tokens = 40;
constexpr std::string_view short_filter =
    R"({"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},)"
    R"("sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}})";
constexpr std::string_view tripped_filter =
    R"({"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},)"
    R"("sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":true,"severity":"medium"}})";

std::string_view finish_of(const Answer& answer, const TextPlan& choice) {
    return !answer.tool.empty() && choice.finish_reason == "stop" ? "tool_calls" : choice.finish_reason;
}

std::string call_id(const Answer& answer) {
    return "call_" + answer.id.substr(answer.id.size() - 24);
}

std::string message_json(const Answer& answer, const TextPlan& choice) {
    if (answer.tool.empty()) {
        return fmt::format(R"({{"annotations":[],"content":{},"refusal":null,"role":"assistant"}})",
                           json_quoted(choice.text()));
    }
    return fmt::format(
        R"({{"annotations":[],"content":null,"refusal":null,"role":"assistant","tool_calls":[{{"function":)"
        R"({{"arguments":{},"name":{}}},"id":"{}","type":"function"}}]}})",
        json_quoted(choice.text()), json_quoted(answer.tool), call_id(answer));
}

class ChatEvents final : public EventSource {
  public:
    explicit ChatEvents(Answer answer) : answer_(std::move(answer)) {
        tail_ = fmt::format(
            R"(],"created":{},"id":"{}","model":"{}","object":"chat.completion.chunk","system_fingerprint":"{}"{}}})",
            answer_.created, answer_.id, answer_.model, fingerprint,
            answer_.include_usage ? R"(,"usage":null)" : "");
    }

    bool next(Event* event) override {
        event->name = {};
        event->beat = Beat::together;
        switch (phase_) {
            case Phase::prompt_filter:
                event->data = fmt::format(
                    R"({{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":{}}})",
                    prompt_filter_json());
                phase_ = Phase::role;
                return true;
            case Phase::role:
                event->data = role_chunk();
                event->beat = Beat::token;
                phase_ = Phase::text;
                return true;
            case Phase::text: return text(event);
            case Phase::usage: return usage(event);
            case Phase::done:
                event->data = "[DONE]";
                phase_ = Phase::over;
                return true;
            case Phase::over: break;
        }
        return false;
    }

  private:
    enum class Phase { prompt_filter, role, text, usage, done, over };

    std::string chunk(std::string_view delta, std::string_view finish, std::string_view filter) const {
        const std::string reason = finish.empty() ? "null" : json_quoted(finish);
        const std::string results =
            answer_.async_filter ? "" : fmt::format(R"("content_filter_results":{},)", filter);
        return fmt::format(R"({{"choices":[{{{}"delta":{},"finish_reason":{},"index":{},"logprobs":null}}{})",
                           results, delta, reason, choice_, tail_);
    }

    std::string role_chunk() const {
        if (answer_.tool.empty())
            return chunk(R"({"content":"","refusal":null,"role":"assistant"})", "", "{}");
        return chunk(
            fmt::format(
                R"({{"content":null,"role":"assistant","tool_calls":[{{"function":{{"arguments":"","name":{}}},)"
                R"("id":"{}","index":0,"type":"function"}}]}})",
                json_quoted(answer_.tool), call_id(answer_)),
            "", "{}");
    }

    std::string annotation() const {
        std::size_t end = 0;
        for (std::size_t i = 0; i < token_; ++i)
            end += answer_.choices[choice_].tokens[i].size();
        return fmt::format(
            R"({{"choices":[{{"content_filter_offsets":{{"check_offset":{0},"end_offset":{0},"start_offset":0}},)"
            R"("content_filter_results":{1},"finish_reason":null,"index":{2}}}],"created":0,"id":"","model":"",)"
            R"("object":""}})",
            end, short_filter, choice_);
    }

    bool text(Event* event) {
        const TextPlan& plan = answer_.choices[choice_];
        if (answer_.async_filter && !annotated_ && token_ > 0 &&
            (token_ % annotate_every_tokens == 0 || token_ == plan.tokens.size())) {
            annotated_ = true;
            event->data = annotation();
            return true;
        }
        annotated_ = false;
        if (token_ < plan.tokens.size()) {
            const std::string piece = json_quoted(plan.tokens[token_++]);
            event->data = chunk(
                answer_.tool.empty()
                    ? fmt::format(R"({{"content":{}}})", piece)
                    : fmt::format(R"({{"tool_calls":[{{"function":{{"arguments":{}}},"index":0}}]}})", piece),
                "", short_filter);
            event->beat = Beat::token;
            return true;
        }
        event->data = chunk("{}", finish_of(answer_, plan),
                            plan.finish_reason == "content_filter" ? tripped_filter : "{}");
        token_ = 0;
        phase_ = ++choice_ < answer_.choices.size() ? Phase::role : Phase::usage;
        return true;
    }

    bool usage(Event* event) {
        phase_ = Phase::done;
        if (!answer_.include_usage) return next(event);
        event->data = fmt::format(
            R"({{"choices":[],"created":{},"id":"{}","model":"{}","object":"chat.completion.chunk",)"
            R"("system_fingerprint":"{}","usage":{}}})",
            answer_.created, answer_.id, answer_.model, fingerprint, usage_json(answer_.usage));
        return true;
    }

    Answer answer_;
    std::string tail_;
    Phase phase_ = Phase::prompt_filter;
    std::size_t choice_ = 0;
    std::size_t token_ = 0;
    bool annotated_ = false;
};

} // namespace

std::string chat_body(const Answer& answer) {
    std::string choices;
    for (std::size_t i = 0; i < answer.choices.size(); ++i) {
        const TextPlan& choice = answer.choices[i];
        if (i > 0) choices += ',';
        choices += fmt::format(
            R"({{"content_filter_results":{},"finish_reason":"{}","index":{},"logprobs":null,"message":{}}})",
            choice.finish_reason == "content_filter" ? tripped_filter : clean_filter_json(),
            finish_of(answer, choice), i, message_json(answer, choice));
    }
    return fmt::format(R"({{"choices":[{}],"created":{},"id":"{}","model":"{}","object":"chat.completion",)"
                       R"("prompt_filter_results":{},"system_fingerprint":"{}","usage":{}}})",
                       choices, answer.created, answer.id, answer.model, prompt_filter_json(), fingerprint,
                       usage_json(answer.usage));
}

std::unique_ptr<EventSource> chat_events(Answer answer) {
    return std::make_unique<ChatEvents>(std::move(answer));
}

} // namespace headroom::mock
