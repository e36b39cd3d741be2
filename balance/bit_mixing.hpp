// Spreads bits evenly: splitmix64 in its parts (Steele, Lea, Flood 2014).
// Not for names that clients choose: those need a keyed hash (name_hash.hpp).
#pragma once

#include <cstdint>

namespace headroom::balance {

/// What the state of splitmix64 grows by.
inline constexpr std::uint64_t mixing_step = 0x9e3779b97f4a7c15U;

/// The finalizer: every bit of the result depends on every bit of `bits`; 0 stays 0.
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t bits) noexcept {
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
    return bits ^ (bits >> 31);
}

/// A number in [0, 1) of random bits.
[[nodiscard]] constexpr double unit(std::uint64_t bits) noexcept {
    return static_cast<double>(bits >> 11) * 0x1p-53;
}

} // namespace headroom::balance
