// Upper bounds of goodput that hold for every strategy, known or not: no quota admits more.
// Fluid: all tokens of all quotas over the whole time. Flow: a linear program over requests, backends and
// times. Promises: never below what any run of the engine serves in time. Not here: the clairvoyant reference
// (strategies/).
#pragma once

#include "bench/lab/comparison.hpp"

namespace headroom::lab {

/// Billed tokens per minute of the workload that all quotas together could pay for, the cheapest requests
/// first.
[[nodiscard]] double fluid_bound(const Workload& workload, const FleetModel& fleet);

/// The optimum of the time-expanded flow: each request, in parts if need be, within its deadline, where its
/// backend's window has room; in bins of 10 s. `columns_max` bounds the size of the program by putting alike
/// requests together, which can only raise the bound.
[[nodiscard]] double flow_bound(const Workload& workload, const FleetModel& fleet,
                                std::size_t columns_max = 60'000);

/// Both; the flow bound is never above the fluid one.
[[nodiscard]] Bounds bounds_of(const Workload& workload, const FleetModel& fleet);

/// The least that a backend can charge for a request, whatever is in its cache; 0 where only usage is counted
/// afterwards.
[[nodiscard]] std::int64_t least_charge(const BackendModel& backend, const Request& request) noexcept;

/// The most that its tokens were limited to at any time from `from` to `to`.
[[nodiscard]] double highest_factor(const BackendModel& backend, Time from, Time to) noexcept;

} // namespace headroom::lab
