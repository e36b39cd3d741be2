// Headroom's own balancer in the lab: Fleet, Balancer, Lease, WaitQueue and RetryBudget as they run in
// production, driven as core/exchange_waiting.cpp drives them; what may be tried is
// balance::Tries. One replica with one shard. The ablations
// switch parts of it off. Not here: the policy (balance/).
#pragma once

#include "balance/balancer.hpp"
#include "balance/fleet.hpp"
#include "balance/prompt/output_forecast.hpp"
#include "balance/prompt/request_cost.hpp"
#include "balance/retry_budget.hpp"
#include "balance/tries.hpp"
#include "balance/wait_queue.hpp"
#include "bench/lab/strategy.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace headroom::lab {

/// What is switched on.
struct MirrorParts {
    bool queue = true;       ///< Requests wait for an opening.
    bool learning = true;    ///< Header fields are looked at.
    bool affinity = true;    ///< The prompt's start is told.
    bool size_memory = true; ///< A 429 leaves smaller requests alone.
};

class Mirror final : public Strategy, private balance::WaitQueue::Keeper {
  public:
    Mirror(const Setting& setting, const MirrorParts& parts);

    Decision choose(const Ask& ask) override;
    void answered(const Ask& ask, std::uint32_t backend, const Reply& reply) override;
    void finished(const Ask& ask, std::uint32_t backend, const Reply& reply, std::int64_t output) override;
    void woken(Time now) override;

  private:
    using Entry = balance::WaitQueue::Entry;

    /// One request, as the exchange keeps it.
    struct Place : Entry {
        Ask ask;
        balance::Lease flying;
        balance::Tries tries;
        balance::RequestCost estimate;
        balance::ChargeBasis basis;
        balance::Tokens charged; ///< For its turn in the queue.
    };

    balance::Choice choose(Entry& entry, bool first) override;
    balance::Choice choose_last(Entry& entry) override;
    balance::Supply supply(Entry& entry) override;
    void left(Entry& entry) override;

    void estimate(Place& place) const;
    [[nodiscard]] balance::Demand demand_of(const Place& place) const;
    [[nodiscard]] balance::Choice ask_balancer(const Place& place, const balance::Asking& asking);
    [[nodiscard]] balance::Choice choose_now(Place& place);
    [[nodiscard]] Decision join(Place& place);
    [[nodiscard]] Decision resolve(Place& place, balance::Choice& choice);
    [[nodiscard]] Decision give_up(balance::Choice& choice, Place& place);
    [[nodiscard]] Duration patience_left(const Place& place) const;
    [[nodiscard]] bool may_send(Place& place, const balance::Choice& choice);
    void note_failed(Place& place);
    void settle_turn(Place& place, balance::Tokens had);
    void refuse(Place& place, const Reply& reply);
    void set_alarm();
    [[nodiscard]] Place& place_of(const Ask& ask);
    void free(std::uint32_t job);

    MirrorParts parts_;
    std::vector<Told> told_;
    Desk& desk_;
    Random random_;
    Time now_{};
    balance::Fleet fleet_;
    balance::Balancer balancer_;
    balance::RetryBudget budget_;
    balance::OutputForecast forecast_;
    balance::SlotKey key_;
    std::vector<std::unique_ptr<Place>> places_; ///< By job.
    std::vector<std::unique_ptr<Place>> spare_;
    balance::WaitQueue queue_;
    Place* joining_ = nullptr; ///< Inside join(): its decision is returned, not told.
};

} // namespace headroom::lab
