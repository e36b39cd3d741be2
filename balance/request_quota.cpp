// Both slices are counted all the time; the one in force decides.
#include "balance/request_quota.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr std::int64_t slices_per_minute = 6;

} // namespace

void RequestQuota::configure(std::int64_t per_minute, bool told) noexcept {
    per_minute_.store(per_minute, relaxed);
    told_.store(told, relaxed);
    limit_.store(per_minute > 0 ? std::max<std::int64_t>(1, per_minute / slices_per_minute) : 0, relaxed);
}

void RequestQuota::advance(const Moment& now) noexcept {
    ten_.advance(now.fine);
    one_.advance(now.fine);
}

bool RequestQuota::try_take(const Moment& now, RequestCharge& charge) noexcept {
    const std::int64_t most = limit();
    if (most == 0) {
        take(now, charge);
        return true;
    }
    if (slice() == 1) {
        if (!one_.try_take(now.fine, 1, most, charge.one)) return false;
        ten_.take(now.fine, 1, charge.ten);
        return true;
    }
    if (!ten_.try_take(now.fine, 1, most, charge.ten)) return false;
    one_.take(now.fine, 1, charge.one);
    return true;
}

void RequestQuota::take(const Moment& now, RequestCharge& charge) noexcept {
    ten_.take(now.fine, 1, charge.ten);
    one_.take(now.fine, 1, charge.one);
}

void RequestQuota::give_back(RequestCharge& charge) noexcept {
    ten_.replace(charge.ten, 0);
    one_.replace(charge.one, 0);
}

std::int64_t RequestQuota::opening_ns(const Moment& now) const noexcept {
    const std::int64_t most = limit();
    if (most == 0) return now.ns;
    const std::uint32_t ticks =
        slice() == 1 ? one_.ticks_until(now.fine, 1, most) : ten_.ticks_until(now.fine, 1, most);
    if (ticks == 0) return now.ns;
    return (std::int64_t{now.fine} - 1 + ticks) * (now.tick_ns / fine_per_tick);
}

// Of the lengths that a slice can have, the one that the two figures agree with best.
void RequestQuota::learn_limit(std::int64_t limit) noexcept {
    if (limit <= 0) return;
    seen_.store(true, relaxed);
    const std::int64_t per_minute = per_minute_.load(relaxed);
    double best = 1e9;
    std::uint32_t found = 10;
    for (const std::uint32_t ticks : {10U, 1U, 60U}) {
        const double expected = static_cast<double>(per_minute) * ticks / ticks_per_window;
        const double off = std::abs(std::log(static_cast<double>(limit) / std::max(expected, 1e-3)));
        if (per_minute > 0 && off < best) best = off, found = ticks;
    }
    // A derived quota is a guess, which a factor of ten proves wrong, not the slice short.
    if (!told_.load(relaxed) && best > 0.7) found = 10;
    // Over a whole minute it is the same quota as ours, in slices: kept to those, it is never exceeded.
    const std::int64_t effective = found == 60 ? std::max<std::int64_t>(1, limit / slices_per_minute) : limit;
    slice_.store(found == 1 ? 1 : 10, relaxed);
    const std::int64_t ours = per_minute * (found == 1 ? 1 : 10) / ticks_per_window;
    const std::int64_t next = told_.load(relaxed) && ours > 0 ? std::min(effective, ours + 1) : effective;
    if (limit_.load(relaxed) != next) limit_.store(next, relaxed);
    top_.store(0, relaxed);
}

void RequestQuota::learn_refusal(const Moment& now) noexcept {
    const std::int64_t most = limit();
    const std::int64_t counted = used() - 1;
    seen_.store(true, relaxed);
    if (most != 0 && counted >= most) return;
    const std::int64_t per_minute = per_minute_.load(relaxed);
    const std::int64_t per_second = per_minute / ticks_per_window;
    if (slice() == 10 && per_second >= 1 && one_.total() > per_second && counted * 10 < most * 7) {
        slice_.store(1, relaxed);
        limit_.store(per_second, relaxed);
        return;
    }
    if (counted < 2) return;
    if (top_.load(relaxed) == 0) top_.store(most == 0 ? -1 : most, relaxed);
    limit_.store(std::max<std::int64_t>(1, counted), relaxed);
    changed_.store(now.tick, relaxed);
}

void RequestQuota::learn_admitted(const Moment& now) noexcept {
    const std::int64_t top = top_.load(relaxed);
    if (top == 0 || now.tick - changed_.load(relaxed) < ticks_per_window) return;
    changed_.store(now.tick, relaxed);
    const std::int64_t most = limit();
    const std::int64_t next = most + std::max<std::int64_t>(1, most / 20);
    limit_.store(top > 0 ? std::min(top, next) : next, relaxed);
    if (top > 0 && next >= top) top_.store(0, relaxed);
}

} // namespace headroom::balance
