// Time as the loops use it: a monotonic time point and its duration.
// Only a Loop reads a clock; everyone else is told the time.
#pragma once

#include <chrono>

namespace headroom::net {

using Time = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

} // namespace headroom::net
