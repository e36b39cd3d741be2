// Judges the first bytes of a 200 event stream: may they go to the client yet, or is a retry still possible
// and wanted? One per attempt. Promises: bounded memory, any split gives the same judgement. Not here:
// holding the bytes (the caller does).
#pragma once

#include "balance/json_scan.hpp"

#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Judgement of a stream so far.
enum class StreamVerdict : std::uint8_t {
    hold,         ///< Comments, preamble and bookkeeping events only: a retry would not be noticed.
    release,      ///< Content has begun (or enough bytes were held): relay everything, stop judging.
    error_event,  ///< The stream erred before content by the backend's fault: retry elsewhere.
    client_error, ///< The stream erred before content by the client's own doing (content filter, invalid
                  ///< request): relay it.
};

class StreamJudge {
  public:
    /// `held_bytes_max`: more than this is never held.
    explicit StreamJudge(std::uint64_t held_bytes_max) noexcept : held_bytes_max_(held_bytes_max) {}

    /// Takes the next piece; once the verdict is not hold it stays.
    StreamVerdict feed(std::string_view piece) noexcept;
    /// The stream ended: hold becomes error_event (it died before content), everything else stays.
    StreamVerdict finish() noexcept;
    [[nodiscard]] StreamVerdict verdict() const noexcept { return verdict_; }

  private:
    std::uint64_t held_bytes_max_;
    StreamVerdict verdict_ = StreamVerdict::hold;
};

} // namespace headroom::balance
