// Common random numbers make differences between strategies sharper than the strategies' own intervals.
#include "bench/lab/comparison.hpp"

#include "bench/lab/bounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace headroom::lab {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// Two-sided 95 % quantiles of Student's t by degrees of freedom.
double t95(std::size_t freedom) {
    static constexpr std::array<double, 30> table = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                                                     2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                                                     2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                                                     2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
    return freedom <= table.size() ? table[freedom - 1] : 1.96 + 2.5 / static_cast<double>(freedom);
}

Workload workload_at(const FleetModel& fleet, const WorkloadMaker& make, std::uint64_t seed, double load,
                     Duration span) {
    Workload workload = at_load(make(seed), fleet, load);
    if (span > Duration::zero()) workload = first_part(std::move(workload), span);
    return workload;
}

/// All of one seed at one load.
void run_seed(const FleetModel& fleet, const Workload& workload, std::uint64_t seed,
              const ComparisonOptions& options, LoadResult& result) {
    constexpr int samples_most = 960;
    const bool first = result.bounds.empty();
    const std::string where = fmt::format("load {:.0f} %, seed {}: ", result.load * 100, seed);
    Progress* progress = options.progress;
    result.bounds.push_back({nan, nan});
    if (options.bounds) {
        if (progress != nullptr) progress->begin(where + "the bounds");
        result.bounds.back() = bounds_of(workload, fleet);
        if (progress != nullptr) progress->end(0);
    }
    for (StrategyResult& one : result.strategies) {
        if (progress != nullptr) progress->begin(where + std::string(one.strategy->name));
        const Duration every = std::max(options.sample_every, workload.span / samples_most);
        Outcome outcome =
            simulate(workload, fleet, *one.strategy, {seed, first ? every : Duration::zero(), progress});
        one.by_seed.push_back(figures_of(outcome, workload, fleet));
        if (first) {
            one.waits = waits_by_hundredths(outcome);
            one.utilisation = std::move(outcome.utilisation);
        }
        if (progress != nullptr) progress->end(workload.requests.size());
    }
}

} // namespace

Estimate estimate_of(const std::vector<double>& values) {
    double sum = 0;
    double count = 0;
    for (const double value : values) {
        if (std::isnan(value)) continue;
        sum += value;
        ++count;
    }
    if (count == 0) return {nan, nan};
    const double mean = sum / count;
    if (count < 2) return {mean, 0};
    double squares = 0;
    for (const double value : values)
        squares += std::isnan(value) ? 0 : (value - mean) * (value - mean);
    const double error = std::sqrt(squares / (count - 1) / count);
    return {mean, error * t95(static_cast<std::size_t>(count) - 1)};
}

const std::vector<FigureField>& figure_fields() {
    static const std::vector<FigureField> fields = {
        {"goodput", "goodput", "tokens/min", &Figures::goodput, true},
        {"offered", "offered", "tokens/min", &Figures::offered, true},
        {"failed_share", "failed requests", "share", &Figures::failed_share},
        {"expired_share", "deadline misses", "share", &Figures::expired_share},
        {"client_429_rate", "client 429s", "per request", &Figures::client_429_rate},
        {"upstream_429_rate", "upstream 429s", "per request", &Figures::upstream_429_rate},
        {"upstream_429_share", "upstream 429s", "per attempt", &Figures::upstream_429_share},
        {"attempts", "attempts", "per request", &Figures::attempts},
        {"utilisation", "quota used", "share", &Figures::utilisation, true},
        {"wait_mean_s", "wait, mean", "s", &Figures::wait_mean_s},
        {"wait_p50_s", "wait, median", "s", &Figures::wait_p50_s},
        {"wait_p99_s", "wait, p99", "s", &Figures::wait_p99_s},
        {"ttft_p50_s", "first token, median", "s", &Figures::ttft_p50_s},
        {"ttft_p99_s", "first token, p99", "s", &Figures::ttft_p99_s},
        {"latency_p50_s", "whole, median", "s", &Figures::latency_p50_s},
        {"latency_p99_s", "whole, p99", "s", &Figures::latency_p99_s},
        {"jain", "fairness (Jain)", "0 to 1", &Figures::jain, true},
        {"vtc_gap", "service gap", "tokens", &Figures::vtc_gap},
        {"cached_share", "cached prompt tokens", "share", &Figures::cached_share, true},
        {"cost", "cost", "per 1M tokens", &Figures::cost},
    };
    return fields;
}

double offered_load(const Workload& workload, const FleetModel& fleet) {
    double sum = 0;
    const auto all = static_cast<double>(fleet.tokens_per_minute());
    for (const BackendModel& backend : fleet.backends) {
        const double share = static_cast<double>(backend.limiter.tpm) / all;
        for (const Request& request : workload.requests)
            sum += share * static_cast<double>(charge_of(backend.limiter, request, 0).at_end);
    }
    return sum / all / (std::chrono::duration<double>(workload.span).count() / 60);
}

Workload at_load(Workload workload, const FleetModel& fleet, double load) {
    if (load <= 0) return workload;
    const double offered = offered_load(workload, fleet);
    if (offered <= 0)
        throw WorkloadError("the quotas would charge nothing for this trace, so no load can be set");
    return stretched(std::move(workload), offered / load);
}

std::vector<LoadResult> compare(const FleetModel& fleet, const WorkloadMaker& make,
                                const ComparisonOptions& options) {
    std::vector<LoadResult> results;
    const std::vector<double> as_it_is = {0};
    for (const double load : options.loads.empty() ? as_it_is : options.loads) {
        LoadResult result;
        for (const StrategyInfo* info : options.strategies)
            result.strategies.push_back({info, {}, {}, {}});
        for (unsigned i = 0; i < options.seeds; ++i) {
            const std::uint64_t seed = options.seed + i;
            Workload workload = workload_at(fleet, make, seed, load, options.span);
            if (i == 0) result.load = load > 0 ? load : offered_load(workload, fleet);
            run_seed(fleet, workload, seed, options, result);
            if (i == 0) result.workload = std::move(workload);
        }
        results.push_back(std::move(result));
    }
    return results;
}

Estimate figure(const StrategyResult& result, double Figures::* field) {
    std::vector<double> values;
    values.reserve(result.by_seed.size());
    for (const Figures& figures : result.by_seed)
        values.push_back(figures.*field);
    return estimate_of(values);
}

Estimate difference(const StrategyResult& result, const StrategyResult& other, double Figures::* field) {
    std::vector<double> values;
    for (std::size_t i = 0; i < std::min(result.by_seed.size(), other.by_seed.size()); ++i)
        values.push_back(result.by_seed[i].*field - other.by_seed[i].*field);
    return estimate_of(values);
}

Estimate ratio(const StrategyResult& result, const StrategyResult& other) {
    std::vector<double> values;
    values.reserve(result.by_seed.size());
    for (std::size_t i = 0; i < result.by_seed.size(); ++i)
        values.push_back(result.by_seed[i].goodput / other.by_seed[i].goodput);
    return estimate_of(values);
}

const StrategyResult* find_result(const LoadResult& load, std::string_view strategy) {
    const auto found = std::ranges::find_if(
        load.strategies, [&](const StrategyResult& one) { return one.strategy->name == strategy; });
    return found == load.strategies.end() ? nullptr : &*found;
}

Estimate share_of(const StrategyResult& result, const std::vector<Bounds>& bounds, double Bounds::* bound) {
    std::vector<double> values;
    values.reserve(result.by_seed.size());
    for (std::size_t i = 0; i < result.by_seed.size(); ++i)
        values.push_back(result.by_seed[i].goodput / (bounds[i].*bound));
    return estimate_of(values);
}

} // namespace headroom::lab
