// Two waits of one bucket, and what was charged between them, tell its rate without its depth; one wait and
// the rate tell what is missing.
#include "balance/burst.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr double window_s = 60;
// Refusals closer than this measure nothing.
constexpr double pair_s_min = 0.5;
// Whatever is believed, a bucket that was too full is not empty so soon after.
constexpr double saved_s_sure = 2;
constexpr double slope_memory = 0.9;
// What is known weighs as much as pairs of refusals over so many seconds squared.
constexpr double known_weight = 100;
constexpr double slope_weight_min = 9;
constexpr double rate_range = 4;
// A limit below this part of the one that is known is a smaller depth rather.
constexpr double natural_part = 0.9;
constexpr double other_part = 0.7;
constexpr double slope_certain = 200;
// Weighted output and the like make a request cost more than we know.
constexpr double overdraft_max = 4;
constexpr double newest_weight = 0.2;
// One refusal may have any reason.
constexpr unsigned refusals_min = 2;
// A bucket that is not empty may hold more than we know: so much of a surprise is its depth's.
constexpr double depth_blame = 0.125;
constexpr double optimism = 1.0 / 4096;
// What is saved is a second's worth at least; a minute's is a window's.
constexpr double depth_s_min = 1;
constexpr double depth_s_max = 54;
// Where no wait is told something is missing, nobody knows how much.
constexpr double room_unknown = 0.9;

/// What was left for a request of `cost` that was refused, in a bucket that drains so fast.
double room_for(double cost, std::optional<double> wait_s, double per_second) noexcept {
    return wait_s ? cost - per_second * *wait_s : cost * room_unknown;
}

} // namespace

std::int64_t Burst::room(double cost, std::optional<double> wait_s) const noexcept {
    return std::llround(room_for(cost, wait_s, static_cast<double>(rate()) / window_s));
}

Burst::Verdict Burst::refused(const BurstSample& sample) noexcept {
    // Acquire: what the thread before learned is seen.
    if (busy_.exchange(true, std::memory_order_acquire)) return Verdict::nothing;
    // What was on its way when another one was refused shows nothing new.
    if (refusals_ == 0 || sample.sent_s >= last_s_) {
        last_ = learn(sample);
        last_s_ = sample.at_s;
    }
    const Verdict verdict = last_;
    // Release hands what was learned on to the next thread.
    busy_.store(false, std::memory_order_release);
    return verdict;
}

Burst::Verdict Burst::learn(const BurstSample& sample) noexcept {
    learn_rate(sample);
    if (per_second_ > 0) {
        weigh(sample);
        learn_depth(sample);
    }
    ++refusals_;
    if (per_second_ > 0) rate_.store(std::llround(per_second_ * window_s), relaxed);
    const bool deep = per_second_ > 0 && lean_ > 0.5 && deep_ < per_second_ * depth_s_max;
    const bool certain = refusals_ >= refusals_min;
    depth_.store(deep && certain ? std::llround(deep_) : 0, relaxed);
    if (deep) return certain ? Verdict::depth : Verdict::nothing;
    if (sample.known > 0) return Verdict::limit;
    return sample.sustained && sample.wait_s && per_second_ > 0 ? Verdict::limit : Verdict::nothing;
}

void Burst::learn_rate(const BurstSample& sample) noexcept {
    if (sample.wait_s && anchor_) {
        const double apart = sample.at_s - anchor_->at_s;
        const double seconds = apart + *sample.wait_s - *anchor_->wait_s;
        // Later than this the bucket may have been empty in between.
        const double saved_s = per_second_ > 0 ? (deep_ - anchor_->cost) / per_second_ : 0;
        const double full_s = *anchor_->wait_s + std::max(saved_s, saved_s_sure);
        if (apart <= full_s && seconds < pair_s_min) return;
        if (apart <= full_s) {
            const double tokens =
                std::max(0.0, sample.charged - anchor_->charged + sample.cost - anchor_->cost);
            slope_.tokens_seconds = slope_memory * slope_.tokens_seconds + tokens * seconds;
            slope_.seconds_squared = slope_memory * slope_.seconds_squared + seconds * seconds;
        }
    }
    if (sample.wait_s) anchor_ = sample;
    const double known = sample.known / window_s;
    const double weight = known > 0 ? known_weight : 0;
    if (weight + slope_.seconds_squared < slope_weight_min) return;
    per_second_ = (known * weight + slope_.tokens_seconds) / (weight + slope_.seconds_squared);
    most_ = std::max(most_, sample.window);
    const double usual = known > 0 ? known : most_ / window_s;
    per_second_ = std::clamp(per_second_, usual / rate_range, usual * rate_range);
}

/// A window is full near its limit only; a bucket is never fuller than its depth, so that what is missing is
/// no more than what was asked for.
void Burst::weigh(const BurstSample& sample) noexcept {
    const bool believed = depth() > 0;
    const double drained = per_second_ * window_s;
    // Where even the rate is much lower than is known, the limit is another one; where none is known, a
    // minute's worth of it.
    const bool other = slope_.seconds_squared > slope_certain && drained < other_part * sample.known;
    const double limit = other || sample.known == 0 ? drained : sample.limit;
    const bool near = limit > 0 && std::abs(sample.window - limit) < limit * (1 - natural_part);
    double bucket = believed ? 1 : 0;
    if (sample.wait_s && *sample.wait_s * per_second_ > overdraft_max * sample.cost) {
        bucket = 0;
    } else if (believed) {
        bucket = (other || sample.known == 0) && near ? 0 : 1;
    } else {
        bucket = sample.window < natural_part * limit ? 1 : 0;
    }
    const double weight = std::max(newest_weight, 1.0 / (refusals_ + 1));
    lean_ += weight * (bucket - lean_);
}

void Burst::learn_depth(const BurstSample& sample) noexcept {
    const double measured = sample.level + room_for(sample.cost, sample.wait_s, per_second_);
    if (deep_ == 0) {
        deep_ = measured;
    } else if (sample.wait_s || measured < deep_) {
        deep_ += (measured - deep_) * depth_blame;
    }
    deep_ = std::clamp(deep_, per_second_ * depth_s_min, per_second_ * window_s);
}

void Burst::admitted(std::int64_t cost, std::int64_t level) noexcept {
    // What header fields told is not to be guessed at.
    if (depth() == 0 || certain()) return;
    // Acquire: what the thread before learned is seen.
    if (busy_.exchange(true, std::memory_order_acquire)) return;
    // Nobody says that it drains faster than believed, so that must be tried.
    per_second_ += per_second_ * optimism;
    rate_.store(std::llround(per_second_ * window_s), relaxed);
    const double over = static_cast<double>(level + cost) - deep_;
    if (over > 0) deep_ += over * depth_blame;
    depth_.store(std::llround(deep_), relaxed);
    // Release hands it on to the next thread.
    busy_.store(false, std::memory_order_release);
}

void Burst::told(std::int64_t depth) noexcept {
    rate_.store(0, relaxed);
    depth_.store(depth, relaxed);
}

} // namespace headroom::balance
