// The one clock of the load generator: monotonic, in nanoseconds.
#pragma once

#include <chrono>

namespace headroom::load {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Nanoseconds = std::chrono::nanoseconds;

/// Later than any run, with room to add to it.
constexpr TimePoint far_future = TimePoint::max() - std::chrono::hours{1};

/// The stretch of time that is measured; `end` is the far future while a run of N requests lasts.
struct Window {
    TimePoint begin = far_future;
    TimePoint end = far_future;

    [[nodiscard]] bool contains(TimePoint when) const noexcept { return when >= begin && when < end; }
};

} // namespace headroom::load
