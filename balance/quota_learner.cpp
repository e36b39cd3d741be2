// What samples are kept, where a fixed window begins, and which pair is believed.
#include "balance/quota_learner.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <tuple>
#include <utility>

namespace headroom::balance {
namespace {

/// An anchor older than this says little about now.
constexpr std::uint32_t anchor_age_max = 20;
constexpr unsigned samples_min = 10;
/// An error above which nothing is believed, and the lead that a better pair needs.
constexpr double believed_error = 0.1;
constexpr double lead = 0.04;
constexpr double clearly = 0.002;
/// An error of what is believed above which nothing is believed rather than that.
constexpr double unbelievable_error = 0.35;

/// So many samples may look better for a wrong pair by chance; the more there are, the less.
constexpr double samples_chance = 30;
constexpr double caution_min = 0.1;

/// Where the figures are equal: what is documented before what was observed; what forgets late has a lead
/// over the rest, because a wrong guess costs refusals there and patience here.
constexpr double handicap_of(ChargeRule rule) noexcept {
    return rule == ChargeRule::fitted ? 0 : 0.004 * static_cast<double>(rule);
}
constexpr double handicap_of(Forgetting way) noexcept {
    return way == Forgetting::sliding ? 0 : lead;
}

} // namespace

const QuotaModel& QuotaLearner::observe(const QuotaSample& sample) noexcept {
    if (sample.limit <= 0 || (last_tick_ != 0 && sample.tick < last_tick_)) return model_;
    const bool full = sample.used >= sample.limit;
    if (sample.limit != last_.limit) anchor_count_ = 0, floor_known_ = false;
    remember(sample);
    if (full || sample.refused) {
        // While everything is used up, one sample a tick says it all.
        if (!sample.refused && full_tick_ == sample.tick) return model_;
        full_tick_ = sample.tick;
        if (sample.refused) judge_size(sample), take_phase(sample);
        if (const QuotaSample* from = anchor(sample.tick)) score(*from, sample);
        decide();
        return model_;
    }
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

void QuotaLearner::begin(std::uint32_t tick, const ChargeSums& sums) noexcept {
    if (last_tick_ == 0) {
        history_.fill(sums);
    } else if (tick <= last_tick_) {
        return;
    } else {
        const std::uint32_t passed = std::min<std::uint32_t>(tick - last_tick_, history_ticks - 1);
        for (std::uint32_t i = 0; i <= passed; ++i)
            history_[(tick - i) % history_ticks] = sums;
    }
    last_tick_ = tick;
}

void QuotaLearner::remember(const QuotaSample& sample) noexcept {
    ChargeSums before = history_[last_tick_ % history_ticks];
    if (last_tick_ == 0) std::ranges::transform(sample.least, sample.own, before.begin(), std::minus<>());
    begin(sample.tick, before);
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

/// What explains a fall since the last sample without a new window: this answer was overtaken, or, where it
/// looks as if reservations were cut to usage, requests ended.
std::int64_t QuotaLearner::explained_fall(const QuotaSample& sample) const noexcept {
    constexpr auto usual = static_cast<std::size_t>(ChargeRule::tokens_and_cap);
    constexpr auto reserved = static_cast<std::size_t>(ChargeRule::reserved);
    std::int64_t most = std::max<std::int64_t>(0, last_.most[usual] - sample.least[usual]);
    if (std::ranges::min(errors_[reserved]) <= believed_error)
        most = std::max(most, last_.most[reserved] - sample.least[reserved]);
    return most;
}

/// A count that falls by more than half within moments has begun anew.
void QuotaLearner::find_phase(const QuotaSample& sample) noexcept {
    if (anchor_count_ == 0 || sample.tick - last_.tick > 2 || sample.used >= last_.used) return;
    const std::int64_t fall = last_.used - sample.used - explained_fall(sample);
    if (fall < sample.limit / 20 || fall * 2 < last_.used) return;
    // It began within this tick or before: the next one is certainly later.
    const std::uint32_t phase = (sample.tick + 1) % ticks_per_window;
    const std::uint32_t off = (phase + ticks_per_window - phase_) % ticks_per_window;
    if (phase_known_ && off <= phase_doubt + sample.age) return;
    // A second one at another phase is no fixed window at all; of two that are near the earlier one is nearer
    // to the truth.
    if (phase_known_ && off < ticks_per_window - phase_doubt - last_.age) {
        for (auto& of_rule : errors_)
            of_rule[static_cast<std::size_t>(Forgetting::fixed)] += 0.3;
    }
    phase_ = phase;
    phase_known_ = true;
    anchor_count_ = 0;
}

/// A fixed window says in every refusal when the next one begins. Of others this is any time, and the
/// predictions that are made with it fail.
void QuotaLearner::take_phase(const QuotaSample& refused) noexcept {
    if (phase_known_ || refused.opens <= refused.at || refused.opens > refused.at + ticks_per_window) return;
    // The first tick that is wholly in the new minute.
    const auto first = static_cast<std::int64_t>(std::ceil(refused.opens - moments));
    phase_ = static_cast<std::uint32_t>((first + 1) % ticks_per_window);
    phase_known_ = true;
}

const QuotaModel& QuotaLearner::doubt() noexcept {
    if (!model_.learned || model_.forgetting == Forgetting::sliding) return model_;
    for (auto& of_rule : errors_)
        of_rule[static_cast<std::size_t>(model_.forgetting)] += refusal_weight;
    decide();
    return model_;
}

/// A fixed window needs its beginning, and is not to be taken for a bucket meanwhile.
bool QuotaLearner::eligible(std::size_t rule, Forgetting way) const noexcept {
    if (phase_known_ || way == Forgetting::sliding) return true;
    const auto& errors = errors_[rule];
    return way == Forgetting::bucket && errors[static_cast<std::size_t>(Forgetting::bucket)] <=
                                            errors[static_cast<std::size_t>(Forgetting::fixed)] + clearly;
}

void QuotaLearner::decide() noexcept {
    if (samples_ < samples_min) return;
    const double caution = std::clamp(samples_chance / samples_, caution_min, 1.0);
    const auto error_of = [&](ChargeRule rule, Forgetting way) {
        if (rule == ChargeRule::fitted) return fit_.error;
        return errors_[static_cast<std::size_t>(rule)][static_cast<std::size_t>(way)];
    };
    const auto figure = [&](ChargeRule rule, Forgetting way) {
        return error_of(rule, way) + caution * (handicap_of(rule) + handicap_of(way));
    };
    ChargeRule rule{};
    Forgetting way{};
    for (std::size_t i = 0; i < plain_rules; ++i) {
        for (std::size_t j = 0; j < ways; ++j) {
            if (!eligible(i, static_cast<Forgetting>(j))) continue;
            const auto other = std::pair(static_cast<ChargeRule>(i), static_cast<Forgetting>(j));
            if (figure(other.first, other.second) < figure(rule, way)) std::tie(rule, way) = other;
        }
    }
    const double fitted = figure(ChargeRule::fitted, model_.forgetting);
    if (fit_.samples >= samples_min * 2 && fitted + lead < figure(rule, way)) {
        rule = ChargeRule::fitted;
        way = model_.forgetting;
    }
    const double best = figure(rule, way);
    const double present = model_.learned ? figure(model_.rule, model_.forgetting) : 1;
    // What was never wrong is not given up for what is more usual.
    const bool better =
        !model_.learned || error_of(rule, way) + clearly < error_of(model_.rule, model_.forgetting);
    model_.samples = samples_;
    model_.prompt_factor = fit_.prompt;
    model_.cap_factor = fit_.cap;
    if (phase_known_) model_.phase = phase_;
    if (better && best < believed_error && best + (model_.learned ? caution * lead : 0) < present) {
        model_.learned = true;
        model_.rule = rule;
        model_.forgetting = way;
        model_.error = best - caution * handicap_of(way);
    } else if (model_.learned && present > unbelievable_error) {
        model_.learned = false;
        model_.error = 1;
    } else {
        model_.error = model_.learned ? std::min(1.0, present - caution * handicap_of(model_.forgetting)) : 1;
    }
}

} // namespace headroom::balance
