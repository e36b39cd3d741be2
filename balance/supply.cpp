// Each way of forgetting gives tokens back in its own way.
#include "balance/supply.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

constexpr double endless = 1e18;

/// What may be sent to `slot` between now and `then_ns`, by its own count.
double tokens_until(const Slot& slot, std::int64_t then_ns, const Moment& now) noexcept {
    const auto ceiling = static_cast<double>(slot.ceiling());
    const std::int64_t counted = slot.tokens_counted(now);
    const double free = ceiling - static_cast<double>(counted);
    switch (slot.tokens.forgetting()) {
        case Forgetting::bucket: {
            const auto rate = static_cast<double>(slot.limit.less_margin(slot.rate()));
            return free + rate * static_cast<double>(then_ns - now.ns) / static_cast<double>(now.window_ns());
        }
        case Forgetting::fixed: {
            const bool renewed = slot.tokens.counted_at(then_ns, slot.rate(), now) < counted;
            return renewed ? free + ceiling : free;
        }
        case Forgetting::sliding: break;
    }
    return ceiling - static_cast<double>(slot.tokens.counted_at(then_ns, slot.rate(), now));
}

} // namespace

void Supply::add(const Slot& slot, Tokens cost, Tokens charge, const Moment& now) noexcept {
    step_ = std::chrono::nanoseconds(now.tick_ns * ticks_per_step);
    charged_ += slot.charged.load(std::memory_order_relaxed);
    if (slot.capacity() <= 0 || cost <= Tokens(0) || charge <= Tokens(0)) {
        unlimited_ = true;
        return;
    }
    const double scale = static_cast<double>(cost.count()) / static_cast<double>(charge.count());
    const std::int64_t blocked_ns = slot.block.until_ms(Tokens(0), false, now.ms) * 1'000'000;
    double most = 0;
    for (std::size_t i = 0; i <= steps; ++i) {
        const std::int64_t then_ns = now.ns + static_cast<std::int64_t>(i) * step_.count();
        if (then_ns >= blocked_ns) most = std::max(most, tokens_until(slot, then_ns, now));
        points_[i] += most * scale;
    }
    per_step_ += static_cast<double>(slot.limit.less_margin(slot.rate())) * scale / steps;
}

double Supply::until(Duration later) const noexcept {
    if (unlimited_) return endless;
    if (later < Duration::zero()) return 0;
    const double at = static_cast<double>(later.count()) / static_cast<double>(step_.count());
    if (at >= steps) return points_[steps] + (at - steps) * per_step_;
    const auto before = static_cast<std::size_t>(at);
    return points_[before] + (points_[before + 1] - points_[before]) * (at - static_cast<double>(before));
}

} // namespace headroom::balance
