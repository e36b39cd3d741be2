// When the requests of an open-loop run are due, whatever the server does: the cure for coordinated omission.
// Owned by one worker. Promises: a slow server never moves a later arrival, and rounding never adds up.
#pragma once

#include "tools/load/clock.hpp"

#include <cstdint>
#include <random>

namespace headroom::load {

enum class Arrivals : std::uint8_t { even, poisson };

class Schedule {
  public:
    /// Arrivals at `per_second` (> 0) in all, of which this is part `part` (from 0) of `parts`; a seed
    /// replays poisson arrivals.
    Schedule(double per_second, Arrivals arrivals, std::uint64_t seed, unsigned part = 0, unsigned parts = 1);

    /// When the next request is due, after the start of the run.
    [[nodiscard]] Nanoseconds due() const noexcept { return due_; }

    /// Moves on to the request after it.
    void advance() noexcept;

  private:
    double period_ns_;
    double offset_ns_;
    Arrivals arrivals_;
    std::uint64_t number_ = 0;
    double poisson_ns_ = 0;
    Nanoseconds due_{0};
    std::mt19937_64 random_;
};

} // namespace headroom::load
