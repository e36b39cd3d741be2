// The simulation: events in virtual time, clients that retry, replicas of the proxy, each with a strategy of
// its own. Promises: the same workload, fleet, strategy and seed give the same outcome to the last bit. No
// clock, no thread. Not here: what a backend does (backend.hpp), how a strategy chooses (strategy.hpp).
#pragma once

#include "bench/lab/outcome.hpp"
#include "bench/lab/progress.hpp"
#include "bench/lab/strategy.hpp"

#include <cstdint>

namespace headroom::lab {

struct RunOptions {
    std::uint64_t seed = 1;
    Duration sample_every{};      ///< Of utilisation; 0: never.
    Progress* progress = nullptr; ///< Is told the share of the requests that have come.
};

[[nodiscard]] Outcome simulate(const Workload& workload, const FleetModel& fleet,
                               const StrategyInfo& strategy, const RunOptions& options);

} // namespace headroom::lab
