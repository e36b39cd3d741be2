// Looks at the candidates, decides, takes; and decides again when another shard was faster.
#include "balance/balancer.hpp"

#include "balance/decision.hpp"

#include <algorithm>
#include <utility>

namespace headroom::balance {
namespace {

/// One request at one fleet: fills in what the decision asks for.
class Choosing {
  public:
    Choosing(Fleet& fleet, const Demand& demand, Time now) noexcept
        : fleet_(fleet), demand_(demand), now_(fleet.moment(now)) {
        const std::size_t size = fleet.size();
        input_.shape = &fleet.shape();
        input_.cost = std::clamp(demand.cost, Tokens(0), request_cost_max);
        input_.prompt = demand.prompt;
        input_.candidates = demand.candidates & (size == 64 ? ~0ULL : (1ULL << size) - 1);
        input_.open = input_.candidates & ~demand.excluded;
        input_.random = demand.random;
        input_.patience = demand.patience;
        input_.prefix = demand.prefix;
        input_.may_probe = demand.may_probe;
        input_.late = demand.late;
        input_.silent = demand.silent;
        input_.used_max = demand.used_max;
    }

    Choice run() noexcept {
        while (true) {
            decide(input_, decision_);
            switch (decision_.kind) {
                case Decision::Kind::look: look(decision_.wanted); break;
                case Decision::Kind::openings: open(decision_.wanted); break;
                case Decision::Kind::send: {
                    Lease lease =
                        fleet_.take(decision_.backend, want(decision_.backend), decision_.taking, now_);
                    if (lease) {
                        if (demand_.owner != 0) fleet_.drop_claim(demand_.owner);
                        return as_choice(std::move(lease));
                    }
                    // Another shard took the last of it between our look and our reservation.
                    input_.lost[static_cast<std::size_t>(decision_.taking)] |= BackendMask{1}
                                                                               << decision_.backend;
                    break;
                }
                case Decision::Kind::wait:
                    if (demand_.claims) {
                        const std::uint32_t backend = decision_.backend;
                        fleet_.claim(backend, want(backend), decision_.retry_after, now_);
                    }
                    return as_choice({});
                case Decision::Kind::refuse: return as_choice({});
            }
        }
    }

    [[nodiscard]] Supply supply() const noexcept {
        Supply sum;
        for_each(input_.candidates,
                 [&](std::uint32_t backend) { fleet_.add_supply(backend, want(backend), now_, sum); });
        return sum;
    }

    [[nodiscard]] const DecisionInput& input() const noexcept { return input_; }
    [[nodiscard]] const Decision& decision() const noexcept { return decision_; }

  private:
    [[nodiscard]] Want want(std::uint32_t backend) const noexcept {
        const auto& keys = demand_.deployments;
        const SlotKey key = keys.empty() ? SlotKey{} : keys.size() == 1 ? keys[0] : keys[backend];
        return {key, input_.cost, input_.prompt, demand_.basis, demand_.owner};
    }

    void look(BackendMask wanted) noexcept {
        input_.seen |= wanted;
        for_each(wanted, [&](std::uint32_t backend) {
            fleet_.look_at(backend, want(backend), now_, input_.look[backend]);
        });
    }

    void open(BackendMask wanted) noexcept {
        input_.opened |= wanted;
        for_each(wanted, [&](std::uint32_t backend) {
            input_.opens[backend] = fleet_.opening(backend, want(backend), now_);
        });
    }

    [[nodiscard]] Choice as_choice(Lease lease) const noexcept {
        Choice choice;
        choice.kind = lease                                    ? Choice::Kind::send
                      : decision_.kind == Decision::Kind::wait ? Choice::Kind::wait
                                                               : Choice::Kind::refuse;
        choice.backend = decision_.backend;
        choice.lease = std::move(lease);
        choice.retry_after = decision_.retry_after;
        choice.quota = decision_.quota;
        choice.reason = name_of(decision_.reason);
        return choice;
    }

    Fleet& fleet_;
    const Demand& demand_;
    Moment now_;
    DecisionInput input_;
    Decision decision_;
};

} // namespace

Choice Balancer::choose(Fleet& fleet, const Demand& demand, Time now, const Flight& flight) const noexcept {
    Choosing choosing(fleet, demand, now);
    Choice choice = choosing.run();
    if (flight.recorder != nullptr)
        flight.recorder->record(flight.tag, now, choosing.input(), choosing.decision());
    return choice;
}

Supply Balancer::supply(Fleet& fleet, const Demand& demand, Time now) const noexcept {
    return Choosing(fleet, demand, now).supply();
}

} // namespace headroom::balance
