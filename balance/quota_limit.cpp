// Down at once by as much as a refusal proves, up again slowly, and more slowly each time the same bound is
// found.
#include "balance/quota_limit.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr std::uint32_t million = 1'000'000;
constexpr std::uint32_t margin_max = 200'000;
constexpr std::uint32_t patience_max = 16;
// A proof nearer than this to what is believed is its confirmation.
constexpr std::int64_t same_part = 33;

} // namespace

void QuotaLimit::configure(std::int64_t limit) noexcept {
    configured_.store(limit, relaxed);
    effective_.store(limit, relaxed);
    source_.store(limit > 0 ? Source::configured : Source::unknown, relaxed);
}

std::int64_t QuotaLimit::less_margin(std::int64_t tokens) const noexcept {
    const std::uint32_t margin = margin_.load(relaxed);
    return margin == 0 ? tokens : tokens - tokens / 1000 * margin / 1000;
}

std::int64_t QuotaLimit::known() const noexcept {
    const std::int64_t own = configured();
    const std::int64_t told = header_.load(relaxed);
    return told > 0 && (own == 0 || told < own) ? told : own;
}

void QuotaLimit::restore(const Moment& now) noexcept {
    if (source() != Source::refusals) return;
    margin_.store(0, relaxed);
    const std::int64_t limit = known();
    const Source source = limit == 0              ? Source::unknown
                          : limit == configured() ? Source::configured
                                                  : Source::header;
    set(limit, source, now);
}

void QuotaLimit::hold_refusals_at(unsigned per_1000) noexcept {
    margin_return_ = margin_step / 1000 * std::clamp(per_1000, 1U, 1000U);
}

double QuotaLimit::margin() const noexcept {
    return static_cast<double>(margin_.load(relaxed)) / million;
}

void QuotaLimit::set(std::int64_t limit, Source source, const Moment& now) noexcept {
    effective_.store(limit, relaxed);
    source_.store(source, relaxed);
    since_ms_.store(now.ms, relaxed);
}

void QuotaLimit::learn_header(std::int64_t limit, const Moment& now) noexcept {
    if (header_.load(relaxed) == limit) return;
    header_.store(limit, relaxed);
    const std::int64_t own = configured();
    const bool lower = own == 0 || limit < own;
    set(lower ? limit : own, lower ? Source::header : Source::configured, now);
    margin_.store(0, relaxed);
}

void QuotaLimit::learn_refusal(std::int64_t proven, const Moment& now) noexcept {
    const std::int64_t limit = effective();
    proven = std::max<std::int64_t>(proven, std::max<std::int64_t>(1, configured() / 50));
    if (limit > 0 && proven >= limit - limit / same_part) {
        if (source() == Source::refusals) {
            const std::uint32_t patience = patience_.load(relaxed);
            patience_.store(std::min(patience * 2, patience_max), relaxed);
            tried_.store(now.tick, relaxed);
        }
        return;
    }
    patience_.store(1, relaxed);
    tried_.store(now.tick, relaxed);
    set(proven, Source::refusals, now);
}

void QuotaLimit::widen() noexcept {
    margin_.store(std::min(margin_.load(relaxed) + margin_step, margin_max), relaxed);
}

void QuotaLimit::narrow(std::uint32_t times) noexcept {
    const std::uint32_t margin = margin_.load(relaxed);
    if (margin != 0) margin_.store(margin - std::min(margin, margin_return_ * times), relaxed);
}

void QuotaLimit::admitted(std::int64_t counted, const Moment& now) noexcept {
    narrow(1);
    if (source() == Source::refusals) grow(counted, now);
}

void QuotaLimit::grow(std::int64_t counted, const Moment& now) noexcept {
    const std::int64_t limit = effective();
    const std::int64_t own = configured();
    if (counted > limit) return set(counted, Source::refusals, now);
    if (now.tick - tried_.load(relaxed) < ticks_per_window * patience_.load(relaxed)) return;
    tried_.store(now.tick, relaxed);
    const std::int64_t top = known();
    const std::int64_t next = limit + std::max<std::int64_t>(1, limit / 50);
    if (top > 0 && next >= top) return set(top, own == top ? Source::configured : Source::header, now);
    effective_.store(next, relaxed);
}

} // namespace headroom::balance
