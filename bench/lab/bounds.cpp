// The fluid bound, and what both bounds take for granted of a backend.
#include "bench/lab/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace headroom::lab {
namespace {

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

/// Tokens that the quota can charge from zero until `until`.
double capacity(const BackendModel& backend, Duration until) {
    const LimiterModel& limiter = backend.limiter;
    const double factor = highest_factor(backend, Time{}, Time(until));
    const auto tpm = static_cast<double>(limiter.tpm) * factor;
    switch (limiter.window) {
        case WindowKind::gcra:
        case WindowKind::ptu: return tpm / 60 * (seconds(limiter.burst) + seconds(until));
        // A sliding window admits at most one limit per begun minute, a fixed one also that of the minute it
        // began in.
        case WindowKind::sliding: return tpm * (std::floor(seconds(until) / 60) + 1);
        case WindowKind::fixed: break;
    }
    return tpm * (std::floor(seconds(until) / 60) + 2);
}

} // namespace

std::int64_t least_charge(const BackendModel& backend, const Request& request) noexcept {
    if (backend.limiter.charge == ChargeBy::billed && backend.limiter.window != WindowKind::ptu) return 0;
    const auto cachable = static_cast<std::int64_t>(request.blocks_count) * load::prefix_block_tokens;
    const Charge charge = charge_of(backend.limiter, request, cachable);
    return std::min(charge.at_arrival, charge.at_end);
}

double highest_factor(const BackendModel& backend, Time from, Time to) noexcept {
    double current = 1;
    double highest = 0;
    for (const LimitChange& change : backend.changes) {
        if (change.at > from) highest = std::max(highest, current);
        if (change.at > to) return highest;
        current = change.factor;
    }
    return std::max(highest, current);
}

double fluid_bound(const Workload& workload, const FleetModel& fleet) {
    double capacities = 0;
    for (const BackendModel& backend : fleet.backends)
        capacities += capacity(backend, workload.span + fleet.deadline);
    struct Offer {
        double cost;
        double value;
    };
    std::vector<Offer> offers;
    for (const Request& request : workload.requests) {
        std::int64_t cost = std::numeric_limits<std::int64_t>::max();
        for (const BackendModel& backend : fleet.backends)
            cost = std::min(cost, least_charge(backend, request));
        offers.push_back({static_cast<double>(cost), static_cast<double>(request.billed())});
    }
    std::ranges::sort(offers,
                      [](const Offer& a, const Offer& b) { return a.value * b.cost > b.value * a.cost; });
    double value = 0;
    for (const Offer& offer : offers) {
        if (offer.cost > capacities) {
            value += offer.value * capacities / offer.cost;
            break;
        }
        capacities -= offer.cost;
        value += offer.value;
    }
    return value / (seconds(workload.span) / 60);
}

Bounds bounds_of(const Workload& workload, const FleetModel& fleet) {
    const double fluid = fluid_bound(workload, fleet);
    // Bins of ten seconds can make the program a little looser than the sums are.
    return {fluid, std::min(fluid, flow_bound(workload, fleet))};
}

} // namespace headroom::lab
