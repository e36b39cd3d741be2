// The bodies of successful answers, whole or as a sequence of events, byte for byte in the manner of the
// service. Pure: no clock and no socket. Not here: framing (sse.hpp), pacing (exchange.hpp), what was asked
// (ask.hpp).
#pragma once

#include "tools/mock_azure/ask.hpp"
#include "tools/mock_azure/text_plan.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::mock {

struct Usage {
    std::int64_t prompt = 0;
    std::int64_t completion = 0;
    std::int64_t cached = 0;
    std::int64_t total() const { return prompt + completion; }
};

/// One answer, decided before its first byte is sent.
struct Answer {
    std::string id;
    std::int64_t created = 0; ///< seconds since 1970
    std::string model;        ///< as served, with the version date
    std::vector<TextPlan> choices;
    Usage usage;
    bool include_usage = false;
    bool async_filter = false; ///< filter results come in chunks of their own, after the text they judge
    bool store = true;
    std::string tool; ///< the text is the arguments of a call of this function; empty: plain text
    std::string previous_response_id;
    std::string encrypted_reasoning; ///< empty: none is told
};

/// When an event may leave: at once with the one before, or one token time later.
enum class Beat { together, token };

struct Event {
    std::string_view name; ///< empty: no "event:" line
    std::string data;
    Beat beat = Beat::together;
};

/// The events of one streamed answer, made one by one so that long answers cost no memory.
class EventSource {
  public:
    EventSource() = default;
    EventSource(const EventSource&) = delete;
    EventSource& operator=(const EventSource&) = delete;
    virtual ~EventSource() = default;
    /// Fills `event` and returns true, or returns false after the last.
    virtual bool next(Event* event) = 0;
};

std::string chat_body(const Answer& answer);
std::unique_ptr<EventSource> chat_events(Answer answer);

std::string completion_body(const Answer& answer);
std::unique_ptr<EventSource> completion_events(Answer answer);

std::string response_body(const Answer& answer);
/// The id of the one item that is no reasoning.
std::string output_item_id(const Answer& answer);
std::unique_ptr<EventSource> response_events(Answer answer);

/// Unit vectors that depend only on the text; `dimensions` 0 takes the model's own size.
std::string embeddings_body(const Ask& ask, std::string_view model, std::int64_t prompt_tokens);

/// JSON string with quotes.
std::string json_quoted(std::string_view text);
/// The usage object of chat, completions and embeddings.
std::string usage_json(const Usage& usage);
/// The four categories of a filter that found nothing.
std::string_view clean_filter_json();
std::string_view prompt_filter_json();

} // namespace headroom::mock
