// What other quotas would come to: one more or one fewer backend, a provisioned one, and the plan that has
// the fewest client 429s for the same total. The requests stay the same in all of it.
#pragma once

#include "bench/lab/comparison.hpp"

#include <string>
#include <vector>

namespace headroom::lab {

struct WhatIfOptions {
    const StrategyInfo* strategy = nullptr;
    std::uint64_t seed = 1;
    unsigned seeds = 1;
    double load = 0; ///< Of the fleet as it is; 0: the workload as it is.
    Duration span{};
    int ptu_units = 15;                ///< Of the provisioned backend that is tried.
    std::int64_t ptu_unit_tpm = 3'000; ///< Input tokens per minute and unit (gpt-4.1; Azure's sizing table).
    double ptu_output_weight = 4;
};

/// One fleet and what it comes to.
struct Scenario {
    std::string name;
    FleetModel fleet;
    Estimate goodput;
    Estimate failed_share;
    Estimate client_429_rate;
    Estimate wait_p99_s;
    Estimate cost;
};

/// As it is; each backend lost, raised and lowered by a quarter; one provisioned backend more; last the best
/// plan for the same total.
[[nodiscard]] std::vector<Scenario> what_if(const FleetModel& fleet, const WorkloadMaker& make,
                                            const WhatIfOptions& options);

/// The plan with the fewest client 429s, then the fewest failures, that moves whole units of 1,000 TPM
/// between backends.
[[nodiscard]] FleetModel best_plan(const FleetModel& fleet, const std::vector<Workload>& workloads,
                                   const WhatIfOptions& options);

[[nodiscard]] std::string table_of(const std::vector<Scenario>& scenarios);
/// One Azure CLI command per backend of pay-as-you-go whose quota differs from `before`; the account is its
/// name.
[[nodiscard]] std::string commands_for(const FleetModel& before, const FleetModel& after);

} // namespace headroom::lab
