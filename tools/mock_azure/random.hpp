// Deterministic pseudo-random numbers and hashes: the same seed gives the same answers on every machine.
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::mock {

/// SplitMix64; small, seedable by any number, the same everywhere.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }

    /// Uniform in [0, bound); bound 0 gives 0.
    std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }

    /// Uniform in [0, 1).
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  private:
    std::uint64_t state_;
};

/// FNV-1a, 64 bits; `basis` lets hashes be chained.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t basis = 0xcbf29ce484222325ULL) {
    for (const char c : text) {
        basis = (basis ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    return basis;
}

} // namespace headroom::mock
