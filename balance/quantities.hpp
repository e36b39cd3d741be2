// The quantities the balancer reckons in: tokens, points in time and spans of time.
// Promises: a token count is never mistaken for a byte count; time is a plain value that the caller read from
// its clock. Not here: reading a clock; every function of balance/ takes the time as an argument.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace headroom::balance {

/// A point on the caller's steady clock (or on virtual time); only differences matter.
using Time = std::chrono::steady_clock::time_point;

/// A span of steady time.
using Duration = std::chrono::steady_clock::duration;

/// A point on the civil clock, needed only to read HTTP dates (RFC 9110 section 5.6.7).
using WallTime = std::chrono::system_clock::time_point;

/// A number of tokens; signed, so that corrections are tokens too.
class Tokens {
  public:
    constexpr Tokens() noexcept = default;
    explicit constexpr Tokens(std::int64_t count) noexcept : count_(count) {}

    /// The plain number.
    [[nodiscard]] constexpr std::int64_t count() const noexcept { return count_; }

    friend constexpr auto operator<=>(Tokens, Tokens) noexcept = default;
    friend constexpr Tokens operator+(Tokens a, Tokens b) noexcept { return Tokens(a.count_ + b.count_); }
    friend constexpr Tokens operator-(Tokens a, Tokens b) noexcept { return Tokens(a.count_ - b.count_); }
    friend constexpr Tokens operator*(Tokens a, std::int64_t factor) noexcept {
        return Tokens(a.count_ * factor);
    }
    constexpr Tokens& operator+=(Tokens other) noexcept { return *this = *this + other; }
    constexpr Tokens& operator-=(Tokens other) noexcept { return *this = *this - other; }

  private:
    std::int64_t count_ = 0;
};

/// The most one request is ever charged: above every context window, small enough that sums of them cannot
/// overflow.
inline constexpr Tokens request_cost_max{std::int64_t{1} << 24};

/// What so many bytes of an answer come to when nothing better is known; at most request_cost_max.
[[nodiscard]] constexpr Tokens tokens_of_bytes(std::uint64_t bytes) noexcept {
    const auto most = static_cast<std::uint64_t>(request_cost_max.count());
    return Tokens(static_cast<std::int64_t>(bytes / 4 < most ? bytes / 4 : most));
}

} // namespace headroom::balance
