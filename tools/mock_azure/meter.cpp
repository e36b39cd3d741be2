// Rate windows: sliding (exact log), fixed (aligned to mock time zero), gcra (a bucket that drains at limit
// per window).
#include "tools/mock_azure/meter.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::mock {

using std::chrono::nanoseconds;

std::optional<WindowKind> window_kind_from(std::string_view word) {
    if (word == "sliding") return WindowKind::sliding;
    if (word == "fixed") return WindowKind::fixed;
    if (word == "gcra") return WindowKind::gcra;
    return std::nullopt;
}

std::string_view to_string(WindowKind kind) {
    switch (kind) {
        case WindowKind::sliding: return "sliding";
        case WindowKind::fixed: return "fixed";
        case WindowKind::gcra: return "gcra";
    }
    return "sliding";
}

Meter::Meter(WindowKind kind, std::int64_t limit, nanoseconds window)
    : kind_(kind), limit_(limit), window_(window) {}

void Meter::reconfigure(WindowKind kind, std::int64_t limit, nanoseconds window) {
    if (kind == kind_ && window == window_ && limit != 0) {
        limit_ = limit;
        return;
    }
    const std::int64_t used_max = used_max_;
    *this = Meter(kind, limit, window);
    used_max_ = used_max;
}

nanoseconds Meter::drain_time(double amount) const {
    return nanoseconds(static_cast<std::int64_t>(
        std::ceil(amount * static_cast<double>(window_.count()) / static_cast<double>(limit_))));
}

void Meter::forget(MockTime now) {
    switch (kind_) {
        case WindowKind::sliding:
            while (!charges_.empty() && charges_.front().at + window_ <= now) {
                used_ -= charges_.front().amount;
                charges_.pop_front();
            }
            break;
        case WindowKind::fixed:
            if (const auto index = now / window_; index != window_index_) {
                window_index_ = index;
                used_ = 0;
            }
            break;
        case WindowKind::gcra: {
            const double drained = static_cast<double>((now - level_at_).count()) *
                                   static_cast<double>(limit_) / static_cast<double>(window_.count());
            level_ = std::max(0.0, level_ - drained);
            level_at_ = now;
            break;
        }
    }
}

std::int64_t Meter::used(MockTime now) {
    if (limit_ == 0) return 0;
    forget(now);
    return kind_ == WindowKind::gcra ? static_cast<std::int64_t>(std::ceil(level_ - 1e-9)) : used_;
}

std::int64_t Meter::remaining(MockTime now) {
    return std::max<std::int64_t>(0, limit_ - used(now));
}

nanoseconds Meter::wait_for(std::int64_t cost, MockTime now) {
    if (limit_ == 0) return nanoseconds(0);
    const std::int64_t in_use = used(now);
    if (in_use + cost <= limit_) return nanoseconds(0);
    if (cost > limit_) return window_;
    switch (kind_) {
        case WindowKind::fixed: return window_ * (window_index_ + 1) - now;
        case WindowKind::gcra: return drain_time(level_ + static_cast<double>(cost - limit_));
        case WindowKind::sliding: break;
    }
    std::int64_t left = in_use;
    for (const Charge& charge : charges_) {
        left -= charge.amount;
        if (left + cost <= limit_) return charge.at + window_ - now;
    }
    return window_;
}

void Meter::add(std::int64_t amount, MockTime now) {
    if (limit_ == 0) return;
    forget(now);
    if (kind_ == WindowKind::gcra) {
        level_ += static_cast<double>(amount);
    } else {
        used_ += amount;
    }
    if (kind_ == WindowKind::sliding) {
        // Charges that are closer than a 60,000th of the window share an entry: bounds the log, 1 ms in a
        // minute.
        if (!charges_.empty() && now - charges_.back().at < window_ / 60'000) {
            charges_.back().amount += amount;
        } else {
            charges_.push_back({now, amount});
        }
    }
    used_max_ = std::max(used_max_, used(now));
}

void Meter::release(std::int64_t amount, MockTime charged_at, MockTime now) {
    if (limit_ == 0 || amount <= 0) return;
    forget(now);
    switch (kind_) {
        case WindowKind::gcra: level_ = std::max(0.0, level_ - static_cast<double>(amount)); break;
        case WindowKind::fixed:
            if (charged_at / window_ == window_index_) used_ = std::max<std::int64_t>(0, used_ - amount);
            break;
        case WindowKind::sliding: {
            auto after = std::upper_bound(charges_.begin(), charges_.end(), charged_at,
                                          [](MockTime at, const Charge& charge) { return at < charge.at; });
            if (after == charges_.begin()) return;
            Charge& charge = *std::prev(after);
            const std::int64_t taken = std::min(amount, charge.amount);
            charge.amount -= taken;
            used_ -= taken;
            break;
        }
    }
}

nanoseconds Meter::until_empty(MockTime now) {
    if (used(now) == 0) return nanoseconds(0);
    switch (kind_) {
        case WindowKind::fixed: return window_ * (window_index_ + 1) - now;
        case WindowKind::gcra: return drain_time(level_);
        case WindowKind::sliding: break;
    }
    return charges_.back().at + window_ - now;
}

} // namespace headroom::mock
