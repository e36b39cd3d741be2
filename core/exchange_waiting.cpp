// How an exchange waits for quota, and how often it may be tried again.
#include "core/attempt.hpp"
#include "core/client_wishes.hpp"
#include "core/exchange.hpp"
#include "core/waiting.hpp"

#include <algorithm>
#include <utility>

namespace headroom::core {
namespace {

/// Each needs at least one 429 after an opening that was predicted: more than these are not the quota's
/// doing.
constexpr unsigned waits_max = 16;
/// Whether an opening is in time is judged by the queue; none that is further away is of use to anybody.
constexpr balance::Duration any_opening = std::chrono::hours(24);
constexpr std::uint64_t credential_mark = 0x9e3779b97f4a7c15U; // a name is never taken for a credential

double weight_of(std::string_view tenant, const QueueConfig& config) noexcept {
    const auto found = std::ranges::lower_bound(config.weights, tenant, {}, &TenantWeight::tenant);
    return found != config.weights.end() && found->tenant == tenant ? found->weight : 1;
}

} // namespace

void Exchange::read_wishes() {
    const QueueConfig& config = shard().config().queue;
    const ClientWishes wishes = wishes_of(head(), config);
    wait_until_ = record_.started + wishes.patience;
    client_retries_ = wishes.retries;
    if (!wishes.tenant.empty()) {
        tenant_ = shard().fleet().key(wishes.tenant).hash;
        weight_ = weight_of(wishes.tenant, config);
    } else if (!wishes.credential.empty()) {
        tenant_ = shard().fleet().key(wishes.credential).hash ^ credential_mark;
    }
    if (client_retries_ == 0) shard().retry_budget().earn();
}

balance::Duration Exchange::patience_left() noexcept {
    return std::max<balance::Duration>(wait_until_ - shard().loop().now(), balance::Duration::zero());
}

bool Exchange::out_of_attempts() noexcept {
    return attempts_in_round_ >= shard().config().attempts_max() || body_spent_;
}

balance::Choice Exchange::choose_now() {
    const balance::Duration patience = patience_left();
    if (patience == balance::Duration::zero()) return choose({});
    if (shard().waiting().busy(name_hash_) && waits_ < waits_max && !out_of_attempts()) {
        balance::Choice in_line;
        in_line.kind = balance::Choice::Kind::wait;
        return in_line;
    }
    return choose({patience, shard().owner(), true});
}

bool Exchange::must_wait(const balance::Choice& choice) noexcept {
    if (body_spent_ || waits_ == waits_max || patience_left() == balance::Duration::zero()) return false;
    const bool allowed = !out_of_attempts();
    if (allowed && choice.kind == balance::Choice::Kind::wait) return true;
    if (allowed && choice.kind == balance::Choice::Kind::send) return false;
    // a 429 is a measurement: whoever gave it may be asked again when there has been time
    return refused_ != 0;
}

balance::Choice Exchange::choose_in_turn(bool first) {
    // the claim of the first one holds against the others of its own shard, too
    return choose({any_opening, first ? shard().owner() : 0, first});
}

net::Task<balance::Choice> Exchange::wait_for_turn() {
    excluded_ = faulted_;
    refused_ = 0;
    attempts_in_round_ = 0;
    ++waits_;
    settle_turn();
    Turn turn(*this);
    balance::WaitQueue::Entry& entry = turn.entry();
    entry.deadline = wait_until_;
    entry.lane = name_hash_;
    entry.tenant = tenant_;
    entry.weight = weight_;
    entry.cost = estimate_.cost().charge;
    entry.bytes = body_.held_bytes();
    const net::Time since = shard().loop().now();
    turn_ = &turn;
    bool here = true;
    shard().waiting().join(turn);
    while (here && turn.waiting()) {
        co_await turn;
        if (probe_due_) here = co_await probe_client();
        here = here && !client_failed_ && !ending_;
    }
    turn_ = nullptr;
    shard().waiting().leave(turn);
    co_return end_of_wait(turn, since, here);
}

balance::Choice Exchange::end_of_wait(Turn& turn, net::Time since, bool here) noexcept {
    const balance::WaitQueue::Entry& entry = turn.entry();
    const net::Duration waited = shard().loop().now() - since;
    record_.waited = record_.waited.value_or(net::Duration::zero()) + waited;
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(waited).count();
    shard().count().waits.waited.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, us)));
    using State = balance::WaitQueue::Entry::State;
    if (entry.state == State::sent) charged_ = entry.cost;
    if (entry.state == State::expired) wait_end_ = "wait-expired";
    if (entry.state == State::full) wait_end_ = "queue-full";
    balance::Choice choice = std::move(turn.entry().choice);
    if (!here && choice.lease) {
        choice.lease.cancel_unsent(shard().loop().now());
        choice = balance::Choice{};
    }
    return choice;
}

/// Replaces what the tenant was charged for a turn by what it had of it.
void Exchange::settle_turn() noexcept {
    shard().waiting().room_may_be(name_hash_);
    const balance::Tokens charged = std::exchange(charged_, balance::Tokens(0));
    if (charged == balance::Tokens(0)) return;
    const bool served = record_.outcome == Outcome::relayed || record_.outcome == Outcome::broken ||
                        record_.outcome == Outcome::client_gone || record_.outcome == Outcome::tunnelled;
    balance::Tokens had = served ? charged : balance::Tokens(0);
    if (served && record_.usage && record_.backend >= 0) {
        const auto backend = static_cast<std::uint32_t>(record_.backend);
        const bool by_usage = shard().fleet().spec(backend).charging == balance::Charging::on_usage;
        if (by_usage) had = record_.usage->prompt + record_.usage->completion;
    }
    shard().waiting().correct(name_hash_, tenant_, weight_, had - charged);
}

void Exchange::note_failed(const Attempt& failed) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << failed.backend();
    const balance::Verdict verdict = failed.verdict();
    if (verdict == balance::Verdict::quota) {
        quota_seen_ = true;
        refused_ |= bit;
    } else {
        faulted_ |= bit;
    }
    if (verdict == balance::Verdict::transient_fault) {
        ++faults_;
        owes_retry_ = true;
    }
    shard().waiting().room_may_be(name_hash_);
}

bool Exchange::may_send(const balance::Choice& choice) noexcept {
    return choice.kind == balance::Choice::Kind::send && !out_of_attempts() && pay_for_retry();
}

bool Exchange::pay_for_retry() noexcept {
    if (!std::exchange(owes_retry_, false)) return true;
    // its client tries again, too: one other backend is asked, more would multiply
    const bool enough = client_retries_ > 0 && faults_ > 1;
    if (!enough && shard().retry_budget().spend(shard().loop().now())) return true;
    record_.why = enough ? "retried-enough" : "retry-budget";
    shard().count().retries_denied.add();
    return false;
}

} // namespace headroom::core
