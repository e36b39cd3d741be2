// A point in time as quota windows count it, computed once per decision.
#pragma once

#include <cstdint>

namespace headroom::balance {

/// A minute has 60 ticks, a tick 4 quarters and 10 fine ticks; all of them start at 1.
inline constexpr std::uint32_t ticks_per_window = 60;
inline constexpr std::uint32_t quarters_per_tick = 4;
inline constexpr std::uint32_t fine_per_tick = 10;

struct Moment {
    std::uint32_t tick = 1;               ///< A second, or less where a test scales the clock.
    std::uint32_t quarter = 1;            ///< A quarter of a tick.
    std::uint32_t fine = 1;               ///< A tenth of a tick.
    std::int64_t ms = 1;                  ///< Real milliseconds of the caller's clock, at least 1.
    std::int64_t ns = 0;                  ///< Real nanoseconds of the caller's clock.
    std::int64_t tick_ns = 1'000'000'000; ///< How long a tick is.

    /// The length of a quota's minute.
    [[nodiscard]] constexpr std::int64_t window_ns() const noexcept { return tick_ns * ticks_per_window; }
};

} // namespace headroom::balance
