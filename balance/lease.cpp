// One lease's account: what it took from which window, and how each ending gives back or keeps it.
#include "balance/lease.hpp"

#include "balance/fleet.hpp"

#include <algorithm>
#include <utility>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// A stream that ran longer than this before it died is no proof that the backend is ill now.
constexpr std::int64_t recent_ms = 30'000;

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
    fitted_ = other.fitted_;
    over_ = other.over_;
    pending_ = other.pending_;
    faults_ended_ = other.faults_ended_;
    cost_ = other.cost_;
    prompt_ = other.prompt_;
    basis_ = other.basis_;
    sums_before_ = other.sums_before_;
    tokens_ = other.tokens_;
    requests_ = other.requests_;
    charged_before_ = other.charged_before_;
    used_before_ = other.used_before_;
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
    // What was reserved stays as it is, and so needs no time.
    slot_->tokens.replace(tokens_, cost_.count(), slot_->rate(), Moment{});
    close(cost_, cost_);
}

bool Lease::reserve(Slot& slot, bool only_if_fits, const Moment& now) noexcept {
    const std::int64_t cost = slot.entry(cost_).count();
    const std::int64_t rate = slot.rate();
    if (only_if_fits) {
        if (!slot.requests.try_take(now, requests_)) return false;
        const std::int64_t ceiling = slot.ceiling();
        if (cost == 0 || ceiling == 0) {
            slot.tokens.take(cost, rate, now, tokens_);
        } else if (!slot.tokens.try_take(cost, ceiling, rate, now, tokens_)) {
            slot.requests.give_back(requests_);
            return false;
        }
    } else {
        slot.requests.take(now, requests_);
        slot.tokens.take(cost, rate, now, tokens_);
    }
    // What is larger than a bucket is tried when that is empty, which is no promise.
    fitted_ = only_if_fits && (cost <= slot.ceiling() || slot.tokens.forgetting() != Forgetting::bucket);
    book(slot, now);
    return true;
}

void Lease::book(Slot& slot, const Moment& now) noexcept {
    slot.learner.begin(now.tick, slot.counters);
    const std::int64_t cost = cost_.count();
    slot_ = &slot;
    pending_ = true;
    if (over_) slot.over_pending.fetch_add(1, relaxed);
    pending_before_ = slot.pulse.sent(cost_, started_ms_);
    if (cost != 0) slot.counters.add(sums_at_arrival(basis_));
    sums_before_ = slot.counters.read();
    slot.reserved.fetch_add(cost, relaxed);
    charged_before_ = slot.charged.fetch_add(cost, relaxed) + cost;
    used_before_ = slot.used.load(relaxed);
    slot.in_flight.fetch_add(1, relaxed);
    slot.sent.fetch_add(1, relaxed);
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
    if (!std::exchange(pending_, false)) return;
    slot_->pulse.answered(cost_, started_ms_, now_ms);
    if (over_) slot_->over_pending.fetch_sub(1, relaxed);
}

void Lease::drop() noexcept {
    if (!std::exchange(pending_, false)) return;
    slot_->pulse.dropped(cost_);
    if (over_) slot_->over_pending.fetch_sub(1, relaxed);
}

void Lease::claim(Time now) noexcept {
    if (!unclaimed_) return;
    unclaimed_ = false;
    Slot* own = block_->claim(name_.key());
    if (own == nullptr) return;
    Slot& shared = *slot_;
    const Moment at = fleet_->moment(now);
    drop();
    shared.tokens.replace(tokens_, 0, shared.rate(), at);
    shared.requests.give_back(requests_);
    if (cost_ != Tokens(0)) shared.counters.subtract(sums_at_arrival(basis_));
    shared.reserved.fetch_sub(cost_.count(), relaxed);
    shared.charged.fetch_sub(cost_.count(), relaxed);
    shared.in_flight.fetch_sub(1, relaxed);
    shared.sent.fetch_sub(1, relaxed);
    reserve(*own, false, at);
}

void Lease::success(Time now) noexcept {
    if (slot_ == nullptr) return;
    const Moment at = fleet_->moment(now);
    const std::int64_t ms = at.ms;
    block_->connection.success(probes_connection_ || last_resort_, ms);
    faults_ended_ = static_cast<std::uint8_t>(slot_->breaker.success(probes_slot_ || last_resort_, ms));
    slot_->streak.reset();
    probes_connection_ = probes_slot_ = false;
    claim(now);
    answered(ms);
    if (cost_ != Tokens(0)) let_in(at);
    slot_->requests.learn_admitted(at);
}

void Lease::first_content(Duration waited) noexcept {
    if (slot_ == nullptr) return;
    slot_->speed.observe(waited, prompt_);
    const double quantile = fleet_->options_.late_quantile;
    if (quantile > 0) slot_->delay.observe(waited, prompt_, quantile);
}

void Lease::no_content(Duration waited) noexcept {
    if (slot_ == nullptr) return;
    const double quantile = fleet_->options_.late_quantile;
    if (quantile > 0) slot_->delay.observe_open(waited, prompt_, quantile);
}

std::optional<Duration> Lease::late_after() const noexcept {
    // the shared slot knows deployments only as a mixture
    if (slot_ == nullptr || unclaimed_) return std::nullopt;
    return slot_->delay.late_after(prompt_);
}

void Lease::fault(Fault fault, Time now, std::optional<Tokens> output) noexcept {
    if (slot_ == nullptr) return;
    const Moment at = fleet_->moment(now);
    const std::int64_t ms = at.ms;
    Tokens kept = output ? spent(*output) : cost_;
    if (fault == Fault::connect || fault == Fault::tls) {
        block_->connection.fault(fault, probes_connection_, ms);
        probes_connection_ = false;
    } else {
        const bool silent = fault == Fault::timeout || fault == Fault::reset || fault == Fault::late;
        if (!silent) answered(ms);
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
    const bool counted = fault == Fault::server_error || fault == Fault::timeout || fault == Fault::reset ||
                         fault == Fault::late;
    if (!counted) {
        kept = Tokens(0);
        slot_->requests.give_back(requests_);
    }
    give_up_probe(ms);
    slot_->faults.fetch_add(1, relaxed);
    end(kept, kept, at);
}

void Lease::settle(const Usage& usage, Time now) noexcept {
    if (slot_ == nullptr) return;
    const Moment at = fleet_->moment(now);
    give_up_probe(at.ms);
    slot_->billed.fetch_add(usage.total.count(), relaxed);
    const Tokens total = std::clamp(usage.total, Tokens(0), request_cost_max);
    if (cost_ == Tokens(0)) return end(cost_, total, at);
    const bool learned = slot_->learner.learned();
    // A limiter that counts at arrival keeps what it estimated; where we estimated less than was used, it
    // cannot have.
    end(charges_on_usage() ? total : learned ? cost_ : std::max(cost_, total), total, at);
}

void Lease::abandon(Tokens output, Time now) noexcept {
    if (slot_ == nullptr) return;
    const Moment at = fleet_->moment(now);
    give_up_probe(at.ms);
    const Tokens kept = spent(output);
    end(kept, kept, at);
}

Tokens Lease::overtaken(Tokens output, Duration waited, Time now) noexcept {
    if (slot_ == nullptr) return Tokens(0);
    const Tokens kept = spent(output);
    const std::optional<Duration> late = late_after();
    const bool silent = pending_ && late && waited >= *late;
    no_content(waited);
    if (silent) {
        fault(Fault::late, now, output);
    } else {
        abandon(output, now);
    }
    return kept;
}

bool Lease::charges_on_usage() const noexcept {
    return slot_->learner.learned() ? slot_->learner.model().settles_by_usage() : block_->charges_on_usage;
}

/// What a limiter has counted for a response that broke off after so much output.
Tokens Lease::spent(Tokens output) const noexcept {
    if (!charges_on_usage() || prompt_ == Tokens(0)) return cost_;
    return std::min(cost_, prompt_ + std::clamp(output, Tokens(0), request_cost_max));
}

void Lease::cancel_unsent(Time now) noexcept {
    if (slot_ == nullptr) return;
    const Moment at = fleet_->moment(now);
    give_up_probe(at.ms);
    slot_->requests.give_back(requests_);
    end(Tokens(0), Tokens(0), at);
}

void Lease::give_up_probe(std::int64_t now_ms) noexcept {
    if (probes_connection_) block_->connection.probe_lost(now_ms);
    if (probes_slot_) slot_->breaker.probe_lost(now_ms);
    probes_connection_ = probes_slot_ = false;
}

void Lease::end(Tokens used, Tokens billed, const Moment& now) noexcept {
    if (slot_->learner.model().counts_at_end()) {
        slot_->tokens.move(tokens_, used.count(), slot_->rate(), now);
    } else {
        slot_->tokens.replace(tokens_, used.count(), slot_->rate(), now);
    }
    slot_->learner.begin(now.tick, slot_->counters);
    close(used, billed);
}

/// All of ending but the account.
void Lease::close(Tokens used, Tokens billed) noexcept {
    drop();
    if (cost_ != Tokens(0)) {
        if (used == Tokens(0) && billed == Tokens(0)) {
            slot_->counters.subtract(sums_at_arrival(basis_));
        } else {
            slot_->counters.add(sums_at_end(basis_, billed));
        }
    }
    slot_->reserved.fetch_sub(cost_.count(), relaxed);
    slot_->used.fetch_add(used.count(), relaxed);
    slot_->charged.fetch_add((used - cost_).count(), relaxed);
    slot_->in_flight.fetch_sub(1, relaxed);
    slot_ = nullptr;
}

} // namespace headroom::balance
