// What a response says of the quota: the account is set right, the rules are learned, a refusal is measured.
#include "balance/fleet.hpp"
#include "balance/lease.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// A day's quota (86400 s) is asked about less and less often, but still asked: the claim may be wrong.
constexpr Duration overlong_wait_max = std::chrono::minutes(10);
constexpr Duration unstated_wait_max = std::chrono::seconds(10);
// A request above this part of a minute's tokens is large: its refusal says little about small ones.
constexpr std::int64_t large_part = 16;

std::int64_t milliseconds(Duration duration) noexcept {
    return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

/// Whether it tells when to come back, and a time that can be believed.
bool says_when(const Refusal& refusal) noexcept {
    return refusal.stated && !refusal.overlong;
}

Duration wait_of(const Refusal& refusal, unsigned refusals_before) noexcept {
    const Duration most = refusal.overlong ? overlong_wait_max : unstated_wait_max;
    // Limiters of requests count refused ones, too: asked again just when they said, they may be full of
    // these.
    const bool again = refusal.kind == Refusal::Kind::requests && refusals_before > 0;
    if (says_when(refusal) && (!again || refusal.retry_after > most)) return refusal.retry_after;
    return std::min(most, refusal.retry_after * (std::int64_t{1} << std::min(refusals_before, 8U)));
}

/// What the told wait is at least: one of whole seconds is rounded up, it would have fitted up to one
/// earlier.
std::int64_t sure_wait_ns(const Refusal& refusal, const Moment& now) noexcept {
    const std::int64_t wait_ns = std::chrono::nanoseconds(refusal.retry_after).count();
    return std::max<std::int64_t>(0, wait_ns % 1'000'000'000 == 0 ? wait_ns - now.tick_ns : wait_ns);
}

bool is_of_tokens(const Refusal& refusal) noexcept {
    return refusal.kind == Refusal::Kind::tokens || refusal.kind == Refusal::Kind::unknown;
}

} // namespace

void Lease::observe(const RateLimits& limits, Time now) noexcept {
    if (slot_ == nullptr) return;
    const Moment at = fleet_->moment(now);
    // The shared slot must not learn the limit of one deployment.
    if (!unclaimed_) resynchronise(limits, nullptr, at);
    answered(at.ms);
}

// A refused request is not part of what the backend counted.
void Lease::resynchronise(const RateLimits& limits, const Refusal* refusal, const Moment& now) noexcept {
    if (limits.limit_requests && limits.remaining_requests) {
        slot_->request_share.observe(*limits.remaining_requests, *limits.limit_requests, now.tick);
    }
    if (limits.limit_requests) slot_->requests.learn_limit(*limits.limit_requests);
    if (limits.limit_tokens) slot_->limit.learn_header(*limits.limit_tokens, now);
    if (!limits.remaining_tokens) return;
    const std::int64_t limit = limits.limit_tokens.value_or(slot_->limit.configured());
    if (limit <= 0) return;
    slot_->told_at_ms.store(now.ms, relaxed);
    const std::int64_t theirs = limit - std::min(*limits.remaining_tokens, limit);
    if (refusal == nullptr || surprises(*refusal, theirs, limit, now)) learn(theirs, limit, refusal, now);
    // The backend had counted this request and all answered ones, perhaps those without an answer, perhaps
    // later ones. A limiter that goes by usage has counted nothing yet of what is under way.
    const std::int64_t doubt = slot_->learner.counts_at_end() ? 0
                               : !slot_->learner.learned() && block_->charges_on_usage
                                   ? slot_->reserved.load(relaxed)
                                   : pending_before_;
    const std::int64_t uncounted = refusal != nullptr ? tokens_.window.amount : 0;
    const std::int64_t later = charged_later();
    const std::int64_t depth = slot_->burst.depth();
    const std::int64_t unsaved = depth > 0 ? std::max<std::int64_t>(0, limit - depth) : 0;
    slot_->tokens.confine(theirs + uncounted, theirs + uncounted + doubt + later, unsaved, slot_->rate(),
                          now);
}

/// What the backend can have charged after this request came to it.
std::int64_t Lease::charged_later() const noexcept {
    const std::int64_t later = slot_->learner.counts_at_end()
                                   ? slot_->used.load(relaxed) - used_before_
                                   : slot_->charged.load(relaxed) - charged_before_;
    return std::max<std::int64_t>(0, later);
}

void Lease::learn(std::int64_t theirs, std::int64_t limit, const Refusal* refusal,
                  const Moment& now) noexcept {
    if (cost_ == Tokens(0)) return;
    QuotaSample sample;
    sample.tick = now.tick;
    sample.at = static_cast<double>(now.ns) / static_cast<double>(now.tick_ns);
    // The beginning is known to a millisecond.
    sample.waited = static_cast<double>(now.ms - started_ms_ + 1) * 1e6 / static_cast<double>(now.tick_ns);
    sample.used = theirs;
    sample.limit = limit;
    sample.most = slot_->counters.read();
    sample.least = sample.sent = sums_before_;
    sample.own = sums_at_arrival(basis_);
    sample.age = now.tick - std::min(now.tick, tokens_.tick);
    sample.refused = refusal != nullptr;
    if (sample.refused && says_when(*refusal))
        sample.opens = sample.at + std::chrono::duration<double, std::nano>(refusal->retry_after).count() /
                                       static_cast<double>(now.tick_ns);
    sample.alone = pending_before_ == 0;
    if (pending_before_ > 0) {
        // Others that had no answer yet when this was sent may not have been counted: as much of every sum as
        // of ours.
        const double share = static_cast<double>(pending_before_) /
                             static_cast<double>(std::max<std::int64_t>(1, cost_.count()));
        for (std::size_t i = 0; i < sample.least.size(); ++i)
            sample.least[i] -= static_cast<std::int64_t>(share * static_cast<double>(sample.own[i]));
    }
    for (std::size_t i = 0; i < sample.least.size(); ++i) {
        if (sample.refused) {
            sample.least[i] -= sample.own[i];
            sample.most[i] -= sample.own[i];
        }
        sample.least[i] = std::min(sample.least[i], sample.most[i]);
    }
    const bool other = slot_->learner.observe(sample);
    if (other || slot_->tokens.forgetting() == Forgetting::bucket) believe(now);
}

void Lease::believe(const Moment& now) noexcept {
    const QuotaModel model = slot_->learner.model();
    if (model.learned) {
        // A tenth of what is saved is within what the figures err by.
        const std::int64_t limit = slot_->limit.effective();
        const std::int64_t unsaved = model.forgetting == Forgetting::bucket ? slot_->learner.unsaved() : 0;
        slot_->burst.told(unsaved > limit / 10 ? limit - unsaved : 0);
        slot_->tokens.forget_by(model.forgetting, model.phase, now);
    } else {
        slot_->tokens.forget_by(slot_->burst.depth() > 0 ? Forgetting::bucket : Forgetting::sliding, 0, now);
    }
}

void Lease::refused(const Refusal& refusal, Time now) noexcept {
    if (slot_ == nullptr) return;
    const Moment at = fleet_->moment(now);
    const std::int64_t ms = at.ms;
    block_->connection.success(probes_connection_ || last_resort_, ms);
    slot_->breaker.success(probes_slot_ || last_resort_, ms);
    probes_connection_ = probes_slot_ = false;
    claim(now);
    if (!unclaimed_) {
        resynchronise(refusal.limits, &refusal, at);
        measure(refusal, at);
    }
    const bool of_tokens = is_of_tokens(refusal);
    const std::int64_t limit = slot_->capacity();
    const std::int64_t cost = cost_.count();
    std::int64_t above = 0;
    // More than what is left was asked for, and the account says when there will be room as the backend does:
    // it tells who fits, and when.
    const bool counted = of_tokens && refusal.limits.remaining_tokens &&
                         *refusal.limits.remaining_tokens < cost && agrees(refusal, at);
    if (of_tokens && refusal.limits.remaining_tokens) {
        above = std::clamp<std::int64_t>(*refusal.limits.remaining_tokens, 0,
                                         std::max<std::int64_t>(cost - 1, 0));
    } else if (of_tokens && limit > 0 && cost > limit / large_part) {
        // Halving finds the size that is still accepted in a few refusals, if there is one. A bucket that was
        // measured has told it.
        const bool measured = slot_->tokens.forgetting() == Forgetting::bucket;
        const std::int64_t others = slot_->tokens_counted(at) - cost;
        above = std::clamp<std::int64_t>(limit - others, 0, measured ? cost * 7 / 8 : cost / 2);
    } else if (of_tokens && limit == 0) {
        above = cost / 2;
    }
    answered(ms);
    Duration wait = wait_of(refusal, slot_->streak.count(started_ms_, ms));
    // A day's wait beside a count that says when there will be room: the count is believed.
    if (refusal.overlong && of_tokens && refusal.limits.remaining_tokens && cost <= limit) {
        const std::int64_t opens = slot_->tokens.opening_ns(0, slot_->ceiling(), slot_->rate(), at) - at.ns;
        wait = std::min(wait, Duration(std::chrono::nanoseconds(std::max(opens, at.tick_ns))));
    }
    if (refusal.kind == Refusal::Kind::requests) wait = std::max(wait, until_requests_fit(at));
    slot_->block.extend(ms + std::max<std::int64_t>(1, milliseconds(wait)), Tokens(above), ms, counted);
    slot_->refusals.fetch_add(1, relaxed);
    end(Tokens(0), Tokens(0), at);
}

/// A refusal of what was predicted to fit is a measurement: what will fit when the backend says so is the
/// limit, or what is missing until then is missing in a bucket.
void Lease::measure(const Refusal& refusal, const Moment& now) noexcept {
    if (refusal.kind == Refusal::Kind::requests) return slot_->requests.learn_refusal(now);
    if (!is_of_tokens(refusal) || cost_ == Tokens(0)) return;
    if (!fitted_)
        slot_->over_pause_ms.store(std::min(slot_->over_pause_ms.load(relaxed) * 4, over_pause_ms_max),
                                   relaxed);
    const bool told = slot_->learner.learned() || slot_->told_at_ms.load(relaxed) != 0;
    if (!told && measure_burst(refusal, now) != Burst::Verdict::limit) return;
    if (!fitted_) return;
    slot_->limit.widen();
    slot_->distrust();
    // Where the backend told what is left, that has been taken for the truth.
    if (refusal.limits.remaining_tokens && refusal.limits.limit_tokens) return;
    if (slot_->learner.doubt()) believe(now);
    std::int64_t counted = slot_->tokens_counted(now);
    if (says_when(refusal))
        counted = slot_->tokens.counted_at(now.ns + sure_wait_ns(refusal, now), slot_->rate(), now);
    const std::int64_t drained = slot_->limit.known() == 0 ? slot_->burst.rate() : 0;
    slot_->limit.learn_refusal(std::max({counted - charged_later(), cost_.count(), drained}), now);
}

/// Whether the refused request would fit by our account about when the backend says that it will.
bool Lease::agrees(const Refusal& refusal, const Moment& now) const noexcept {
    const std::int64_t opens_ns = slot_->tokens.opening_ns(0, slot_->ceiling(), slot_->rate(), now);
    return !says_when(refusal) || sure_wait_ns(refusal, now) <= opens_ns - now.ns + now.tick_ns / 2;
}

/// Whether the count that a refusal tells speaks against what is believed: not where it is the predicted one
/// to a fiftieth of the limit, leaves less than was asked for and opens when it should, and of those that
/// were under way together only the first one does.
bool Lease::surprises(const Refusal& refusal, std::int64_t theirs, std::int64_t limit,
                      const Moment& now) noexcept {
    // One for too many requests says nothing of tokens.
    if (refusal.kind != Refusal::Kind::tokens) return false;
    const std::int64_t predicted = slot_->tokens_counted(now) - tokens_.window.amount;
    const bool as_predicted =
        theirs - predicted < limit / 50 && limit - theirs < tokens_.window.amount && agrees(refusal, now);
    if (!fitted_ || as_predicted) return false;
    if (started_ms_ < slot_->doubted_at_ms.load(relaxed)) return false;
    slot_->doubted_at_ms.store(now.ms, relaxed);
    return true;
}

Burst::Verdict Lease::measure_burst(const Refusal& refusal, const Moment& now) noexcept {
    const auto tick = static_cast<double>(now.tick_ns);
    const std::int64_t cost = cost_.count();
    const std::int64_t rate = slot_->rate();
    const std::int64_t beside = cost + charged_later();
    BurstSample sample;
    sample.at_s = static_cast<double>(now.ns) / tick;
    sample.sent_s = static_cast<double>(started_ms_) * 1e6 / tick;
    sample.cost = static_cast<double>(cost);
    sample.level = static_cast<double>(std::max<std::int64_t>(0, slot_->tokens.level(rate, now) - beside));
    sample.charged = static_cast<double>(charged_before_ - cost);
    std::int64_t wait_ns = 0;
    if (says_when(refusal)) {
        wait_ns = sure_wait_ns(refusal, now);
        sample.wait_s = static_cast<double>(wait_ns) / tick;
    }
    sample.window = static_cast<double>(slot_->tokens.sliding_at(now.ns + wait_ns, now) - charged_later());
    sample.known = static_cast<double>(slot_->limit.known());
    sample.limit = static_cast<double>(slot_->limit.effective());
    sample.sustained = (now.ms - slot_->began_ms.load(relaxed)) * 1'000'000 >= now.window_ns();
    const Burst::Verdict verdict = slot_->burst.refused(sample);
    if (verdict == Burst::Verdict::depth) {
        slot_->limit.restore(now);
        if (fitted_) slot_->limit.widen();
        const std::int64_t room = slot_->burst.room(sample.cost, sample.wait_s);
        slot_->tokens.set_level(slot_->burst.depth() - room + cost, slot_->rate(), now);
    }
    if (slot_->tokens.forgetting() != Forgetting::fixed) believe(now);
    return verdict;
}

void Lease::let_in(const Moment& now) noexcept {
    if (!fitted_)
        slot_->over_pause_ms.store(std::max(slot_->over_pause_ms.load(relaxed) / 2, over_pause_ms_min),
                                   relaxed);
    const std::int64_t counted = slot_->tokens_counted(now);
    if (fitted_) slot_->trust_more(counted);
    if (slot_->tokens.forgetting() == Forgetting::bucket) {
        const std::int64_t depth = slot_->burst.depth();
        if (depth > 0 && !slot_->burst.certain()) {
            slot_->burst.admitted(cost_.count(), counted - cost_.count());
            slot_->limit.narrow(20);
            if (counted > depth) slot_->tokens.set_level(slot_->burst.depth(), slot_->rate(), now);
            return;
        }
    }
    slot_->limit.admitted(counted, now);
}

/// When our own count, which has the refused ones, will be under the limit again. Zero when it is under it
/// now: then the limit is not what we believe.
Duration Lease::until_requests_fit(const Moment& now) const noexcept {
    return std::chrono::nanoseconds(slot_->requests.opening_ns(now) - now.ns);
}

} // namespace headroom::balance
