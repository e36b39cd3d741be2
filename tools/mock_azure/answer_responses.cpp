// The Responses API: the response object, and its typed events with sequence numbers.
#include "tools/mock_azure/answer.hpp"

#include <fmt/format.h>

namespace headroom::mock {

namespace {

std::string suffix(const Answer& answer) {
    return answer.id.substr(answer.id.find('_') + 1);
}

std::string_view status_of(const Answer& answer) {
    return answer.choices.front().finish_reason == "stop" ? "completed" : "incomplete";
}

std::string usage_of(const Usage& usage) {
    return fmt::format(
        R"({{"input_tokens":{},"input_tokens_details":{{"cached_tokens":{}}},"output_tokens":{},)"
        R"("output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":{}}})",
        usage.prompt, usage.cached, usage.completion, usage.total());
}

std::string part_json(std::string_view text) {
    return fmt::format(R"({{"type":"output_text","annotations":[],"logprobs":[],"text":{}}})",
                       json_quoted(text));
}

std::string item_id(const Answer& answer) {
    return (answer.tool.empty() ? "msg_" : "fc_") + suffix(answer);
}

/// Reasoning that only its backend can read, with `end` behind it; empty when none was asked for.
std::string reasoning_json(const Answer& answer, std::string_view end) {
    if (answer.encrypted_reasoning.empty()) return {};
    return fmt::format(R"({{"id":"rs_{}","type":"reasoning","summary":[],"encrypted_content":"{}"}}{})",
                       suffix(answer), answer.encrypted_reasoning, end);
}

/// The one output item; without text while it is in progress.
std::string item_json(const Answer& answer, bool done) {
    const std::string text = done ? answer.choices.front().text() : std::string();
    const std::string_view status = done ? status_of(answer) : "in_progress";
    if (!answer.tool.empty()) {
        return fmt::format(
            R"({{"id":"{}","type":"function_call","status":"{}","arguments":{},"call_id":"call_{}","name":{}}})",
            item_id(answer), status, json_quoted(text), suffix(answer), json_quoted(answer.tool));
    }
    return fmt::format(R"({{"id":"{}","type":"message","status":"{}","content":[{}],"role":"assistant"}})",
                       item_id(answer), status, done ? part_json(text) : std::string());
}

std::string object_json(const Answer& answer, bool done) {
    const std::string_view status = done ? status_of(answer) : "in_progress";
    const std::string_view finish = answer.choices.front().finish_reason;
    const std::string incomplete =
        done && finish != "stop"
            ? fmt::format(R"({{"reason":"{}"}})", finish == "length" ? "max_output_tokens" : "content_filter")
            : "null";
    return fmt::format(
        R"({{"id":"{}","object":"response","created_at":{},"status":"{}","background":false,"content_filters":null,)"
        R"("error":null,"incomplete_details":{},"instructions":null,"max_output_tokens":null,"model":"{}","output":[{}],)"
        R"("parallel_tool_calls":true,"previous_response_id":{},"prompt_cache_key":null,"reasoning":{{"effort":null,)"
        R"("summary":null}},"service_tier":"{}","store":{},"temperature":1.0,"text":{{"format":{{"type":"text"}}}},)"
        R"("tool_choice":"auto","tools":[],"top_p":1.0,"truncation":"disabled","usage":{},"user":null,"metadata":{{}}}})",
        answer.id, answer.created, status, incomplete, answer.model,
        done ? reasoning_json(answer, ",") + item_json(answer, true) : std::string(),
        answer.previous_response_id.empty() ? "null" : json_quoted(answer.previous_response_id),
        done ? "default" : "auto", answer.store, done ? usage_of(answer.usage) : "null");
}

class ResponseEvents final : public EventSource {
  public:
    explicit ResponseEvents(Answer answer) : answer_(std::move(answer)) {}

    bool next(Event* event) override {
        event->beat = Beat::together;
        switch (step_) {
            case Step::created:
                step_ = Step::in_progress;
                return emit(event, "response.created", R"("response":)" + object_json(answer_, false));
            case Step::in_progress:
                step_ = answer_.encrypted_reasoning.empty() ? Step::item_added : Step::reasoning_done;
                return emit(event, "response.in_progress", R"("response":)" + object_json(answer_, false));
            case Step::reasoning_done:
                step_ = Step::item_added;
                return emit(event, "response.output_item.done",
                            R"("output_index":0,"item":)" + reasoning_json(answer_, ""));
            case Step::item_added:
                step_ = answer_.tool.empty() ? Step::part_added : Step::delta;
                event->beat = Beat::token;
                return emit(event, "response.output_item.added",
                            R"("output_index":0,"item":)" + item_json(answer_, false));
            case Step::part_added:
                step_ = Step::delta;
                return emit(event, "response.content_part.added",
                            place() + R"(,"content_index":0,"part":)" + part_json(""));
            case Step::delta: return delta(event);
            case Step::part_done:
                step_ = Step::item_done;
                return emit(
                    event, "response.content_part.done",
                    place() + R"(,"content_index":0,"part":)" + part_json(answer_.choices.front().text()));
            case Step::item_done:
                step_ = Step::completed;
                return emit(event, "response.output_item.done",
                            R"("output_index":0,"item":)" + item_json(answer_, true));
            case Step::completed:
                step_ = Step::over;
                return emit(event,
                            status_of(answer_) == "completed" ? "response.completed" : "response.incomplete",
                            R"("response":)" + object_json(answer_, true));
            case Step::over: break;
        }
        return false;
    }

  private:
    enum class Step {
        created,
        in_progress,
        reasoning_done,
        item_added,
        part_added,
        delta,
        part_done,
        item_done,
        completed,
        over
    };

    std::string place() const { return fmt::format(R"("item_id":"{}","output_index":0)", item_id(answer_)); }

    bool emit(Event* event, std::string_view type, std::string_view members) {
        event->name = type;
        event->data = fmt::format(R"({{"type":"{}","sequence_number":{},{}}})", type, sequence_++, members);
        return true;
    }

    bool delta(Event* event) {
        const TextPlan& plan = answer_.choices.front();
        const bool text = answer_.tool.empty();
        if (token_ < plan.tokens.size()) {
            event->beat = Beat::token;
            const std::string piece = json_quoted(plan.tokens[token_++]);
            if (text) {
                return emit(event, "response.output_text.delta",
                            fmt::format(R"({},"content_index":0,"delta":{},"logprobs":[])", place(), piece));
            }
            return emit(event, "response.function_call_arguments.delta",
                        fmt::format(R"({},"delta":{})", place(), piece));
        }
        step_ = text ? Step::part_done : Step::item_done;
        if (text) {
            return emit(event, "response.output_text.done",
                        fmt::format(R"({},"content_index":0,"text":{},"logprobs":[])", place(),
                                    json_quoted(plan.text())));
        }
        return emit(event, "response.function_call_arguments.done",
                    fmt::format(R"({},"arguments":{})", place(), json_quoted(plan.text())));
    }

    Answer answer_;
    Step step_ = Step::created;
    std::size_t token_ = 0;
    int sequence_ = 0;
};

} // namespace

std::string output_item_id(const Answer& answer) {
    return item_id(answer);
}

std::string response_body(const Answer& answer) {
    return object_json(answer, true);
}

std::unique_ptr<EventSource> response_events(Answer answer) {
    return std::make_unique<ResponseEvents>(std::move(answer));
}

} // namespace headroom::mock
