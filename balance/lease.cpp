// One lease's account: what it took from which window, and how each ending gives back or keeps it.
#include "balance/lease.hpp"

#include "balance/fleet.hpp"

#include <algorithm>
#include <utility>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// A day's quota (86400 s) is asked about less and less often, but still asked: the claim may be wrong.
constexpr Duration overlong_wait_max = std::chrono::minutes(10);
constexpr Duration unstated_wait_max = std::chrono::seconds(10);
// A request above this part of a minute's tokens is large: its refusal says little about small ones.
constexpr std::int64_t large_part = 16;
// A stream that ran longer than this before it died is no proof that the backend is ill now.
constexpr std::int64_t recent_ms = 30'000;

std::int64_t milliseconds(Duration duration) noexcept {
    return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

Duration wait_of(const Refusal& refusal, unsigned refusals_before) noexcept {
    const Duration most = refusal.overlong ? overlong_wait_max : unstated_wait_max;
    // Limiters of requests count refused ones, too: asked again just when they said, they may be full of
    // these.
    const bool again = refusal.kind == Refusal::Kind::requests && refusals_before > 0;
    if (refusal.stated && !refusal.overlong && (!again || refusal.retry_after > most))
        return refusal.retry_after;
    return std::min(most, refusal.retry_after * (std::int64_t{1} << std::min(refusals_before, 8U)));
}

} // namespace

Lease::Lease(Lease&& other) noexcept {
    *this = std::move(other);
}

Lease& Lease::operator=(Lease&& other) noexcept {
    if (this == &other) return *this;
    leave();
    fleet_ = other.fleet_;
    block_ = other.block_;
    slot_ = std::exchange(other.slot_, nullptr);
    backend_ = other.backend_;
    probes_slot_ = other.probes_slot_;
    probes_connection_ = other.probes_connection_;
    last_resort_ = other.last_resort_;
    unclaimed_ = other.unclaimed_;
    pending_ = other.pending_;
    faults_ended_ = other.faults_ended_;
    cost_ = other.cost_;
    prompt_ = other.prompt_;
    tokens_ = other.tokens_;
    requests_ = other.requests_;
    counted_before_ = other.counted_before_;
    pending_before_ = other.pending_before_;
    started_ms_ = other.started_ms_;
    if (unclaimed_) name_ = other.name_;
    return *this;
}

Lease::~Lease() {
    leave();
}

void Lease::leave() noexcept {
    if (slot_ == nullptr) return;
    give_up_probe(started_ms_);
    end(cost_);
}

bool Lease::reserve(Slot& slot, bool only_if_fits, std::uint32_t tick) noexcept {
    const std::int64_t cost = cost_.count();
    if (only_if_fits) {
        const std::int64_t limit = slot.requests_limit.load(relaxed);
        if (limit == 0) {
            slot.requests.take(tick, 1, requests_);
        } else if (!slot.requests.try_take(tick, 1, limit, requests_)) {
            return false;
        }
        const std::int64_t tokens = slot.tokens_limit.load(relaxed);
        if (cost == 0 || tokens == 0) {
            slot.tokens.take(tick, cost, tokens_);
        } else if (!slot.tokens.try_take(tick, cost, tokens - slot.correction.value(tick), tokens_)) {
            slot.requests.replace(requests_, 0);
            return false;
        }
    } else {
        slot.requests.take(tick, 1, requests_);
        slot.tokens.take(tick, cost, tokens_);
    }
    slot_ = &slot;
    pending_ = true;
    counted_before_ = slot.tokens.total();
    pending_before_ = slot.pulse.sent(cost_, started_ms_);
    slot.reserved.fetch_add(cost, relaxed);
    slot.charged.fetch_add(cost, relaxed);
    slot.in_flight.fetch_add(1, relaxed);
    slot.sent.fetch_add(1, relaxed);
    return true;
}

bool Lease::become_probe(Slot& slot, std::int64_t now_ms) noexcept {
    const bool connection_due = block_->connection.view(now_ms).state == Breaker::State::due;
    const bool slot_due = slot.breaker.view(now_ms).state == Breaker::State::due;
    if (connection_due && !block_->connection.try_probe(now_ms)) return false;
    if (slot_due && !slot.breaker.try_probe(now_ms)) {
        if (connection_due) block_->connection.probe_lost(now_ms);
        return false;
    }
    probes_connection_ = connection_due;
    probes_slot_ = slot_due;
    return is_probe();
}

void Lease::answered(std::int64_t now_ms) noexcept {
    if (std::exchange(pending_, false)) slot_->pulse.answered(cost_, started_ms_, now_ms);
}

void Lease::drop() noexcept {
    if (std::exchange(pending_, false)) slot_->pulse.dropped(cost_);
}

void Lease::claim(Time now) noexcept {
    if (!unclaimed_) return;
    unclaimed_ = false;
    Slot* own = block_->claim(name_.key());
    if (own == nullptr) return;
    Slot& shared = *slot_;
    drop();
    shared.tokens.replace(tokens_, 0);
    shared.requests.replace(requests_, 0);
    shared.reserved.fetch_sub(cost_.count(), relaxed);
    shared.charged.fetch_sub(cost_.count(), relaxed);
    shared.in_flight.fetch_sub(1, relaxed);
    shared.sent.fetch_sub(1, relaxed);
    reserve(*own, false, fleet_->tick_of(now));
}

void Lease::success(Time now) noexcept {
    if (slot_ == nullptr) return;
    const std::int64_t ms = Fleet::ms_of(now);
    block_->connection.success(probes_connection_ || last_resort_, ms);
    faults_ended_ = static_cast<std::uint8_t>(slot_->breaker.success(probes_slot_ || last_resort_, ms));
    slot_->streak.reset();
    probes_connection_ = probes_slot_ = false;
    claim(now);
    answered(ms);
}

void Lease::observe(const RateLimits& limits, Time now) noexcept {
    if (slot_ == nullptr) return;
    // The shared slot must not learn the limit of one deployment.
    if (!unclaimed_) resynchronise(limits, 0, fleet_->tick_of(now));
    answered(Fleet::ms_of(now));
}

// `uncounted` tokens of this request are not part of what the backend counted: a refused request costs
// nothing.
void Lease::resynchronise(const RateLimits& limits, std::int64_t uncounted, std::uint32_t tick) noexcept {
    if (limits.limit_requests && limits.remaining_requests) {
        slot_->request_share.observe(*limits.remaining_requests, *limits.limit_requests, tick);
    }
    if (limits.limit_tokens) slot_->learn_limit(*limits.limit_tokens);
    if (!limits.remaining_tokens) return;
    const std::int64_t limit = limits.limit_tokens.value_or(slot_->tokens_configured.load(relaxed));
    if (limit <= 0) return;
    const std::int64_t theirs = limit - std::min(*limits.remaining_tokens, limit);
    // The backend had counted this request and all answered ones, perhaps those without an answer, perhaps
    // later ones.
    const std::int64_t least = counted_before_ - uncounted - pending_before_;
    const std::int64_t most = std::max(counted_before_, slot_->tokens.total()) - uncounted;
    slot_->correction.confine(theirs - most, theirs - least, tick);
}

void Lease::refused(const Refusal& refusal, Time now) noexcept {
    if (slot_ == nullptr) return;
    const std::int64_t ms = Fleet::ms_of(now);
    block_->connection.success(probes_connection_ || last_resort_, ms);
    slot_->breaker.success(probes_slot_ || last_resort_, ms);
    probes_connection_ = probes_slot_ = false;
    claim(now);
    const std::uint32_t tick = fleet_->tick_of(now);
    if (!unclaimed_) resynchronise(refusal.limits, cost_.count(), tick);
    const bool of_tokens = refusal.kind == Refusal::Kind::tokens || refusal.kind == Refusal::Kind::unknown;
    const std::int64_t limit = slot_->tokens_limit.load(relaxed);
    const std::int64_t cost = cost_.count();
    std::int64_t above = 0;
    if (of_tokens && refusal.limits.remaining_tokens) {
        above = std::clamp<std::int64_t>(*refusal.limits.remaining_tokens, 0,
                                         std::max<std::int64_t>(cost - 1, 0));
    } else if (of_tokens && limit > 0 && cost > limit / large_part) {
        // Halving finds the size that is still accepted in a few refusals, if there is one.
        const std::int64_t others = slot_->tokens_counted(tick) - cost;
        above = std::clamp<std::int64_t>(limit - others, 0, cost / 2);
    }
    answered(ms);
    Duration wait = wait_of(refusal, slot_->streak.count(started_ms_, ms));
    if (refusal.kind == Refusal::Kind::requests) wait = std::max(wait, until_requests_fit(now));
    slot_->block.extend(ms + std::max<std::int64_t>(1, milliseconds(wait)), Tokens(above), ms);
    slot_->refusals.fetch_add(1, relaxed);
    end(Tokens(0));
}

/// When our own count, which has the refused ones, will be under the limit again: for certain, and so a tick
/// later than the window forgets. Zero when it is under it now: then the limit is not what we believe.
Duration Lease::until_requests_fit(Time now) const noexcept {
    const std::int64_t limit = slot_->requests_limit.load(relaxed);
    const std::uint32_t tick = fleet_->tick_of(now);
    const std::uint32_t ticks = limit > 0 ? slot_->requests.ticks_until(tick, 1, limit) : 0;
    return ticks > 0 ? (tick + ticks) * fleet_->options_.tick - now.time_since_epoch() : Duration::zero();
}

void Lease::fault(Fault fault, Time now, std::optional<Tokens> output) noexcept {
    if (slot_ == nullptr) return;
    const std::int64_t ms = Fleet::ms_of(now);
    Tokens kept = output ? spent(*output) : cost_;
    if (fault == Fault::connect || fault == Fault::tls) {
        block_->connection.fault(fault, probes_connection_, ms);
        probes_connection_ = false;
    } else {
        if (fault != Fault::timeout && fault != Fault::reset) answered(ms);
        if (fault == Fault::deployment_missing && unclaimed_) {
            block_->note_missing(name_.key().hash, ms);
        } else {
            const bool recent = ms - started_ms_ <= recent_ms;
            slot_->breaker.fault(fault, probes_slot_, ms, recent ? faults_ended_ : 0U);
            probes_slot_ = false;
        }
        // It did answer or at least accept: the connection is not to blame.
        block_->connection.success(probes_connection_ || last_resort_, ms);
        probes_connection_ = false;
    }
    if (fault != Fault::server_error && fault != Fault::timeout && fault != Fault::reset) {
        kept = Tokens(0);
        slot_->requests.replace(requests_, 0);
    }
    give_up_probe(ms);
    slot_->faults.fetch_add(1, relaxed);
    end(kept);
}

void Lease::settle(const Usage& usage, Time now) noexcept {
    if (slot_ == nullptr) return;
    give_up_probe(Fleet::ms_of(now));
    slot_->billed.fetch_add(usage.total.count(), relaxed);
    const Tokens total = std::clamp(usage.total, Tokens(0), request_cost_max);
    if (cost_ == Tokens(0)) return end(cost_);
    // A limiter that counts at arrival keeps what it estimated; where we estimated less than was used, it
    // cannot have.
    end(block_->charges_on_usage ? total : std::max(cost_, total));
}

void Lease::abandon(Tokens output, Time now) noexcept {
    if (slot_ == nullptr) return;
    give_up_probe(Fleet::ms_of(now));
    end(spent(output));
}

/// What a limiter has counted for a response that broke off after so much output.
Tokens Lease::spent(Tokens output) const noexcept {
    if (!block_->charges_on_usage || prompt_ == Tokens(0)) return cost_;
    return std::min(cost_, prompt_ + std::clamp(output, Tokens(0), request_cost_max));
}

void Lease::cancel_unsent(Time now) noexcept {
    if (slot_ == nullptr) return;
    give_up_probe(Fleet::ms_of(now));
    slot_->requests.replace(requests_, 0);
    end(Tokens(0));
}

void Lease::give_up_probe(std::int64_t now_ms) noexcept {
    if (probes_connection_) block_->connection.probe_lost(now_ms);
    if (probes_slot_) slot_->breaker.probe_lost(now_ms);
    probes_connection_ = probes_slot_ = false;
}

void Lease::end(Tokens used) noexcept {
    drop();
    slot_->tokens.replace(tokens_, used.count());
    slot_->reserved.fetch_sub(cost_.count(), relaxed);
    slot_->used.fetch_add(used.count(), relaxed);
    slot_->charged.fetch_add((used - cost_).count(), relaxed);
    slot_->in_flight.fetch_sub(1, relaxed);
    slot_ = nullptr;
}

} // namespace headroom::balance
