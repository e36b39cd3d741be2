// The search is a descent by coordinates: quotas are few and simulations cheap, and the same requests and
// luck make plans comparable without noise of their own.
#include "bench/lab/what_if.hpp"

#include "bench/lab/json_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <tuple>
#include <utility>

namespace headroom::lab {
namespace {

constexpr std::int64_t unit_tpm = 1'000;
constexpr double step_first = 0.2; ///< Of the total.
constexpr int plans_max = 600;

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
    StrategyResult result{options.strategy, {}, {}, {}};
    std::size_t requests = 0;
    if (options.progress != nullptr) options.progress->begin(name);
    for (std::size_t i = 0; i < workloads.size(); ++i) {
        const Outcome outcome =
            simulate(workloads[i], fleet, *options.strategy, {options.seed + i, Duration::zero()});
        result.by_seed.push_back(figures_of(outcome, workloads[i], fleet));
        requests += workloads[i].requests.size();
    }
    if (options.progress != nullptr) options.progress->end(requests);
    Scenario one{std::move(name), fleet, {}, {}, {}, {}, {}, {}};
    one.goodput = figure(result, &Figures::goodput);
    one.failed_share = figure(result, &Figures::failed_share);
    one.client_429_rate = figure(result, &Figures::client_429_rate);
    one.wait_p99_s = figure(result, &Figures::wait_p99_s);
    one.ttft_p50_s = figure(result, &Figures::ttft_p50_s);
    one.cost = figure(result, &Figures::cost);
    return one;
}

/// So much less that it is worth a change, and not the luck of a request or two.
bool clearly_less(double one, double other) {
    constexpr double least = 0.0005;
    constexpr double share = 0.02;
    return one < other - std::max(least, share * other);
}

/// Fewer 429s, then fewer failures; a wait only when it becomes a quarter shorter, since a plan that gathers
/// the quota on fewer backends for a second's gain is no good advice.
bool better(const Scenario& one, const Scenario& other) {
    if (clearly_less(one.client_429_rate.mean, other.client_429_rate.mean)) return true;
    if (one.client_429_rate.mean > other.client_429_rate.mean) return false;
    if (clearly_less(one.failed_share.mean, other.failed_share.mean)) return true;
    if (one.failed_share.mean > other.failed_share.mean) return false;
    return one.wait_p99_s.mean < 0.75 * other.wait_p99_s.mean;
}

/// Whether Azure would let quota go from one to the other.
bool same_pool(const BackendModel& a, const BackendModel& b) {
    const auto pool = [](const BackendModel& one) {
        return std::tie(one.azure.region, one.azure.model, one.azure.sku);
    };
    return a.limiter.window != WindowKind::ptu && b.limiter.window != WindowKind::ptu && pool(a) == pool(b);
}

BackendModel elsewhere(const FleetModel& fleet, double later_ms) {
    BackendModel backend = *std::ranges::max_element(fleet.backends, {}, [](const BackendModel& one) {
        return std::tuple(one.limiter.window != WindowKind::ptu, one.limiter.tpm);
    });
    backend.name += "-elsewhere";
    backend.azure = {};
    backend.latency.first_ms += later_ms;
    backend.changes.clear();
    backend.faults = {};
    return backend;
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
        Workload workload = at_load(make(options.seed + i), fleet, options.load);
        if (options.span > Duration::zero()) workload = first_part(std::move(workload), options.span);
        workloads.push_back(std::move(workload));
    }
    return workloads;
}

} // namespace

FleetModel best_plan(const FleetModel& fleet, const std::vector<Workload>& workloads,
                     const WhatIfOptions& options) {
    FleetModel best = fleet;
    Scenario reached = scenario("the best plan", best, workloads, options);
    const auto units = fleet.tokens_per_minute() / unit_tpm;
    auto step = std::max<std::int64_t>(1, std::llround(static_cast<double>(units) * step_first)) * unit_tpm;
    int plans = 0;
    while (step >= unit_tpm && plans < plans_max) {
        bool found = false;
        for (std::size_t from = 0; from < best.backends.size(); ++from) {
            for (std::size_t to = 0; to < best.backends.size() && plans < plans_max; ++to) {
                if (from == to || best.backends[from].limiter.tpm <= step ||
                    !same_pool(best.backends[from], best.backends[to]))
                    continue;
                FleetModel other = best;
                set_quota(other.backends[from], best.backends[from].limiter.tpm - step);
                set_quota(other.backends[to], best.backends[to].limiter.tpm + step);
                if (options.progress != nullptr) options.progress->more(1);
                Scenario one = scenario(fmt::format("plan {}", ++plans), other, workloads, options);
                if (!better(one, reached)) continue;
                best = std::move(other);
                reached = std::move(one);
                found = true;
            }
        }
        if (!found) step = step > unit_tpm ? std::max(unit_tpm, step / 2 / unit_tpm * unit_tpm) : 0;
    }
    return best;
}

namespace {

using NamedFleet = std::pair<std::string, FleetModel>;

/// One backend changed, one less.
void add_single_changes(const FleetModel& fleet, const WhatIfOptions& options, std::vector<NamedFleet>& all) {
    for (std::size_t i = 0; i < fleet.backends.size(); ++i) {
        const BackendModel& backend = fleet.backends[i];
        const auto with = [&](std::string name, double tpm) {
            FleetModel other = fleet;
            set_quota(other.backends[i], std::max<std::int64_t>(1, std::llround(tpm)));
            all.emplace_back(std::move(name), std::move(other));
        };
        const auto tpm = static_cast<double>(backend.limiter.tpm);
        if (backend.limiter.window == WindowKind::ptu) {
            with(backend.name + " 1 PTU more", tpm + static_cast<double>(options.ptu_unit_tpm));
        } else {
            with(backend.name + " +25%", tpm * 1.25);
            with(backend.name + " -25%", tpm * 0.75);
        }
        if (fleet.backends.size() == 1) continue;
        FleetModel without = fleet;
        without.backends.erase(without.backends.begin() + static_cast<std::ptrdiff_t>(i));
        all.emplace_back("without " + backend.name, std::move(without));
    }
}

std::vector<NamedFleet> fleets_to_try(const FleetModel& fleet, const WhatIfOptions& options) {
    constexpr std::size_t backends_max = 64;
    std::vector<NamedFleet> all = {{"as it is", fleet}};
    for (const auto& [words, factor] : {std::pair("all +20%", 1.2), std::pair("all -20%", 0.8)}) {
        all.emplace_back(words, fleet);
        for (BackendModel& backend : all.back().second.backends)
            set_quota(backend, std::max<std::int64_t>(
                                   1, std::llround(static_cast<double>(backend.limiter.tpm) * factor)));
    }
    add_single_changes(fleet, options, all);
    if (fleet.backends.size() < backends_max) {
        all.emplace_back("and another region", fleet);
        all.back().second.backends.push_back(elsewhere(fleet, options.region_ms));
        all.emplace_back(fmt::format("and {} PTU", options.ptu_units), fleet);
        all.back().second.backends.push_back(provisioned(options));
    }
    all.insert(all.end(), options.others.begin(), options.others.end());
    return all;
}

} // namespace

std::vector<Scenario> what_if(const FleetModel& fleet, const WorkloadMaker& make,
                              const WhatIfOptions& options) {
    const std::vector<Workload> workloads = workloads_of(fleet, make, options);
    const std::vector<NamedFleet> fleets = fleets_to_try(fleet, options);
    if (options.progress != nullptr) options.progress->more(fleets.size() + 2);
    std::vector<Scenario> all;
    all.reserve(fleets.size() + 1);
    for (const auto& [name, one] : fleets)
        all.push_back(scenario(name, one, workloads, options));
    const FleetModel best = best_plan(fleet, workloads, options);
    all.push_back(scenario("best plan, same total", best, workloads, options));
    return all;
}

std::string table_of(const std::vector<Scenario>& scenarios) {
    std::string text =
        fmt::format("{:<26} {:>11} {:>12} {:>8} {:>11} {:>9} {:>9} {:>8}  quotas in 1,000 TPM\n", "what if",
                    "tokens/min", "goodput", "failed", "client 429s", "wait p99", "ttft p50", "cost/1M");
    const auto number = [](double value, int digits) {
        return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : std::string("-");
    };
    for (const Scenario& one : scenarios) {
        fmt::format_to(std::back_inserter(text), "{:<26} {:>11} {:>12} {:>7}% {:>11} {:>8}s {:>8}s {:>8} ",
                       one.name, one.fleet.tokens_per_minute(), number(one.goodput.mean, 0),
                       number(one.failed_share.mean * 100, 2), number(one.client_429_rate.mean, 4),
                       number(one.wait_p99_s.mean, 1), number(one.ttft_p50_s.mean, 2),
                       number(one.cost.mean, 2));
        for (const BackendModel& backend : one.fleet.backends)
            fmt::format_to(std::back_inserter(text), " {:g}",
                           static_cast<double>(backend.limiter.tpm) / 1000);
        text += '\n';
    }
    return text;
}

std::string json_of(const std::vector<Scenario>& scenarios, const std::vector<std::string>& commands) {
    std::string text = "{\"scenarios\":[";
    for (const Scenario& one : scenarios) {
        if (!text.ends_with('[')) text += ',';
        text += fmt::format(R"({{"name":{},"tokens_per_minute":{})", json_text(one.name),
                            one.fleet.tokens_per_minute());
        const std::array<std::pair<std::string_view, const Estimate*>, 6> figures = {
            {{"goodput", &one.goodput},
             {"failed_share", &one.failed_share},
             {"client_429_rate", &one.client_429_rate},
             {"wait_p99_s", &one.wait_p99_s},
             {"ttft_p50_s", &one.ttft_p50_s},
             {"cost", &one.cost}}};
        for (const auto& [name, estimate] : figures)
            text += fmt::format(R"(,"{}":{})", name, json_of(*estimate));
        text += R"(,"backends":[)";
        for (const BackendModel& backend : one.fleet.backends) {
            if (!text.ends_with('[')) text += ',';
            text += fmt::format(R"({{"name":{},"tpm":{}}})", json_text(backend.name), backend.limiter.tpm);
        }
        text += "]}";
    }
    text += R"(],"commands":[)";
    for (const std::string& command : commands)
        text += (text.ends_with('[') ? "" : ",") + json_text(command);
    return text + "]}\n";
}

} // namespace headroom::lab
