// A count that starts again with every window, at a phase that is learned: an 8-byte atomic each for this
// window and the next, and the phase. A beginning is learned from an answer, and so a little late: what is
// charged shortly before it counts in both windows. Shared by every shard, without locks.
#pragma once

#include "balance/moment.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace headroom::balance {

class FixedWindow {
  public:
    /// Ticks before the end of a window whose charges may belong to the next.
    static constexpr std::uint32_t late_ticks = 3;

    /// What was counted since the window began.
    [[nodiscard]] std::int64_t total(std::uint32_t tick) const noexcept;
    /// Counts `amount` if the sum stays within `ceiling`; false changes nothing.
    bool try_take(std::int64_t amount, std::int64_t ceiling, std::uint32_t tick) noexcept;
    /// Counts `amount` whatever the sum.
    void add(std::int64_t amount, std::uint32_t tick) noexcept;
    /// Changes what was counted at `then` by `change`; without effect once that window is over.
    void change(std::int64_t change, std::uint32_t then, std::uint32_t tick) noexcept;
    /// Moves the sum into [least, most] if it lies outside.
    void confine(std::int64_t least, std::int64_t most, std::uint32_t tick) noexcept;
    /// A window begins at every tick that leaves `phase` when divided by ticks_per_window; what was counted
    /// is kept.
    void set_phase(std::uint32_t phase, std::uint32_t tick) noexcept;
    /// In how many ticks the next one begins, at least 1.
    [[nodiscard]] std::uint32_t ticks_left(std::uint32_t tick) const noexcept;

  private:
    [[nodiscard]] std::uint64_t index(std::uint32_t tick) const noexcept;
    [[nodiscard]] bool ends_soon(std::uint32_t tick) const noexcept { return ticks_left(tick) <= late_ticks; }
    template <class Change>
    void apply(std::uint64_t at, Change change) noexcept;

    /// Of the windows with even and with odd indices: index (24 bits), sum (40).
    std::array<std::atomic<std::uint64_t>, 2> words_{};
    std::atomic<std::uint32_t> phase_{0};
};

} // namespace headroom::balance
