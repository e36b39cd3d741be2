// A sliding window of charges: a ring of buckets and their sum, each one 8-byte atomic.
// Shared by every shard. Promises: a charge is taken at most once, given back exactly, and leaves after one
// window length; the sum never falls short of the charges that are inside the window, so two threads can
// never both take the last of it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace headroom::balance {

/// Where a charge lies in a window: the tick of its bucket and how much of the charge the bucket took.
struct WindowCharge {
    std::uint32_t tick = 0;
    std::int64_t amount = 0;
};

/// Ticks fit into 28 bits: eight years of seconds.
inline constexpr std::uint32_t window_tick_max = (std::uint32_t{1} << 28) - 1;

/// A ring of `Buckets` ticks; the caller turns time into ticks, which start at 1 and never fall back by more
/// than a window.
///
/// A bucket packs its tick and its amount, of AmountBits, into one word: more ticks or larger amounts.
template <std::size_t Buckets, unsigned AmountBits = 36>
class Window {
  public:
    /// The sum of all charges taken within the last `Buckets` ticks, as of the latest advance.
    [[nodiscard]] std::int64_t total() const noexcept { return total_.load(std::memory_order_relaxed); }

    /// Retires the buckets that have left the window; cheap when the tick has not changed. Returns what this
    /// call retired.
    std::int64_t advance(std::uint32_t tick) noexcept;

    /// In how many ticks `amount` will fit under `ceiling` if nothing else comes; `Buckets` when it never
    /// will.
    [[nodiscard]] std::uint32_t ticks_until(std::uint32_t tick, std::int64_t amount,
                                            std::int64_t ceiling) const noexcept;

    /// The charges taken within the last `ticks` ticks, this one included.
    [[nodiscard]] std::int64_t recent(std::uint32_t ticks, std::uint32_t tick) const noexcept;

    /// What leaves the window when `tick`, which lies ahead, begins.
    [[nodiscard]] std::int64_t oldest(std::uint32_t tick) const noexcept {
        const std::uint64_t word = buckets_[tick % Buckets].load(std::memory_order_relaxed);
        return static_cast<std::int64_t>(word & amount_max);
    }

    /// Takes `amount` if the sum stays within `ceiling`; false changes nothing.
    bool try_take(std::uint32_t tick, std::int64_t amount, std::int64_t ceiling,
                  WindowCharge& charge) noexcept;

    /// Takes `amount` whatever the sum: the backend's answer is the truth, not our prediction.
    void take(std::uint32_t tick, std::int64_t amount, WindowCharge& charge) noexcept;

    /// Changes an earlier charge to `amount` (0 gives all back); without effect once its bucket has left the
    /// window.
    void replace(WindowCharge& charge, std::int64_t amount) noexcept;

  private:
    static constexpr unsigned amount_bits = AmountBits;
    static constexpr std::uint64_t amount_max = (std::uint64_t{1} << amount_bits) - 1;

    void put(std::uint32_t tick, WindowCharge& charge) noexcept;
    std::int64_t retire(std::uint32_t tick) noexcept;

    std::atomic<std::int64_t> total_{0};
    std::atomic<std::uint64_t> head_{0};
    std::array<std::atomic<std::uint64_t>, Buckets> buckets_{};
};

extern template class Window<242, 32>;
extern template class Window<103, 32>;
extern template class Window<12, 32>;
extern template class Window<60>; // sizes that tests can reckon by hand
extern template class Window<10>;

} // namespace headroom::balance
