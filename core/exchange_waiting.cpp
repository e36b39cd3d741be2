// How an exchange waits for quota, and how often it may be tried again.
#include "core/attempt.hpp"
#include "core/client_wishes.hpp"
#include "core/exchange.hpp"
#include "core/waiting.hpp"

#include <algorithm>
#include <utility>

namespace headroom::core {
namespace {

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
    tries_.begin(wishes.retries, shard().config().attempts_max(), shard().retry_budget());
    if (!wishes.tenant.empty()) {
        tenant_ = shard().fleet().key(wishes.tenant).hash;
        weight_ = weight_of(wishes.tenant, config);
    } else if (!wishes.credential.empty()) {
        tenant_ = shard().fleet().key(wishes.credential).hash ^ credential_mark;
    }
}

balance::Duration Exchange::patience_left() noexcept {
    return std::max<balance::Duration>(wait_until_ - shard().loop().now(), balance::Duration::zero());
}

balance::Choice Exchange::choose_now() {
    const balance::Duration patience = patience_left();
    if (patience == balance::Duration::zero()) {
        const bool had_some = wait_until_ > record_.started;
        return choose(had_some ? balance::asking_last() : balance::Asking{});
    }
    if (tries_.gets_in_line(shard().waiting().busy(name_hash_))) {
        balance::Choice in_line;
        in_line.kind = balance::Choice::Kind::wait;
        return in_line;
    }
    return choose({patience, shard().owner(), true});
}

balance::Choice Exchange::choose_in_turn(bool first) {
    return choose(balance::asking_in_turn(first, shard().owner()));
}

balance::Choice Exchange::choose_last() {
    return choose(balance::asking_last());
}

net::Task<balance::Choice> Exchange::wait_for_turn() {
    tries_.wait();
    settle_turn();
    Turn turn(*this);
    balance::WaitQueue::Entry& entry = turn.entry();
    entry.deadline = wait_until_;
    entry.lane = name_hash_;
    entry.tenant = tenant_;
    entry.weight = weight_;
    const balance::Cost cost = estimate_.cost();
    entry.cost = cost.charge;
    entry.expected = cost.expected;
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
    const balance::Verdict verdict = failed.verdict();
    if (verdict == balance::Verdict::quota) {
        quota_seen_ = true;
        tries_.refused_for_quota();
    } else {
        tries_.failed_at(failed.backend(), verdict == balance::Verdict::transient_fault);
    }
    shard().waiting().room_may_be(name_hash_);
}

bool Exchange::may_send(const balance::Choice& choice) noexcept {
    if (!tries_.may_send(choice)) return false;
    const balance::Tries::Retry retry = tries_.may_retry(shard().retry_budget(), shard().loop().now());
    if (retry == balance::Tries::Retry::allowed) return true;
    record_.why = retry == balance::Tries::Retry::budget_spent ? "retry-budget" : "retried-enough";
    shard().count().retries_denied.add();
    return false;
}

} // namespace headroom::core
