// The rules of waiting and of trying again.
#include "balance/tries.hpp"

#include <utility>

namespace headroom::balance {

void Tries::begin(unsigned client_retries, unsigned per_round, RetryBudget& budget) noexcept {
    client_retries_ = client_retries;
    per_round_ = per_round;
    if (client_retries == 0) budget.earn();
}

bool Tries::gets_in_line(bool busy) const noexcept {
    return busy && waits_ < waits_max && any_left();
}

bool Tries::must_wait(const Choice& choice, Duration patience) const noexcept {
    if (closed_ || waits_ == waits_max || patience == Duration::zero()) return false;
    if (any_left() && choice.kind == Choice::Kind::wait) return true;
    if (any_left() && choice.kind == Choice::Kind::send) return false;
    // whoever refused it for quota may be asked again when there has been time
    return refused_;
}

void Tries::wait() noexcept {
    excluded_ = faulted_;
    refused_ = false;
    attempts_ = 0;
    ++waits_;
}

bool Tries::may_send(const Choice& choice) const noexcept {
    return choice.kind == Choice::Kind::send && any_left();
}

Tries::Retry Tries::may_retry(RetryBudget& budget, Time now) noexcept {
    if (!std::exchange(owes_retry_, false)) return Retry::allowed;
    if (client_retries_ > 0 && faults_ > 1) return Retry::client_retries;
    return budget.spend(now) ? Retry::allowed : Retry::budget_spent;
}

void Tries::sent_to(std::uint32_t backend) noexcept {
    excluded_ |= BackendMask{1} << backend;
    ++attempts_;
}

void Tries::failed_at(std::uint32_t backend, bool fault) noexcept {
    faulted_ |= BackendMask{1} << backend;
    if (!fault) return;
    ++faults_;
    owes_retry_ = true;
}

} // namespace headroom::balance
