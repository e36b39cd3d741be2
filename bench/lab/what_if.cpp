// The search is a descent by coordinates: quotas are few and simulations cheap, and the same requests and
// luck make plans comparable without noise of their own.
#include "bench/lab/what_if.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>
#include <utility>

namespace headroom::lab {
namespace {

constexpr std::int64_t unit_tpm = 1'000;
constexpr double step_first = 0.2; ///< Of the total.
constexpr int rounds_max = 40;

void set_quota(BackendModel& backend, std::int64_t tpm) {
    const double factor = static_cast<double>(tpm) / static_cast<double>(backend.limiter.tpm);
    const auto scaled = [&](int rpm) { return std::max(1, static_cast<int>(std::lround(rpm * factor))); };
    if (backend.limiter.rpm > 0) backend.limiter.rpm = scaled(backend.limiter.rpm);
    if (backend.told_rpm > 0) backend.told_rpm = scaled(backend.told_rpm);
    if (backend.told_tpm > 0) backend.told_tpm = std::llround(static_cast<double>(backend.told_tpm) * factor);
    backend.limiter.tpm = tpm;
}

Scenario scenario(std::string name, const FleetModel& fleet, const std::vector<Workload>& workloads,
                  const WhatIfOptions& options) {
    StrategyResult result{options.strategy, {}, {}};
    for (std::size_t i = 0; i < workloads.size(); ++i) {
        const Outcome outcome =
            simulate(workloads[i], fleet, *options.strategy, {options.seed + i, Duration::zero()});
        result.by_seed.push_back(figures_of(outcome, workloads[i], fleet));
    }
    Scenario one{std::move(name), fleet, {}, {}, {}, {}, {}};
    one.goodput = figure(result, &Figures::goodput);
    one.failed_share = figure(result, &Figures::failed_share);
    one.client_429_rate = figure(result, &Figures::client_429_rate);
    one.wait_p99_s = figure(result, &Figures::wait_p99_s);
    one.cost = figure(result, &Figures::cost);
    return one;
}

/// Less is better; the wait decides between plans without a 429.
std::tuple<double, double, double> badness(const Scenario& one) {
    return {one.client_429_rate.mean, one.failed_share.mean, one.wait_p99_s.mean};
}

BackendModel provisioned(const WhatIfOptions& options) {
    BackendModel backend;
    backend.name = fmt::format("provisioned-{}", options.ptu_units);
    backend.priority = 0;
    backend.limiter.tpm = options.ptu_units * options.ptu_unit_tpm;
    backend.limiter.rpm = static_cast<int>(std::min<std::int64_t>(backend.limiter.tpm, 1'000'000));
    backend.limiter.window = WindowKind::ptu;
    backend.limiter.burst = std::chrono::seconds(10);
    backend.limiter.output_weight = options.ptu_output_weight;
    backend.limiter.headers = false;
    backend.told_tpm = backend.limiter.tpm;
    backend.told_rpm = backend.limiter.rpm;
    backend.price.hour = options.ptu_units;
    return backend;
}

std::vector<Workload> workloads_of(const FleetModel& fleet, const WorkloadMaker& make,
                                   const WhatIfOptions& options) {
    std::vector<Workload> workloads;
    for (unsigned i = 0; i < options.seeds; ++i) {
        Workload workload = make(options.seed + i);
        if (options.load > 0) {
            const double factor = offered_load(workload, fleet) / options.load;
            workload = stretched(std::move(workload), factor);
        }
        if (options.span > Duration::zero()) workload = first_part(std::move(workload), options.span);
        workloads.push_back(std::move(workload));
    }
    return workloads;
}

} // namespace

FleetModel best_plan(const FleetModel& fleet, const std::vector<Workload>& workloads,
                     const WhatIfOptions& options) {
    FleetModel best = fleet;
    Scenario reached = scenario("", best, workloads, options);
    const auto units = fleet.tokens_per_minute() / unit_tpm;
    auto step = std::max<std::int64_t>(1, std::llround(static_cast<double>(units) * step_first)) * unit_tpm;
    for (int round = 0; round < rounds_max && step >= unit_tpm; ++round) {
        bool better = false;
        for (std::size_t from = 0; from < best.backends.size(); ++from) {
            for (std::size_t to = 0; to < best.backends.size(); ++to) {
                if (from == to || best.backends[from].limiter.tpm <= step) continue;
                FleetModel other = best;
                set_quota(other.backends[from], best.backends[from].limiter.tpm - step);
                set_quota(other.backends[to], best.backends[to].limiter.tpm + step);
                const Scenario one = scenario("", other, workloads, options);
                if (badness(one) >= badness(reached)) continue;
                best = std::move(other);
                reached = one;
                better = true;
            }
        }
        if (!better) step = step > unit_tpm ? std::max(unit_tpm, step / 2 / unit_tpm * unit_tpm) : 0;
    }
    return best;
}

std::vector<Scenario> what_if(const FleetModel& fleet, const WorkloadMaker& make,
                              const WhatIfOptions& options) {
    const std::vector<Workload> workloads = workloads_of(fleet, make, options);
    std::vector<Scenario> all;
    all.push_back(scenario("as it is", fleet, workloads, options));
    for (std::size_t i = 0; i < fleet.backends.size(); ++i) {
        const BackendModel& backend = fleet.backends[i];
        for (const auto& [words, factor] : {std::pair("+25%", 1.25), std::pair("-25%", 0.75)}) {
            FleetModel other = fleet;
            set_quota(other.backends[i], std::llround(static_cast<double>(backend.limiter.tpm) * factor));
            all.push_back(scenario(fmt::format("{} {}", backend.name, words), other, workloads, options));
        }
        if (fleet.backends.size() == 1) continue;
        FleetModel without = fleet;
        without.backends.erase(without.backends.begin() + static_cast<std::ptrdiff_t>(i));
        all.push_back(scenario(fmt::format("without {}", backend.name), without, workloads, options));
    }
    FleetModel more = fleet;
    more.backends.push_back(provisioned(options));
    if (more.backends.size() <= 64)
        all.push_back(scenario(fmt::format("and {} PTU", options.ptu_units), more, workloads, options));
    all.push_back(
        scenario("best plan, same total", best_plan(fleet, workloads, options), workloads, options));
    return all;
}

std::string table_of(const std::vector<Scenario>& scenarios) {
    std::string text =
        fmt::format("{:<24} {:>11} {:>13} {:>9} {:>11} {:>9} {:>9}  quotas in 1,000 TPM\n", "what if",
                    "tokens/min", "goodput", "failed", "client 429s", "wait p99", "cost/1M");
    for (const Scenario& one : scenarios) {
        fmt::format_to(std::back_inserter(text),
                       "{:<24} {:>11} {:>13.0f} {:>8.2f}% {:>11.4f} {:>8.1f}s {:>9.2f} ", one.name,
                       one.fleet.tokens_per_minute(), one.goodput.mean, one.failed_share.mean * 100,
                       one.client_429_rate.mean, one.wait_p99_s.mean, one.cost.mean);
        for (const BackendModel& backend : one.fleet.backends)
            fmt::format_to(std::back_inserter(text), " {:g}",
                           static_cast<double>(backend.limiter.tpm) / 1000);
        text += '\n';
    }
    return text;
}

std::string commands_for(const FleetModel& before, const FleetModel& after) {
    std::string text;
    for (std::size_t i = 0; i < std::min(before.backends.size(), after.backends.size()); ++i) {
        const BackendModel& backend = after.backends[i];
        if (backend.limiter.tpm == before.backends[i].limiter.tpm ||
            backend.limiter.window == WindowKind::ptu)
            continue;
        fmt::format_to(
            std::back_inserter(text),
            "az cognitiveservices account deployment create --resource-group \"$RESOURCE_GROUP\" --name '{}' "
            "--deployment-name \"$DEPLOYMENT\" --model-format OpenAI --model-name \"$MODEL\" --model-version "
            "\"$MODEL_VERSION\" --sku-name \"$SKU\" --sku-capacity {}\n",
            backend.name, backend.limiter.tpm / unit_tpm);
    }
    return text;
}

} // namespace headroom::lab
