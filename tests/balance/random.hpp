// A small seeded generator for property tests; the seed of a failing case is printed, HEADROOM_SEED replays
// just that one.
#pragma once

#include "balance/bit_mixing.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace headroom::balance {

class Random {
  public:
    /// The seed is mixed first: seeds that follow each other would give one sequence, a step apart.
    explicit Random(std::uint64_t seed) noexcept : state_(mixed(seed * 0xd1342543de82ef95U)) {}

    std::uint64_t bits() noexcept { return mixed(state_ += mixing_step); }

    /// A number in [0, bound).
    std::uint64_t below(std::uint64_t bound) noexcept { return bits() % bound; }
    bool chance(unsigned percent) noexcept { return below(100) < percent; }

    template <class Value, std::size_t Size>
    const Value& pick(const Value (&from)[Size]) noexcept {
        return from[below(Size)];
    }

  private:
    std::uint64_t state_;
};

/// The seeds 1 to `count`, or the one in HEADROOM_SEED.
inline std::vector<std::uint64_t> seeds(std::uint64_t count) {
    if (const char* one = std::getenv("HEADROOM_SEED")) return {std::strtoull(one, nullptr, 10)};
    std::vector<std::uint64_t> all;
    for (std::uint64_t seed = 1; seed <= count; ++seed)
        all.push_back(seed);
    return all;
}

/// The seeds of a property that must always hold: 256, fewer where a sanitizer makes each take ten times as
/// long.
inline std::vector<std::uint64_t> property_seeds() {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return seeds(16);
#else
    return seeds(256);
#endif
}

inline std::string seed_note(std::uint64_t seed) {
    return "replay with HEADROOM_SEED=" + std::to_string(seed);
}

} // namespace headroom::balance
