// What each rule with each way of forgetting makes of a sample, and how far off it is. Predictions are
// ranges, because nobody knows which of the requests under way the backend had counted.
#include "balance/quota_learner.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::balance {
namespace {

/// Weight of a sample once there are many.
constexpr double newest_weight = 0.01;
constexpr double fit_memory = 0.97;

double drained(const QuotaSample& from, const QuotaSample& to, double ticks) noexcept {
    const auto limit = static_cast<double>(std::max(from.limit, to.limit));
    return limit / ticks_per_window * ticks;
}

} // namespace

double QuotaLearner::Fit::update(double x, double y, double target) noexcept {
    const double miss = target - prompt * x - cap * y;
    const double px = p00 * x + p01 * y;
    const double py = p01 * x + p11 * y;
    const double gain = fit_memory + x * px + y * py;
    prompt = std::clamp(prompt + px / gain * miss, 0.0, 3.99);
    cap = std::clamp(cap + py / gain * miss, 0.0, 3.99);
    // Without bounds the uncertainty of what is never excited grows for ever.
    p00 = std::clamp((p00 - px * px / gain) / fit_memory, 1e-9, 16.0);
    p11 = std::clamp((p11 - py * py / gain) / fit_memory, 1e-9, 16.0);
    const double bound = std::sqrt(p00 * p11);
    p01 = std::clamp((p01 - px * py / gain) / fit_memory, -bound, bound);
    return miss;
}

bool QuotaLearner::crosses(std::uint32_t from, std::uint32_t to, std::uint32_t& boundary) const noexcept {
    const std::uint32_t since = (to + ticks_per_window - phase_) % ticks_per_window;
    boundary = to - since;
    return boundary > from;
}

bool QuotaLearner::straddles(const QuotaSample& sample) const noexcept {
    std::uint32_t boundary = 0;
    return sample.age > 0 &&
           crosses(sample.tick - std::min(sample.tick, sample.age + 1), sample.tick, boundary);
}

QuotaLearner::Range QuotaLearner::predict(std::size_t rule, Forgetting way, const QuotaSample& from,
                                          const QuotaSample& to) const noexcept {
    // Answers overtake each other: of two under way at once the second count may be the earlier one.
    const bool in_order =
        to.tick > from.tick + to.age + 1 && rule != static_cast<std::size_t>(ChargeRule::reserved);
    const std::int64_t least =
        std::max<std::int64_t>(in_order ? 0 : INT64_MIN, to.least[rule] - from.most[rule]);
    const std::int64_t most = to.most[rule] - from.least[rule];
    const Range kept{from.used + least, from.used + most};
    std::uint32_t boundary = 0;
    switch (way) {
        case Forgetting::bucket: {
            const double passed = to.at - from.at;
            const auto fast = static_cast<std::int64_t>(drained(from, to, passed + from.waited + moments));
            const auto slow = static_cast<std::int64_t>(drained(from, to, passed - to.waited - moments));
            const auto since = static_cast<std::int64_t>(drained(from, to, to.waited + moments));
            const std::int64_t floor = floor_[rule];
            const std::int64_t own = to.refused ? 0 : to.own[rule];
            return {std::max({floor, kept.least - fast, floor + own - since}),
                    std::max(floor, from.used - slow) + most};
        }
        case Forgetting::fixed: {
            if (!phase_known_) return kept;
            // A count that may be of either minute says nothing.
            if (straddles(from) || straddles(to)) return {0, to.limit};
            if (!crosses(from.tick, to.tick, boundary)) return kept;
            const std::int64_t before = std::int64_t{boundary};
            return {std::max<std::int64_t>(0, to.least[rule] - sum_at(before, rule)),
                    to.most[rule] - sum_at(before - 2 - std::int64_t{phase_doubt}, rule)};
        }
        case Forgetting::sliding: break;
    }
    // Each count was taken between the sending of its request and now.
    const std::int64_t now = std::int64_t{to.tick} - ticks_per_window;
    const std::int64_t then = std::int64_t{from.tick} - ticks_per_window;
    const std::int64_t late = sum_at(now, rule) - sum_at(then - from.age - 1, rule);
    const std::int64_t early = sum_at(now - to.age - 1, rule) - sum_at(then, rule);
    return {std::max<std::int64_t>(0, kept.least - std::max(late, early)), kept.most - std::min(late, early)};
}

/// What must have been counted of our own whatever others do: a smaller count refutes the rule.
std::int64_t QuotaLearner::certain(std::size_t rule, Forgetting way, const QuotaSample& at) const noexcept {
    if (!at.alone || at.refused) return 0;
    std::uint32_t boundary = 0;
    switch (way) {
        case Forgetting::bucket:
            return at.own[rule] - static_cast<std::int64_t>(drained(at, at, at.waited + moments));
        case Forgetting::fixed:
            if (!phase_known_ || straddles(at) || !crosses(0, at.tick, boundary)) return 0;
            return at.least[rule] - sum_at(std::int64_t{boundary} + phase_doubt, rule);
        case Forgetting::sliding: break;
    }
    return at.least[rule] - sum_at(std::int64_t{at.tick} - ticks_per_window + 1, rule);
}

/// What is refused was charged more than what was left; what no rule can explain says nothing of rules.
void QuotaLearner::judge_size(const QuotaSample& refused) noexcept {
    const std::int64_t left = refused.limit - refused.used;
    const auto fits = [&](std::size_t rule) { return refused.own[rule] <= left; };
    std::size_t fitting = 0;
    for (std::size_t rule = 0; rule < plain_rules; ++rule)
        fitting += fits(rule) ? 1 : 0;
    if (left <= 0 || fitting == plain_rules) return;
    for (std::size_t rule = 0; rule < plain_rules; ++rule) {
        for (double& error : errors_[rule])
            error += fits(rule) ? refusal_weight * (1 - error) : 0;
    }
}

void QuotaLearner::score(const QuotaSample& from, const QuotaSample& to) noexcept {
    std::int64_t moved = 1;
    for (std::size_t rule = 0; rule < plain_rules; ++rule) {
        // The context that some limiters reserve would make every other error look small.
        if (rule == static_cast<std::size_t>(ChargeRule::reserved)) continue;
        moved = std::max(moved, to.most[rule] - from.least[rule]);
    }
    const double scale = static_cast<double>(moved) + static_cast<double>(to.limit) / 400;
    const double weight = std::max(to.refused ? refusal_weight : newest_weight, 1.0 / (samples_ + 1));
    // What is used up says only that it is at least that.
    const bool full = to.used >= to.limit;
    for (std::size_t rule = 0; rule < plain_rules; ++rule) {
        for (std::size_t way = 0; way < ways; ++way) {
            const Range range = predict(rule, static_cast<Forgetting>(way), from, to);
            const std::int64_t least = std::max(range.least, certain(rule, static_cast<Forgetting>(way), to));
            const std::int64_t over = full ? 0 : least - to.used - 1;
            const std::int64_t off = std::max<std::int64_t>({0, over, to.used - range.most - 1});
            // That it is no less proves nobody right.
            if (full && off == 0) continue;
            const double error = std::min(1.0, static_cast<double>(off) / scale);
            errors_[rule][way] += weight * (error - errors_[rule][way]);
        }
    }
    if (full || to.refused) return;
    fit(from, to, scale);
    if (samples_ < 1023) ++samples_;
}

/// Only samples that are exact enough to fit to: few requests under way, and no boundary between.
void QuotaLearner::fit(const QuotaSample& from, const QuotaSample& to, double scale) noexcept {
    constexpr std::size_t prompt = plain_rules;
    constexpr std::size_t cap = plain_rules + 1;
    std::uint32_t boundary = 0;
    const Forgetting way = model_.forgetting;
    if (way == Forgetting::fixed && phase_known_ && crosses(from.tick, to.tick, boundary)) return;
    std::array<double, 2> moved{};
    for (const std::size_t lane : {prompt, cap}) {
        const std::int64_t doubt = (to.most[lane] - to.least[lane]) + (from.most[lane] - from.least[lane]);
        std::int64_t more = (to.most[lane] + to.least[lane] - from.most[lane] - from.least[lane]) / 2;
        if (doubt * 5 > more && doubt > 0) return;
        if (way == Forgetting::sliding)
            more -= sum_at(std::int64_t{to.tick} - ticks_per_window, lane) -
                    sum_at(std::int64_t{from.tick} - ticks_per_window, lane);
        moved[lane - prompt] = static_cast<double>(more);
    }
    auto target = static_cast<double>(to.used - from.used);
    if (way == Forgetting::bucket) {
        if (to.used <= floor_[static_cast<std::size_t>(ChargeRule::tokens_and_cap)]) return;
        target += drained(from, to, to.at - from.at);
    }
    // In units of the sample's own size, so that large ones do not drown small ones.
    const double miss = fit_.update(moved[0] / scale, moved[1] / scale, target / scale);
    const double weight = std::max(newest_weight, 1.0 / (fit_.samples + 1));
    fit_.error += weight * (std::min(1.0, std::abs(miss)) - fit_.error);
    ++fit_.samples;
}

} // namespace headroom::balance
