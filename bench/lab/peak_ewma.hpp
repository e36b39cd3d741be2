// The load estimate of Finagle and Linkerd: a moving average of latency that jumps to peaks and decays, times
// what is under way (Finagle, PeakEwma.scala). Shared by two strategies.
#pragma once

#include "bench/lab/workload.hpp"

#include <cmath>
#include <cstdint>

namespace headroom::lab {

class PeakEwma {
  public:
    void observe(double seconds, Time now) noexcept {
        const double weight = std::exp(-since(now) / decay_s);
        value_ = seconds > value_ ? seconds : value_ * weight + seconds * (1 - weight);
        at_ = now;
    }
    /// Seconds of work ahead of a request that joins `in_flight` others.
    [[nodiscard]] double load(std::int64_t in_flight, Time now) const noexcept {
        const double decayed = value_ * std::exp(-since(now) / decay_s);
        if (decayed <= 0 && in_flight > 0) return penalty_s + static_cast<double>(in_flight);
        return decayed * static_cast<double>(in_flight + 1);
    }

  private:
    static constexpr double decay_s = 10;
    static constexpr double penalty_s = 1e6; ///< It has requests, but has not answered any yet.
    [[nodiscard]] double since(Time now) const noexcept {
        return std::chrono::duration<double>(now - at_).count();
    }
    double value_ = 0;
    Time at_{};
};

} // namespace headroom::lab
