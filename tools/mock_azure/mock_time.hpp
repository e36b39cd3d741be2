// The mock's own time: wall time run faster or slower, so that a 60 s window can be 1 s in a test.
// Shared by every thread (immutable after construction). Only this file reads a clock for windows and
// latencies.
#pragma once

#include <chrono>
#include <cstdint>

namespace headroom::mock {

/// Mock time since the program started. All windows, latencies and expiries are computed in it.
using MockTime = std::chrono::nanoseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Maps real time to mock time: with scale 60 one real second is one mock minute.
class ScaledClock {
  public:
    explicit ScaledClock(double scale) : scale_(scale), start_(std::chrono::steady_clock::now()) {}

    MockTime now() const { return mock(std::chrono::steady_clock::now()); }

    MockTime mock(SteadyTime real) const { return stretch(real - start_, scale_); }

    /// When a mock instant happens in real time.
    SteadyTime real(MockTime at) const { return start_ + stretch(at, 1.0 / scale_); }

    /// How long a mock duration lasts in real time; what goes into retry-after-ms.
    std::chrono::nanoseconds real_length(std::chrono::nanoseconds mock_length) const {
        return stretch(mock_length, 1.0 / scale_);
    }

    double scale() const { return scale_; }

  private:
    static std::chrono::nanoseconds stretch(std::chrono::nanoseconds length, double factor) {
        return std::chrono::nanoseconds(
            static_cast<std::int64_t>(static_cast<double>(length.count()) * factor));
    }

    double scale_;
    SteadyTime start_;
};

/// Rounds a duration up to whole units, never below zero; headers must not promise a wait that is too short.
template <class Unit>
std::int64_t ceil_count(std::chrono::nanoseconds length) {
    return length.count() <= 0 ? 0 : std::chrono::ceil<Unit>(length).count();
}

} // namespace headroom::mock
