// Random numbers that are the same on every run: a generator, and draws that hang on names instead of on an
// order. Promises: a draw by key is the same whatever else was drawn, so that strategies meet the same luck.
// Not here: seeds; they come from the command line.
#pragma once

#include "balance/bit_mixing.hpp"

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <numbers>

namespace headroom::lab {

/// A generator (splitmix64; Steele, Lea, Flood 2014).
class Random {
  public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t bits() noexcept {
        state_ += balance::mixing_step;
        return balance::mixed(state_);
    }
    /// Within [0, 1).
    double unit() noexcept { return balance::unit(bits()); }
    /// Within [0, bound); bound must not be 0.
    std::uint64_t below(std::uint64_t bound) noexcept {
        return static_cast<std::uint64_t>(unit() * static_cast<double>(bound));
    }
    double exponential() noexcept { return -std::log(1 - unit()); }
    double normal() noexcept {
        const double radius = std::sqrt(-2 * std::log(1 - unit()));
        return radius * std::cos(2 * std::numbers::pi * unit());
    }
    /// Of mean `shape` (Marsaglia and Tsang 2000).
    double gamma(double shape) noexcept {
        if (shape < 1) return gamma(shape + 1) * std::pow(1 - unit(), 1 / shape);
        const double d = shape - 1.0 / 3;
        const double c = 1 / std::sqrt(9 * d);
        while (true) {
            const double x = normal();
            const double v = std::pow(1 + c * x, 3);
            if (v <= 0) continue;
            if (std::log(1 - unit()) < x * x / 2 + d - d * v + d * std::log(v)) return d * v;
        }
    }

  private:
    std::uint64_t state_;
};

/// A generator for what these names stand for: seed, purpose, request, attempt ...
[[nodiscard]] inline Random random_for(std::initializer_list<std::uint64_t> names) noexcept {
    std::uint64_t state = 0x243f6a8885a308d3U;
    for (const std::uint64_t name : names)
        state = balance::mixed((state ^ name) * balance::mixing_step + 1);
    return Random(state);
}

} // namespace headroom::lab
