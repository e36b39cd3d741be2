// A mean that follows what is observed: exact for the first samples, exponentially weighted afterwards.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace headroom::balance {

/// Starts at 0; every sample weighs `weight`, the first ones as much as they must for a plain mean.
class LearnedMean {
  public:
    void add(double sample, double weight) noexcept {
        if (count_ != std::numeric_limits<std::uint32_t>::max()) ++count_;
        mean_ += (sample - mean_) * std::max(weight, 1.0 / count_);
    }

    [[nodiscard]] double mean() const noexcept { return mean_; }
    /// Samples so far.
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

  private:
    double mean_ = 0;
    std::uint32_t count_ = 0;
};

} // namespace headroom::balance
