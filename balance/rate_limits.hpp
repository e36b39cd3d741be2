// Reads what a backend says about its quota: rate-limit header fields, Retry-After in all its forms, the text
// of a 429. Promises: every value a backend can send (absent, 0, -1, 86400, garbage, a date) ends in a
// bounded positive wait. Not here: remembering it (lease.hpp, fleet.hpp).
#pragma once

#include "balance/quantities.hpp"

#include <optional>
#include <string_view>

namespace headroom::balance {

/// The quota facts of one response head, collected field by field; values that make no sense stay absent.
class RateLimits {
  public:
    /// Takes one header field, name in any case; false (and cheap) when the name is none of ours. The first
    /// sane value of a name wins.
    bool on_field(std::string_view name, std::string_view value) noexcept;

    std::optional<std::int64_t> limit_tokens; ///< x-ratelimit-limit-tokens; -1 and 0 count as absent.
    std::optional<std::int64_t>
        remaining_tokens; ///< x-ratelimit-remaining-tokens; -1 counts as absent, 0 does not.
    std::optional<std::int64_t> limit_requests; ///< x-ratelimit-limit-requests, per the backend's own window.
    std::optional<std::int64_t> remaining_requests; ///< x-ratelimit-remaining-requests.
    std::optional<Duration>
        reset_tokens; ///< x-ratelimit-reset-tokens, also misspelt x-rate-limit-reset-tokens.
    std::optional<Duration> reset_requests; ///< x-ratelimit-reset-requests.
    std::optional<Duration> retry_after_ms; ///< retry-after-ms, milliseconds, may be fractional.
    std::optional<Duration> retry_after;    ///< retry-after as delay-seconds, may be fractional.
    std::optional<WallTime> retry_at;       ///< retry-after as an HTTP-date (RFC 9110 section 10.2.3).
};

/// A 429 as a measurement: what ran out and when it comes back.
struct Refusal {
    enum class Kind : std::uint8_t {
        tokens,   ///< The tokens-per-minute window is full.
        requests, ///< The short request window is full.
        capacity, ///< The service is busy ("high demand"): no quota of ours, another region helps.
        unknown,  ///< A 429 that does not say; treated as tokens.
    };
    Kind kind = Kind::unknown;
    Duration retry_after{}; ///< How long to keep away; within [refusal_wait_min, refusal_wait_max].
    bool stated =
        false; ///< The backend named a usable wait; otherwise retry_after is our default and may grow.
    bool overlong = false; ///< The backend named more than refusal_wait_max and was clamped.
    RateLimits limits;     ///< The header fields that came with it.
};

/// A wait of zero would make a hot loop against a throttled backend; PTU backends really ask for tens of
/// milliseconds.
inline constexpr Duration refusal_wait_min = std::chrono::milliseconds(20);

/// No quota window is longer than a minute, so after a minute asking once is cheaper than believing a longer
/// claim.
inline constexpr Duration refusal_wait_max = std::chrono::seconds(60);

/// Used when a 429 names no wait at all; Lease doubles it while such refusals follow each other.
inline constexpr Duration refusal_wait_default = std::chrono::seconds(1);

/// More of a refusal's body than this is not looked at.
inline constexpr std::size_t refusal_body_bytes_max = 4096;

/// Reads a refusal: retry-after-ms, retry-after, the reset field of what ran out, the text of the body, in
/// that order; values of 0 or less, and dates in the past, count as not stated. `body` may be a prefix; dates
/// are read against wall_now. A refusal that is no 429 and says nothing of tokens or requests is one of
/// capacity.
[[nodiscard]] Refusal refusal_from(int status, const RateLimits& limits, std::string_view body,
                                   WallTime wall_now) noexcept;

} // namespace headroom::balance
