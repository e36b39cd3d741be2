// What other quotas would come to: more or less of each, a backend less, another region, provisioned
// throughput, other fleets; and the plan that has the fewest client 429s for the same total. The requests
// stay the same in all of it. Not here: the commands that bring a plan about (azure_commands.hpp).
#pragma once

#include "bench/lab/comparison.hpp"

#include <string>
#include <utility>
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
    double region_ms = 60; ///< How much later the first token comes from the region that is tried.
    std::vector<std::pair<std::string, FleetModel>> others; ///< Fleets to hold against the first, by name.
    Progress* progress = nullptr;
};

/// One fleet and what it comes to.
struct Scenario {
    std::string name;
    FleetModel fleet;
    Estimate goodput;
    Estimate failed_share;
    Estimate client_429_rate;
    Estimate wait_p99_s;
    Estimate ttft_p50_s;
    Estimate cost;
};

/// As it is; all quotas a fifth more and less; each backend lost, raised and lowered by a quarter; one unit
/// more where throughput is provisioned; one backend in another region and one provisioned more; the other
/// fleets; last the best plan for the same total. Throws WorkloadError.
[[nodiscard]] std::vector<Scenario> what_if(const FleetModel& fleet, const WorkloadMaker& make,
                                            const WhatIfOptions& options);

/// The plan with the fewest client 429s, then the fewest failures, that moves whole units of 1,000 TPM
/// between backends of one pool: pay-as-you-go of one region, model and SKU, as far as the fleet says these.
/// Gives up searching after some hundred plans.
[[nodiscard]] FleetModel best_plan(const FleetModel& fleet, const std::vector<Workload>& workloads,
                                   const WhatIfOptions& options);

[[nodiscard]] std::string table_of(const std::vector<Scenario>& scenarios);
/// One object; `commands` are those of the best plan.
[[nodiscard]] std::string json_of(const std::vector<Scenario>& scenarios,
                                  const std::vector<std::string>& commands);

} // namespace headroom::lab
