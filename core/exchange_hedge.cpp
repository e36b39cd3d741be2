// Whether an exchange's attempt is raced against a second one, and what that one needs to begin.
#include "balance/hedge_policy.hpp"
#include "core/attempt.hpp"
#include "core/exchange.hpp"
#include "core/hedge.hpp"
#include "core/waiting.hpp"

#include <utility>

namespace headroom::core {

using balance::HedgeEnd;

/// At most one hedge per request, and none that cannot be repeated.
std::optional<net::Duration> Exchange::hedge_after(const balance::Lease& lease) noexcept {
    if (!shard().config().hedge.enabled || record_.hedge_backend >= 0 || body_streams_) return std::nullopt;
    balance::HedgeSubject subject;
    subject.operation = route_.operation;
    subject.facts = scanning_ ? &facts() : nullptr;
    subject.names_object = route_.names_object || affinity_.named();
    if (!balance::may_run_twice(subject)) return std::nullopt;
    return lease.late_after();
}

net::Task<Attempt::End> Exchange::run_hedged(net::Duration after) {
    const HedgeEnd before = std::exchange(record_.hedge, HedgeEnd::none);
    Hedge hedge(*this, after);
    hedge_ = &hedge;
    const Attempt::End end = co_await hedge.run();
    hedge_ = nullptr;
    if (record_.hedge == HedgeEnd::none) {
        record_.hedge = before;
    } else {
        HedgeCounters& counters = shard().count().hedges;
        counters.ended[static_cast<std::size_t>(record_.hedge)].add();
        counters.tokens.add(static_cast<std::uint64_t>(record_.hedge_tokens.count()));
        // nobody waited when the race began; who waits by now lacks what the loser has used
        shard().waiting().correct(name_hash_, tenant_, weight_, record_.hedge_tokens);
    }
    co_return end;
}

std::unique_ptr<Attempt> Exchange::open_hedge(net::Duration silent) {
    if (client_failed_ || ending_ || !tries_.may_hedge() || shard().memory_short()) return nullptr;
    const net::Time now = shard().loop().now();
    record_.hedge = HedgeEnd::scarce; // until it is not
    if (shard().waiting().busy(name_hash_)) return nullptr;
    if (shard().retry_budget().left(now) == 0) {
        record_.hedge = HedgeEnd::budget;
        return nullptr;
    }
    balance::Asking asking;
    asking.late = balance::BackendMask{1} << attempt_->backend();
    asking.silent = silent;
    balance::Choice choice = choose(asking);
    if (choice.kind != balance::Choice::Kind::send) return nullptr;
    // another shard may have been faster to spend it
    if (!shard().retry_budget().spend(now)) {
        choice.lease.cancel_unsent(now);
        record_.hedge = HedgeEnd::budget;
        return nullptr;
    }
    tries_.sent_to(choice.backend);
    ++record_.attempts;
    record_.hedge_backend = static_cast<std::int32_t>(choice.backend);
    auto second = std::make_unique<Attempt>(*this, choice.backend, std::move(choice.lease));
    second->be_hedge();
    return second;
}

bool Exchange::races() const noexcept {
    return hedge_ != nullptr && hedge_->racing();
}

std::unique_ptr<Attempt> Exchange::exchange_attempt(std::unique_ptr<Attempt> other) noexcept {
    return std::exchange(attempt_, std::move(other));
}

} // namespace headroom::core
