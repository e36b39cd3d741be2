// Predictions are ranges, because nobody knows which of the requests under way the backend had counted.
#include "balance/quota_learner.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace headroom::balance {
namespace {

/// An anchor older than this says little about now.
constexpr std::uint32_t anchor_age_max = 20;
constexpr unsigned samples_min = 10;
/// Weight of a sample once there are many.
constexpr double newest_weight = 0.05;
/// An error above which nothing is believed, and the lead that a better pair needs.
constexpr double believed_error = 0.1;
constexpr double lead = 0.04;
constexpr double doubt_weight = 0.1;
constexpr double fit_memory = 0.97;
/// A minute's beginning is found as late as the answer that shows it.
constexpr std::int64_t phase_doubt = 3;

/// Where the figures are equal: what is documented before what was observed, what forgets late before the
/// rest.
constexpr double handicap(std::size_t rule, std::size_t way) noexcept {
    return 0.004 * static_cast<double>(rule) + 0.002 * static_cast<double>(way);
}

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

const QuotaModel& QuotaLearner::observe(const QuotaSample& sample) noexcept {
    if (sample.limit <= 0 || (last_tick_ != 0 && sample.tick < last_tick_)) return model_;
    // What is used up says only that it is at least that.
    const bool full = sample.used >= sample.limit;
    if (sample.limit != last_.limit) anchor_count_ = 0, floor_known_ = false;
    remember(sample);
    if (full) return model_;
    find_floor(sample);
    find_phase(sample);
    // An early anchor tells the rules apart although many requests are under way, the last sample the ways of
    // forgetting, before a bucket has drained to nothing.
    if (const QuotaSample* from = anchor(sample.tick)) {
        score(*from, sample);
        if (last_.tick != from->tick) score(last_, sample);
        decide();
    }
    const std::size_t newest = (anchor_next_ + anchors_max - 1) % anchors_max;
    if (anchor_count_ == 0 || anchors_[newest].tick != sample.tick) {
        anchors_[anchor_next_] = sample;
        anchor_next_ = (anchor_next_ + 1) % anchors_max;
        anchor_count_ = std::min(anchor_count_ + 1, anchors_max);
    }
    last_ = sample;
    return model_;
}

void QuotaLearner::remember(const QuotaSample& sample) noexcept {
    if (last_tick_ == 0) {
        last_tick_ = sample.tick;
        history_.fill(sample.least);
        for (ChargeSums& sums : history_)
            std::transform(sums.begin(), sums.end(), sample.own.begin(), sums.begin(), std::minus<>());
    }
    const std::uint32_t passed = std::min<std::uint32_t>(sample.tick - last_tick_, history_ticks);
    const ChargeSums before = history_[last_tick_ % history_ticks];
    for (std::uint32_t i = 0; i < passed; ++i)
        history_[(sample.tick - i) % history_ticks] = before;
    last_tick_ = sample.tick;
    history_[sample.tick % history_ticks] = sample.most;
    backdate(sample);
}

/// What a tick's last sample did not show yet of what was sent in it. Sums of arrivals only grow, and so tell
/// which of two states is the later one.
void QuotaLearner::backdate(const QuotaSample& sample) noexcept {
    constexpr auto clock = static_cast<std::size_t>(ChargeRule::tokens_and_cap);
    const std::uint32_t age = std::min(sample.age, history_ticks - 1);
    for (std::uint32_t ago = std::min(age, sample.tick - 1); ago > 0; --ago) {
        ChargeSums& sums = history_[(sample.tick - ago) % history_ticks];
        if (sums[clock] >= sample.sent[clock]) return;
        sums = sample.sent;
    }
}

const ChargeSums& QuotaLearner::sums_at(std::int64_t tick) const noexcept {
    const std::int64_t oldest = std::max<std::int64_t>(0, std::int64_t{last_tick_} - history_ticks + 1);
    const std::int64_t at = std::clamp<std::int64_t>(tick, oldest, last_tick_);
    return history_[static_cast<std::size_t>(at) % history_ticks];
}

const QuotaSample* QuotaLearner::anchor(std::uint32_t tick) const noexcept {
    for (std::size_t i = anchor_count_; i > 0; --i) {
        const QuotaSample& from = anchors_[(anchor_next_ + anchors_max - i) % anchors_max];
        if (tick - from.tick <= anchor_age_max) return &from;
    }
    return nullptr;
}

void QuotaLearner::find_floor(const QuotaSample& sample) noexcept {
    for (std::size_t rule = 0; rule < plain_rules; ++rule) {
        const std::int64_t beside = std::max<std::int64_t>(0, sample.used - sample.own[rule]);
        floor_[rule] = floor_known_ ? std::min(floor_[rule], beside) : beside;
    }
    floor_known_ = true;
}

std::int64_t QuotaLearner::unsaved() const noexcept {
    const auto rule = static_cast<std::size_t>(model_.rule);
    return floor_known_ && rule < plain_rules ? floor_[rule] : 0;
}

/// A count that falls by more than half within moments has begun anew.
void QuotaLearner::find_phase(const QuotaSample& sample) noexcept {
    if (anchor_count_ == 0 || sample.tick - last_.tick > 2) return;
    const std::int64_t fall = last_.used - sample.used;
    if (fall < sample.limit / 20 || fall * 2 < last_.used) return;
    const std::uint32_t phase = sample.tick % ticks_per_window;
    const std::uint32_t off = (phase + ticks_per_window - phase_) % ticks_per_window;
    if (phase_known_ && (off <= 1 + sample.age || off >= ticks_per_window - 1 - last_.age)) return;
    // A second one at another phase is no fixed window at all.
    if (phase_known_) {
        for (auto& of_rule : errors_)
            of_rule[static_cast<std::size_t>(Forgetting::fixed)] += 0.3;
    }
    phase_ = phase;
    phase_known_ = true;
    anchor_count_ = 0;
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
    const auto ticks = static_cast<double>(to.tick - from.tick);
    std::uint32_t boundary = 0;
    switch (way) {
        case Forgetting::bucket: {
            const auto fast = static_cast<std::int64_t>(drained(from, to, ticks + from.age + 1));
            const auto slow = static_cast<std::int64_t>(
                drained(from, to, std::max(-static_cast<double>(to.age), ticks - to.age - 1)));
            const auto since = static_cast<std::int64_t>(drained(from, to, to.age + 0.5));
            const std::int64_t floor = floor_[rule];
            return {std::max({floor, kept.least - fast, floor + to.own[rule] - since}),
                    std::max(floor, from.used - slow) + most};
        }
        case Forgetting::fixed: {
            if (!phase_known_) return kept;
            // A count that may be of either minute says nothing.
            if (straddles(from) || straddles(to)) return {0, to.limit};
            if (!crosses(from.tick, to.tick, boundary)) return kept;
            const std::int64_t before = std::int64_t{boundary};
            return {std::max<std::int64_t>(0, to.least[rule] - sum_at(before, rule)),
                    to.most[rule] - sum_at(before - 2 - phase_doubt, rule)};
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

void QuotaLearner::score(const QuotaSample& from, const QuotaSample& to) noexcept {
    std::int64_t moved = 1;
    for (std::size_t rule = 0; rule < plain_rules; ++rule) {
        // The context that some limiters reserve would make every other error look small.
        if (rule == static_cast<std::size_t>(ChargeRule::reserved)) continue;
        moved = std::max(moved, to.most[rule] - from.least[rule]);
    }
    const double scale = static_cast<double>(moved) + static_cast<double>(to.limit) / 400;
    const double weight = std::max(newest_weight, 1.0 / (samples_ + 1));
    for (std::size_t rule = 0; rule < plain_rules; ++rule) {
        for (std::size_t way = 0; way < ways; ++way) {
            const Range range = predict(rule, static_cast<Forgetting>(way), from, to);
            const std::int64_t off =
                std::max<std::int64_t>({0, range.least - to.used - 1, to.used - range.most - 1});
            const double error = std::min(1.0, static_cast<double>(off) / scale);
            errors_[rule][way] += weight * (error - errors_[rule][way]);
        }
    }
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
        target += drained(from, to, static_cast<double>(to.tick - from.tick));
    }
    // In units of the sample's own size, so that large ones do not drown small ones.
    const double miss = fit_.update(moved[0] / scale, moved[1] / scale, target / scale);
    const double weight = std::max(newest_weight, 1.0 / (fit_.samples + 1));
    fit_.error += weight * (std::min(1.0, std::abs(miss)) - fit_.error);
    ++fit_.samples;
}

const QuotaModel& QuotaLearner::doubt() noexcept {
    if (!model_.learned || model_.forgetting == Forgetting::sliding) return model_;
    for (auto& of_rule : errors_)
        of_rule[static_cast<std::size_t>(model_.forgetting)] += doubt_weight;
    decide();
    return model_;
}

void QuotaLearner::decide() noexcept {
    if (samples_ < samples_min) return;
    std::size_t best_rule = 0;
    std::size_t best_way = 0;
    const auto figure = [&](std::size_t rule, std::size_t way) {
        return errors_[rule][way] + handicap(rule, way);
    };
    for (std::size_t rule = 0; rule < plain_rules; ++rule) {
        for (std::size_t way = 0; way < ways; ++way) {
            if (way == static_cast<std::size_t>(Forgetting::fixed) && !phase_known_) continue;
            if (figure(rule, way) < figure(best_rule, best_way)) best_rule = rule, best_way = way;
        }
    }
    double best = figure(best_rule, best_way);
    auto rule = static_cast<ChargeRule>(best_rule);
    if (fit_.samples >= samples_min * 2 && fit_.error + lead < best) {
        rule = ChargeRule::fitted;
        best = fit_.error;
        best_way = static_cast<std::size_t>(model_.forgetting);
    }
    const auto way = static_cast<Forgetting>(best_way);
    const double present =
        !model_.learned ? 1
        : model_.rule == ChargeRule::fitted
            ? fit_.error
            : figure(static_cast<std::size_t>(model_.rule), static_cast<std::size_t>(model_.forgetting));
    model_.samples = samples_;
    model_.prompt_factor = fit_.prompt;
    model_.cap_factor = fit_.cap;
    if (phase_known_) model_.phase = phase_;
    const bool same = model_.learned && rule == model_.rule && way == model_.forgetting;
    if (!same && best < believed_error && best + (model_.learned ? lead : 0) < present) {
        model_.learned = true;
        model_.rule = rule;
        model_.forgetting = way;
        model_.error = best;
    } else {
        model_.error = model_.learned ? std::min(1.0, present) : 1;
    }
}

} // namespace headroom::balance
