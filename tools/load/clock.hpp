// The one clock of the load generator: monotonic, in nanoseconds.
#pragma once

#include <chrono>

namespace headroom::load {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Nanoseconds = std::chrono::nanoseconds;

/// The stretch of time that is measured; `end` is the far future while a run of N requests lasts.
struct Window {
    TimePoint begin = TimePoint::max();
    TimePoint end = TimePoint::max();

    [[nodiscard]] bool contains(TimePoint when) const noexcept { return when >= begin && when < end; }
};

} // namespace headroom::load
