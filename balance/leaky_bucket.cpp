// Tokens are turned into the time they take to drain, so that the passing of time needs no update.
#include "balance/leaky_bucket.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

/// Amounts are clamped to so many windows, which keeps hostile ones from overflowing.
constexpr double windows_max = 1'000;
/// A limiter refuses what would overfill it, so a fuller bucket than this is none.
constexpr std::int64_t windows_full = 2;

std::int64_t drain_ns(std::int64_t amount, std::int64_t limit, const Moment& now) noexcept {
    const auto window = static_cast<double>(now.window_ns());
    const double time = static_cast<double>(amount) * window / static_cast<double>(limit);
    return std::llround(std::clamp(time, -windows_max * window, windows_max * window));
}

} // namespace

std::int64_t LeakyBucket::level(std::int64_t limit, const Moment& now) const noexcept {
    const std::int64_t left = empty_at_ns_.load(relaxed) - now.ns;
    if (left <= 0 || limit <= 0) return 0;
    return std::llround(static_cast<double>(left) * static_cast<double>(limit) /
                        static_cast<double>(now.window_ns()));
}

bool LeakyBucket::try_take(std::int64_t amount, std::int64_t ceiling, std::int64_t limit,
                           const Moment& now) noexcept {
    const std::int64_t more = drain_ns(amount, limit, now);
    const std::int64_t latest = now.ns + drain_ns(ceiling, limit, now);
    std::int64_t at = empty_at_ns_.load(relaxed);
    std::int64_t next = 0;
    do {
        next = std::max(at, now.ns) + more;
        if (next > latest && at > now.ns) return false;
    } while (!empty_at_ns_.compare_exchange_weak(at, next, relaxed));
    return true;
}

void LeakyBucket::add(std::int64_t amount, std::int64_t limit, const Moment& now) noexcept {
    if (amount == 0 || limit <= 0) return;
    const std::int64_t more = drain_ns(amount, limit, now);
    const std::int64_t most = now.ns + now.window_ns() * windows_full;
    std::int64_t at = empty_at_ns_.load(relaxed);
    while (!empty_at_ns_.compare_exchange_weak(at, std::min(std::max(at, now.ns) + more, most), relaxed)) {
    }
}

void LeakyBucket::confine(std::int64_t least, std::int64_t most, std::int64_t limit,
                          const Moment& now) noexcept {
    if (limit <= 0) return;
    const std::int64_t low = now.ns + drain_ns(std::max<std::int64_t>(0, least), limit, now);
    const std::int64_t high = std::max(low, now.ns + drain_ns(most, limit, now));
    std::int64_t at = empty_at_ns_.load(relaxed);
    while (true) {
        const std::int64_t next = std::clamp(at, low, high);
        // An empty bucket needs no new time to be as empty.
        if (next == at || (next <= now.ns && at <= now.ns)) return;
        if (empty_at_ns_.compare_exchange_weak(at, next, relaxed)) return;
    }
}

} // namespace headroom::balance
