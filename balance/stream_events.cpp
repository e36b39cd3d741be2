// Lines, then events, then the JSON of an event's data, each read as it comes.
#include "balance/stream_events.hpp"

#include <algorithm>
#include <array>
#include <memory>

namespace headroom::balance {
namespace {

enum Tag : unsigned { root = JsonSink::root_tag, type, error, code, choices, content, delta, response };

constexpr std::string_view done_text = "[DONE]";

// Errors of these kinds are the client's own and the same everywhere.
bool blames_client(std::string_view code) noexcept {
    static constexpr std::array<std::string_view, 6> codes{
        "content_filter",          "ResponsibleAIPolicyViolation",
        "context_length_exceeded", "string_above_max_length",
        "image_parse_error",       "400"};
    return std::find(codes.begin(), codes.end(), code) != codes.end() || code.starts_with("invalid_") ||
           code.starts_with("unsupported_");
}

bool names_quota(std::string_view code) noexcept {
    static constexpr std::array<std::string_view, 5> codes{"429", "rate_limit_exceeded", "too_many_requests",
                                                           "insufficient_quota", "rate_limit_error"};
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

bool is_bookkeeping(std::string_view type) noexcept {
    static constexpr std::array<std::string_view, 5> types{"response.created", "response.in_progress",
                                                           "response.queued", "ping", "keepalive"};
    return std::find(types.begin(), types.end(), type) != types.end();
}

} // namespace

class StreamJudge::Sink final : public JsonSink {
  public:
    explicit Sink(StreamJudge& owner) noexcept : owner_(owner) {}

    unsigned on_key(unsigned parent, std::string_view name) noexcept override {
        switch (parent) {
            case root:
                if (name == "type") return type;
                if (name == "code") return code;
                if (name == "choices") return choices;
                if (name == "response") return response;
                return name == "error" ? unsigned{error} : 0;
            case response: return name == "error" ? unsigned{error} : 0;
            case error: return name == "code" || name == "type" ? unsigned{code} : 0;
            case choices:
                if (name == "delta") return delta;
                return name == "text" || name == "finish_reason" || name == "message" ? unsigned{content} : 0;
            case delta: return name == "role" ? 0 : unsigned{content};
            default: return 0;
        }
    }

    void on_scalar(unsigned tag, const JsonScalar& scalar) noexcept override {
        if (scalar.kind == JsonKind::null || scalar.kind == JsonKind::false_value) return;
        const bool empty = scalar.kind == JsonKind::string && scalar.end - scalar.begin == 2;
        switch (tag) {
            case type: owner_.type_.append(scalar.text); return;
            case error: owner_.error_ = true; return;
            case code:
                owner_.client_fault_ = owner_.client_fault_ || blames_client(scalar.text);
                owner_.quota_ = owner_.quota_ || names_quota(scalar.text);
                if (owner_.code_.empty()) owner_.code_.append(scalar.text);
                return;
            case content:
                if (!empty) found_content();
                return;
            default: return;
        }
    }

    unsigned on_open(unsigned tag, JsonKind kind, std::uint64_t) noexcept override {
        const bool is_object = kind == JsonKind::object;
        switch (tag) {
            case error: owner_.error_ = true; break;
            case choices: owner_.has_choices_ = owner_.has_choices_ || !is_object; return choices;
            case content: found_content(); return 0;
            default: break;
        }
        return is_object ? tag : 0;
    }

    void on_close(unsigned, JsonKind, std::uint64_t) noexcept override {}

  private:
    // At once, not at the end of the event: waiting would delay the first token.
    void found_content() noexcept {
        owner_.content_ = true;
        if (owner_.verdict_ == StreamVerdict::hold) owner_.verdict_ = StreamVerdict::release;
    }

    StreamJudge& owner_;
};

StreamVerdict StreamJudge::feed(std::string_view piece) noexcept {
    const auto room =
        static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), held_bytes_max_ - bytes_));
    std::string_view rest = piece.substr(0, room);
    while (!rest.empty() && verdict_ == StreamVerdict::hold) {
        const EventLines::Step step = lines_.next(rest);
        take(step.part, rest.substr(0, step.size));
        rest.remove_prefix(step.size);
    }
    bytes_ += room;
    if (verdict_ == StreamVerdict::hold && room < piece.size()) verdict_ = StreamVerdict::release;
    return verdict_;
}

void StreamJudge::take(EventLines::Part part, std::string_view text) noexcept {
    switch (part) {
        case EventLines::Part::begin_data:
            // Several data lines are one text with line feeds between them.
            if (data_bytes_ != 0) take_data("\n");
            return;
        case EventLines::Part::data: return take_data(text);
        case EventLines::Part::begin_event: return event_.clear();
        case EventLines::Part::event: return event_.append(text);
        case EventLines::Part::end: return end_event();
        default: return;
    }
}

void StreamJudge::take_data(std::string_view part) noexcept {
    data_bytes_ += part.size();
    data_head_.append(part);
    Sink sink(*this);
    scan_.feed(part, sink);
}

void StreamJudge::end_event() noexcept {
    verdict_ = judge_event();
    if (verdict_ == StreamVerdict::hold) begin_event();
}

void StreamJudge::begin_event() noexcept {
    has_choices_ = content_ = error_ = client_fault_ = quota_ = false;
    data_bytes_ = 0;
    event_.clear();
    type_.clear();
    data_head_.clear();
    code_.clear();
    std::construct_at(&scan_);
}

StreamVerdict StreamJudge::judge_event() const noexcept {
    if (data_bytes_ == 0) return event_.text() == "error" ? StreamVerdict::error_event : StreamVerdict::hold;
    if (data_bytes_ == done_text.size() && data_head_.text() == done_text) return StreamVerdict::release;
    const std::string_view kind = type_.empty() ? event_.text() : type_.text();
    if (error_ || event_.text() == "error" || kind == "error" || kind == "response.failed") {
        return client_fault_ ? StreamVerdict::client_error : StreamVerdict::error_event;
    }
    if (is_bookkeeping(kind) || (has_choices_ && !content_)) return StreamVerdict::hold;
    return StreamVerdict::release;
}

StreamVerdict StreamJudge::finish() noexcept {
    if (verdict_ != StreamVerdict::hold) return verdict_;
    // Servers that die do not send the blank line behind their last event; one that explains itself is still
    // believed.
    const StreamVerdict last = judge_event();
    const bool whole = last == StreamVerdict::client_error || data_head_.text() == done_text;
    verdict_ = whole ? last : StreamVerdict::error_event;
    return verdict_;
}

} // namespace headroom::balance
