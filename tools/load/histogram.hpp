// Durations counted in log-linear buckets: quantiles within 0.4 % from nanoseconds to centuries, in fixed
// memory. Owned by one worker; merged after the run. Promises: record() is a few instructions and never
// allocates.
#pragma once

#include "tools/load/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace headroom::load {

class Histogram {
  public:
    Histogram();

    /// Counts one duration; a negative one counts as zero.
    void record(Nanoseconds value) noexcept;
    void merge(const Histogram& other) noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] Nanoseconds min() const noexcept; ///< Exact; zero when nothing was recorded.
    [[nodiscard]] Nanoseconds max() const noexcept; ///< Exact; zero when nothing was recorded.
    [[nodiscard]] Nanoseconds mean() const noexcept;

    /// The duration that a share `q` (0 to 1) of the recorded ones did not exceed (nearest rank); the middle
    /// of its bucket, never outside min() and max(); zero when nothing was recorded.
    [[nodiscard]] Nanoseconds quantile(double q) const noexcept;

  private:
    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    std::uint64_t min_ = UINT64_MAX;
    std::uint64_t max_ = 0;
    double sum_ = 0;
};

} // namespace headroom::load
