// What the backend's own count differs from ours by; one 8-byte atomic that fades out over one window.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace headroom::balance {

class Correction {
  public:
    [[nodiscard]] std::int64_t value(std::uint32_t tick) const noexcept;
    /// Moves the value into [least, most] if it lies outside: the smallest change of mind that agrees with a
    /// measurement.
    void confine(std::int64_t least, std::int64_t most, std::uint32_t tick) noexcept;
    /// So much has left our own sum: where the backend had forgotten it before us, that is no difference any
    /// more.
    void absorb(std::int64_t retired, std::uint32_t tick) noexcept;
    /// What absorbing does to a value.
    [[nodiscard]] static std::int64_t absorbed(std::int64_t value, std::int64_t retired) noexcept {
        return value < 0 ? std::min<std::int64_t>(0, value + retired) : value;
    }

  private:
    std::atomic<std::uint64_t> word_{0};
};

} // namespace headroom::balance
