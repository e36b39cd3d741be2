// Runs every strategy over the same requests and the same luck, seed by seed, and sums up: means, intervals,
// differences. Not here: how that is shown (table.hpp, json_report.hpp, html_report.hpp).
#pragma once

#include "bench/lab/engine.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::lab {

/// A mean over seeds with its 95 % interval (Student's t); the interval is 0 wide with one seed.
struct Estimate {
    double mean = 0;
    double half_width = 0;
};

/// NaNs are left out; NaN when nothing is left.
[[nodiscard]] Estimate estimate_of(const std::vector<double>& values);

/// A column of the result, by its name in JSON.
struct FigureField {
    std::string_view name;
    std::string_view title;
    std::string_view unit;
    double Figures::* field;
    bool more_is_better = false;
};
[[nodiscard]] const std::vector<FigureField>& figure_fields();

/// The upper bounds of one workload, in billed tokens per minute; NaN: not computed.
struct Bounds {
    double fluid = 0;
    double flow = 0;
};

struct StrategyResult {
    const StrategyInfo* strategy = nullptr;
    std::vector<Figures> by_seed;
    std::vector<double> waits;                  ///< Of the first seed: waits_by_hundredths().
    std::vector<UtilisationSample> utilisation; ///< Of the first seed.
};

/// One level of load.
struct LoadResult {
    double load = 0;            ///< Charged tokens by the sum of the quotas.
    Workload workload;          ///< Of the first seed.
    std::vector<Bounds> bounds; ///< By seed.
    std::vector<StrategyResult> strategies;
};

struct ComparisonOptions {
    std::vector<double> loads; ///< Empty: the workload as it is.
    std::vector<const StrategyInfo*> strategies;
    std::uint64_t seed = 1;
    unsigned seeds = 1;
    Duration span{}; ///< Only the requests that come within it; 0: all.
    bool bounds = true;
    Duration sample_every = std::chrono::seconds(5); ///< More for long workloads, so that samples stay few.
    Progress* progress = nullptr;
};

/// Makes the requests of one seed.
using WorkloadMaker = std::function<Workload(std::uint64_t seed)>;

/// Throws WorkloadError when there is nothing to simulate.
[[nodiscard]] std::vector<LoadResult> compare(const FleetModel& fleet, const WorkloadMaker& make,
                                              const ComparisonOptions& options);

/// Tokens per minute that the fleet's quotas charge for the workload, by the rules of its backends, over all
/// of them.
[[nodiscard]] double offered_load(const Workload& workload, const FleetModel& fleet);

/// Stretched or squeezed until offered_load is `load`; as it is for 0. Throws WorkloadError.
[[nodiscard]] Workload at_load(Workload workload, const FleetModel& fleet, double load);

/// A figure of all seeds.
[[nodiscard]] Estimate figure(const StrategyResult& result, double Figures::* field);
/// The difference to `other`, seed by seed.
[[nodiscard]] Estimate difference(const StrategyResult& result, const StrategyResult& other,
                                  double Figures::* field);
/// Goodput as a share of the other's, seed by seed.
[[nodiscard]] Estimate ratio(const StrategyResult& result, const StrategyResult& other);
/// Its result at this load; nullptr when it was not asked for.
[[nodiscard]] const StrategyResult* find_result(const LoadResult& load, std::string_view strategy);
/// Goodput as a share of a bound, seed by seed.
[[nodiscard]] Estimate share_of(const StrategyResult& result, const std::vector<Bounds>& bounds,
                                double Bounds::* bound);

} // namespace headroom::lab
