// Random: the loops' generator, xoshiro256** (Blackman and Vigna), seeded by splitmix64. Not for secrets.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace headroom::net {

class Random {
  public:
    /// The same seed gives the same numbers on every machine; 0 draws a seed from the system.
    explicit Random(std::uint64_t seed) noexcept;
    std::uint64_t next() noexcept;

  private:
    std::array<std::uint64_t, 4> state_{};
};

/// Fills `bytes` with the system's randomness, fit for keys. Throws std::system_error; for start-up.
void draw_secret(std::span<std::uint8_t> bytes);

} // namespace headroom::net
