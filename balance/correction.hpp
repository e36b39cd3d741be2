// What the backend's own count differs from ours by; one 8-byte atomic that fades out over one window.
#pragma once

#include <atomic>
#include <cstdint>

namespace headroom::balance {

class Correction {
  public:
    [[nodiscard]] std::int64_t value(std::uint32_t tick) const noexcept;
    /// Moves the value into [least, most] if it lies outside: the smallest change of mind that agrees with a
    /// measurement.
    void confine(std::int64_t least, std::int64_t most, std::uint32_t tick) noexcept;

  private:
    std::atomic<std::uint64_t> word_{0};
};

} // namespace headroom::balance
