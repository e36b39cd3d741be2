// The order of the two writes of every change is what makes the sum safe: it grows before a bucket, and
// shrinks after it.
#include "balance/window.hpp"

#include <algorithm>

namespace headroom::balance {

template <std::size_t Buckets, unsigned AmountBits>
std::int64_t Window<Buckets, AmountBits>::advance(std::uint32_t tick) noexcept {
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    if (head >= tick) return 0;
    // One thread retires; the others see a sum that is too high for a moment, which errs on the safe side.
    if (!head_.compare_exchange_strong(head, tick, std::memory_order_relaxed)) return 0;
    const std::uint64_t passed = std::min<std::uint64_t>(tick - head, Buckets);
    std::int64_t retired = 0;
    for (std::uint32_t i = 0; i < passed; ++i)
        retired += retire(tick - i);
    return retired;
}

// The emptied bucket keeps the tick it now stands for: stamps only grow, so a late charge can never be
// mistaken for a new one.
template <std::size_t Buckets, unsigned AmountBits>
std::int64_t Window<Buckets, AmountBits>::retire(std::uint32_t tick) noexcept {
    std::atomic<std::uint64_t>& bucket = buckets_[tick % Buckets];
    std::uint64_t word = bucket.load(std::memory_order_relaxed);
    while (static_cast<std::uint32_t>(word >> amount_bits) < tick) {
        // Acquire: the writer's addition to the sum comes before its bucket, so it comes before our
        // subtraction.
        if (bucket.compare_exchange_weak(word, std::uint64_t{tick} << amount_bits, std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
            const auto amount = static_cast<std::int64_t>(word & amount_max);
            total_.fetch_sub(amount, std::memory_order_relaxed);
            return amount;
        }
    }
    return 0;
}

template <std::size_t Buckets, unsigned AmountBits>
std::uint32_t Window<Buckets, AmountBits>::ticks_until(std::uint32_t tick, std::int64_t amount,
                                                       std::int64_t ceiling) const noexcept {
    std::int64_t sum = total();
    std::uint32_t ticks = 0;
    while (sum + amount > ceiling && ticks < Buckets) {
        ++ticks; // tick + ticks takes over the oldest bucket
        const std::uint64_t word = buckets_[(tick + ticks) % Buckets].load(std::memory_order_relaxed);
        sum -= static_cast<std::int64_t>(word & amount_max);
    }
    return ticks;
}

template <std::size_t Buckets, unsigned AmountBits>
std::int64_t Window<Buckets, AmountBits>::recent(std::uint32_t ticks, std::uint32_t tick) const noexcept {
    std::int64_t sum = 0;
    for (std::uint32_t i = 0; i < ticks && i < Buckets && i < tick; ++i) {
        const std::uint64_t word = buckets_[(tick - i) % Buckets].load(std::memory_order_relaxed);
        if (static_cast<std::uint32_t>(word >> amount_bits) + ticks > tick)
            sum += static_cast<std::int64_t>(word & amount_max);
    }
    return sum;
}

template <std::size_t Buckets, unsigned AmountBits>
bool Window<Buckets, AmountBits>::try_take(std::uint32_t tick, std::int64_t amount, std::int64_t ceiling,
                                           WindowCharge& charge) noexcept {
    std::int64_t sum = total_.load(std::memory_order_relaxed);
    do {
        if (sum + amount > ceiling) return false;
    } while (!total_.compare_exchange_weak(sum, sum + amount, std::memory_order_relaxed));
    charge = {tick, amount};
    put(tick, charge);
    return true;
}

template <std::size_t Buckets, unsigned AmountBits>
void Window<Buckets, AmountBits>::take(std::uint32_t tick, std::int64_t amount,
                                       WindowCharge& charge) noexcept {
    total_.fetch_add(amount, std::memory_order_relaxed);
    charge = {tick, amount};
    put(tick, charge);
}

template <std::size_t Buckets, unsigned AmountBits>
void Window<Buckets, AmountBits>::put(std::uint32_t tick, WindowCharge& charge) noexcept {
    std::atomic<std::uint64_t>& bucket = buckets_[tick % Buckets];
    const auto amount = static_cast<std::uint64_t>(charge.amount);
    std::uint64_t word = bucket.load(std::memory_order_relaxed);
    while (true) {
        const auto stamp = static_cast<std::uint32_t>(word >> amount_bits);
        const std::uint64_t held = word & amount_max;
        // A caller whose time lags joins the later bucket: its charge then stays a little longer, never
        // shorter.
        const bool fresh = stamp < tick;
        const std::uint64_t kept = fresh ? 0 : held;
        const std::uint64_t taken = std::min(amount, amount_max - kept);
        const std::uint32_t used_stamp = fresh ? tick : stamp;
        const std::uint64_t next = (std::uint64_t{used_stamp} << amount_bits) | (kept + taken);
        // Release publishes our addition to the sum to whoever retires the bucket; acquire as in retire.
        if (bucket.compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_relaxed)) {
            const std::uint64_t dropped = (fresh ? held : 0) + (amount - taken);
            if (dropped != 0) total_.fetch_sub(static_cast<std::int64_t>(dropped), std::memory_order_relaxed);
            charge = {used_stamp, static_cast<std::int64_t>(taken)};
            return;
        }
    }
}

template <std::size_t Buckets, unsigned AmountBits>
void Window<Buckets, AmountBits>::replace(WindowCharge& charge, std::int64_t amount) noexcept {
    const std::int64_t change = amount - charge.amount;
    if (change == 0) return;
    if (change > 0) total_.fetch_add(change, std::memory_order_relaxed);
    std::atomic<std::uint64_t>& bucket = buckets_[charge.tick % Buckets];
    std::uint64_t word = bucket.load(std::memory_order_relaxed);
    while (true) {
        const std::uint64_t held = word & amount_max;
        const bool gone = static_cast<std::uint32_t>(word >> amount_bits) != charge.tick;
        if (gone || (change > 0 && held + static_cast<std::uint64_t>(change) > amount_max)) {
            if (change > 0) total_.fetch_sub(change, std::memory_order_relaxed);
            return;
        }
        const std::uint64_t next = word + static_cast<std::uint64_t>(change);
        // Acquire and release order the sum's growth before the bucket's, and the bucket's shrinking before
        // the sum's.
        if (bucket.compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_relaxed)) {
            if (change < 0) total_.fetch_add(change, std::memory_order_relaxed);
            charge.amount = amount;
            return;
        }
    }
}

template class Window<242, 32>;
template class Window<103, 32>;
template class Window<12, 32>;
template class Window<60>;
template class Window<10>;

} // namespace headroom::balance
