// Judges the first bytes of a 200 event stream: may they go to the client yet, or is a retry still possible
// and wanted? One per attempt. Promises: bounded memory, any split gives the same judgement. Not here:
// holding the bytes (the caller does).
#pragma once

#include "balance/bounded_text.hpp"
#include "balance/event_lines.hpp"
#include "balance/json_scan.hpp"

#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Judgement of a stream so far.
enum class StreamVerdict : std::uint8_t {
    hold,         ///< Comments, preamble and bookkeeping events only: a retry would not be noticed.
    release,      ///< Content has begun (or enough bytes were held): relay everything, stop judging.
    error_event,  ///< The stream erred or ended before content by the backend's fault: retry elsewhere.
    client_error, ///< It erred before content by the client's own doing (content filter, invalid request):
                  ///< relay it.
};

/// Reads Server-Sent Events (WHATWG HTML section 9.2) of chat, completions and Responses streams.
class StreamJudge {
  public:
    static constexpr std::size_t code_bytes_max = 64;

    /// More than `held_bytes_max` is never held.
    explicit StreamJudge(std::uint64_t held_bytes_max) noexcept : held_bytes_max_(held_bytes_max) {}

    /// Takes the next piece; once the verdict is not hold it stays.
    StreamVerdict feed(std::string_view piece) noexcept;
    /// The stream ended: hold becomes error_event (it died before content), everything else stays.
    StreamVerdict finish() noexcept;
    /// True when the error event is about a quota: a measurement, not a fault.
    [[nodiscard]] bool quota_error() const noexcept {
        return verdict_ == StreamVerdict::error_event && quota_;
    }
    [[nodiscard]] StreamVerdict verdict() const noexcept { return verdict_; }
    /// The code or type of an error event, whichever came first, for the log; cut after code_bytes_max, may
    /// be empty.
    [[nodiscard]] std::string_view error_code() const noexcept { return code_.text(); }

  private:
    class Sink;

    void take(EventLines::Part part, std::string_view text) noexcept;
    void take_data(std::string_view part) noexcept;
    void end_event() noexcept;
    void begin_event() noexcept;
    [[nodiscard]] StreamVerdict judge_event() const noexcept;

    std::uint64_t held_bytes_max_;
    std::uint64_t bytes_ = 0;
    StreamVerdict verdict_ = StreamVerdict::hold;

    EventLines lines_;

    // The current event.
    bool has_choices_ = false;  ///< A chat or completions chunk.
    bool content_ = false;      ///< It holds content.
    bool error_ = false;        ///< It has an "error" that is not null.
    bool quota_ = false;        ///< A code or type in it names a quota.
    bool client_fault_ = false; ///< A code or type in it blames the client.
    std::uint64_t data_bytes_ = 0;
    BoundedText<32> event_; ///< The "event:" field.
    BoundedText<32> type_;  ///< The JSON's "type".
    BoundedText<8> data_head_;
    BoundedText<code_bytes_max> code_;
    JsonScan scan_;
};

} // namespace headroom::balance
