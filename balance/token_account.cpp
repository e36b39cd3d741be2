// One of the three decides, the other two follow.
#include "balance/token_account.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

/// Limits are what backends say: their products need not fit into 64 bits.
std::int64_t scaled(std::int64_t amount, double factor) noexcept {
    return static_cast<std::int64_t>(std::min(static_cast<double>(amount) * factor, 1e18));
}

} // namespace

std::int64_t TokenAccount::counted(std::int64_t rate, const Moment& now) const noexcept {
    switch (forgetting()) {
        case Forgetting::fixed: return fixed_.total(now.tick);
        case Forgetting::bucket: return bucket_.level(rate, now);
        case Forgetting::sliding: break;
    }
    return std::max<std::int64_t>(0, window_.total() + correction_.value(now.tick));
}

std::int64_t TokenAccount::correction(const Moment& now) const noexcept {
    return correction_.value(now.tick);
}

bool TokenAccount::try_take(std::int64_t amount, std::int64_t ceiling, std::int64_t rate, const Moment& now,
                            TokenCharge& charge) noexcept {
    const Forgetting decides = forgetting();
    bool taken = false;
    switch (decides) {
        case Forgetting::sliding:
            taken =
                window_.try_take(now.quarter, amount, ceiling - correction_.value(now.tick), charge.window);
            break;
        case Forgetting::bucket: taken = bucket_.try_take(amount, ceiling, rate, now); break;
        case Forgetting::fixed: taken = fixed_.try_take(amount, ceiling, now.tick); break;
    }
    if (taken) follow(decides, amount, rate, now, charge);
    return taken;
}

void TokenAccount::take(std::int64_t amount, std::int64_t rate, const Moment& now,
                        TokenCharge& charge) noexcept {
    follow(std::nullopt, amount, rate, now, charge);
}

void TokenAccount::follow(std::optional<Forgetting> decided, std::int64_t amount, std::int64_t rate,
                          const Moment& now, TokenCharge& charge) noexcept {
    if (decided != Forgetting::sliding) window_.take(now.quarter, amount, charge.window);
    if (decided != Forgetting::bucket) bucket_.add(amount, rate, now);
    if (decided != Forgetting::fixed) fixed_.add(amount, now.tick);
    charge.tick = now.tick;
}

void TokenAccount::replace(TokenCharge& charge, std::int64_t amount, std::int64_t rate,
                           const Moment& now) noexcept {
    const std::int64_t change = amount - charge.window.amount;
    if (change == 0) return;
    window_.replace(charge.window, amount);
    fixed_.change(change, charge.tick, now.tick);
    if (now.tick - charge.tick < ticks_per_window) bucket_.add(change, rate, now);
}

void TokenAccount::move(TokenCharge& charge, std::int64_t amount, std::int64_t rate,
                        const Moment& now) noexcept {
    // In this order too much is counted for a moment, never too little.
    TokenCharge later;
    if (amount != 0) take(amount, rate, now, later);
    replace(charge, 0, rate, now);
    charge = later;
}

void TokenAccount::confine(std::int64_t least, std::int64_t most, std::int64_t unsaved, std::int64_t rate,
                           const Moment& now) noexcept {
    const std::int64_t own = window_.total();
    correction_.confine(least - own, most - own, now.tick);
    bucket_.confine(least - unsaved, most - unsaved, rate, now);
    fixed_.confine(least, most, now.tick);
}

void TokenAccount::forget_by(Forgetting forgetting, std::uint32_t phase, const Moment& now) noexcept {
    fixed_.set_phase(phase % ticks_per_window, now.tick);
    forgetting_.store(forgetting, std::memory_order_relaxed);
}

std::int64_t TokenAccount::opening_ns(std::int64_t amount, std::int64_t ceiling, std::int64_t rate,
                                      const Moment& now) const noexcept {
    const std::int64_t sum = counted(rate, now);
    const std::int64_t over = sum + amount - ceiling;
    if (over <= 0) return now.ns;
    switch (forgetting()) {
        case Forgetting::fixed:
            return (std::int64_t{now.tick} - 1 + fixed_.ticks_left(now.tick)) * now.tick_ns;
        case Forgetting::bucket: {
            if (rate <= 0) return now.ns + now.window_ns();
            if (sum == 0) return now.ns;
            const double ns_per_token = static_cast<double>(now.window_ns()) / static_cast<double>(rate);
            // What is larger than the bucket may go once that is empty.
            return now.ns + 1 + scaled(std::min(over, sum), ns_per_token);
        }
        case Forgetting::sliding: break;
    }
    return sliding_opening_ns(amount, ceiling, now);
}

std::int64_t TokenAccount::sliding_opening_ns(std::int64_t amount, std::int64_t ceiling,
                                              const Moment& now) const noexcept {
    const auto at_quarter = [&](std::uint32_t quarters) {
        // rounded up: a moment later it is certain
        return ((std::int64_t{now.quarter} - 1 + quarters) * now.tick_ns + quarters_per_tick - 1) /
               quarters_per_tick;
    };
    // The correction fades while the window moves.
    const std::int64_t sum = window_.total();
    std::int64_t retired = 0;
    for (std::uint32_t quarters = 1; quarters <= buckets; ++quarters) {
        retired += window_.oldest(now.quarter + quarters);
        const std::uint32_t tick = now.tick + quarters / quarters_per_tick;
        const std::int64_t off = Correction::absorbed(correction_.value(tick), retired);
        if (sum - retired + off + amount <= ceiling) return at_quarter(quarters);
    }
    return now.ns + now.window_ns();
}

std::int64_t TokenAccount::counted_at(std::int64_t then_ns, std::int64_t rate,
                                      const Moment& now) const noexcept {
    const std::int64_t later = std::clamp<std::int64_t>(then_ns - now.ns, 0, now.window_ns());
    const auto tick = static_cast<std::uint32_t>(then_ns / now.tick_ns + 1);
    switch (forgetting()) {
        case Forgetting::fixed:
            return tick - now.tick >= fixed_.ticks_left(now.tick) ? 0 : fixed_.total(now.tick);
        case Forgetting::bucket:
            return std::max<std::int64_t>(
                0, bucket_.level(rate, now) -
                       scaled(later, static_cast<double>(rate) / static_cast<double>(now.window_ns())));
        case Forgetting::sliding: break;
    }
    return sliding_at(then_ns, now);
}

std::int64_t TokenAccount::sliding_at(std::int64_t then_ns, const Moment& now) const noexcept {
    const auto tick = static_cast<std::uint32_t>(then_ns / now.tick_ns + 1);
    const auto quarter = static_cast<std::uint32_t>(then_ns * quarters_per_tick / now.tick_ns + 1);
    std::int64_t retired = 0;
    for (std::uint32_t at = now.quarter + 1; at <= quarter && at - now.quarter <= buckets; ++at)
        retired += window_.oldest(at);
    const std::int64_t off = Correction::absorbed(correction_.value(tick), retired);
    return std::max<std::int64_t>(0, window_.total() - retired + off);
}

} // namespace headroom::balance
