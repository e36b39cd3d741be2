// Tries: what one request has been through, and what it may still do: be sent, wait its turn, be sent again
// after a fault. One per request, owned by whoever sends it (core/exchange.hpp, bench/lab/mirror.hpp).
// Promises: never the same backend twice but for one that refused for quota and has been waited for; bounded.
// Not here: who is next in the queue (wait_queue.hpp), which backend it is (balancer.hpp).
#pragma once

#include "balance/backend_mask.hpp"
#include "balance/balancer.hpp"
#include "balance/quantities.hpp"
#include "balance/retry_budget.hpp"

#include <chrono>
#include <cstdint>

namespace headroom::balance {

/// With what patience and whose claims the balancer is asked, or for which hedge (Demand).
struct Asking {
    Duration patience{};
    std::uint32_t owner = 0;
    bool claims = false;
    BackendMask late = 0; ///< For a hedge.
    Duration silent{};    ///< For a hedge.
};

/// Whoever waits is asked for with patience for any opening: whether it is in time is judged by the queue.
/// The claim of the first one holds against the others of its own shard, too. `owner`: 1 + the shard.
[[nodiscard]] constexpr Asking asking_in_turn(bool first, std::uint32_t owner) noexcept {
    return {std::chrono::hours(24), first ? owner : 0, first, 0, {}};
}

/// Whoever had patience and has none left: asked with less than any wait, because who never had any is sent
/// against every prediction.
[[nodiscard]] constexpr Asking asking_last() noexcept {
    return {Duration{1}, 0, false};
}

class Tries {
  public:
    /// Each wait needs at least one 429 after an opening that was predicted: more than these are not the
    /// quota's doing.
    static constexpr unsigned waits_max = 16;

    /// What the retry budget says of one more attempt.
    enum class Retry : std::uint8_t {
        allowed,
        budget_spent,   ///< Too many requests are being tried again already.
        client_retries, ///< Its client tries again, too, and one other backend was asked: more would
                        ///< multiply.
    };

    /// `client_retries`: how often the client has sent this request already; a fresh one earns its part of
    /// a retry. `per_round`: the most attempts between two waits.
    void begin(unsigned client_retries, unsigned per_round, RetryBudget& budget) noexcept;

    /// For Demand: asked since it last waited, or faulty.
    [[nodiscard]] BackendMask excluded() const noexcept { return excluded_; }
    /// It cannot be sent again, whatever happens: its body has left and is not kept.
    void close() noexcept { closed_ = true; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }

    /// Others of its deployment wait already (`busy`): it gets in line behind them without being asked for.
    [[nodiscard]] bool gets_in_line(bool busy) const noexcept;
    /// It must wait before anything else can be done with what the balancer says.
    [[nodiscard]] bool must_wait(const Choice& choice, Duration patience) const noexcept;
    /// It begins to wait: backends that refused it for quota may be asked again afterwards.
    void wait() noexcept;

    /// An attempt may follow as far as `choice` and the number of attempts go; see also may_retry.
    [[nodiscard]] bool may_send(const Choice& choice) const noexcept;
    /// Pays for the next attempt if it follows a fault; what is not allowed need not be asked again.
    [[nodiscard]] Retry may_retry(RetryBudget& budget, Time now) noexcept;
    /// A second attempt may begin beside the one in work, as far as the number of attempts goes.
    [[nodiscard]] bool may_hedge() const noexcept { return any_left(); }
    /// An attempt began there.
    void sent_to(std::uint32_t backend) noexcept;
    /// It ended by a 429, which is a measurement and free.
    void refused_for_quota() noexcept { refused_ = true; }
    /// It ended otherwise: this backend is never asked again. `fault`: one that an outage could multiply.
    void failed_at(std::uint32_t backend, bool fault) noexcept;

  private:
    [[nodiscard]] bool any_left() const noexcept { return attempts_ < per_round_ && !closed_; }

    BackendMask excluded_ = 0;
    BackendMask faulted_ = 0;
    unsigned per_round_ = 1;
    unsigned attempts_ = 0; ///< Since it last waited.
    unsigned waits_ = 0;
    unsigned faults_ = 0;
    unsigned client_retries_ = 0;
    bool refused_ = false;    ///< By a quota, since it last waited.
    bool owes_retry_ = false; ///< The next attempt follows a fault.
    bool closed_ = false;
};

} // namespace headroom::balance
