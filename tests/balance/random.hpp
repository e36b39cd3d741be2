// A small seeded generator for property tests; the seed of a failing case is printed, HEADROOM_SEED replays
// just that one.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace headroom::balance {

class Random {
  public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed * 0x9e3779b97f4a7c15U + 1) {}

    std::uint64_t bits() noexcept {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = (state_ ^ (state_ >> 30)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31);
    }

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

inline std::string seed_note(std::uint64_t seed) {
    return "replay with HEADROOM_SEED=" + std::to_string(seed);
}

} // namespace headroom::balance
