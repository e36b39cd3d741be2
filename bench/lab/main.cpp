// headroom-lab: compares ways of choosing backends in simulated time.
#include "bench/lab/azure_commands.hpp"
#include "bench/lab/html_report.hpp"
#include "bench/lab/inputs.hpp"
#include "bench/lab/json_report.hpp"
#include "bench/lab/live.hpp"
#include "bench/lab/table.hpp"
#include "bench/lab/what_if.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace headroom::lab {
namespace {

std::vector<const StrategyInfo*> chosen(const Options& options) {
    std::vector<const StrategyInfo*> all;
    if (options.strategies.empty()) {
        for (const StrategyInfo& info : strategies())
            all.push_back(find_strategy(info.name));
    }
    for (const std::string& name : options.strategies) {
        const StrategyInfo* info = find_strategy(name);
        if (info == nullptr)
            throw OptionError(fmt::format("there is no strategy '{}'; see headroom-lab strategies", name));
        all.push_back(info);
    }
    return all;
}

void list_strategies(const Options& options) {
    if (options.json) throw OptionError("strategies has no --json; see headroom-lab help");
    for (const StrategyInfo& info : strategies())
        fmt::print("{:<20} {}\n", info.name, info.summary);
}

Duration span_of(const Options& options) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(options.minutes * 60'000));
}

const StrategyInfo& only_one(const Options& options) {
    if (options.strategies.empty()) return *find_strategy("mirror");
    const std::vector<const StrategyInfo*> all = chosen(options);
    if (all.size() != 1) throw OptionError("--strategies: one strategy is expected here");
    return *all.front();
}

double only_load(const Options& options) {
    return options.loads.empty() ? 0 : options.loads.front();
}

/// A bar for people; who takes JSON away gets no lines between.
Progress::Kind progress_of(const Options& options) {
    if (options.quiet) return Progress::Kind::none;
    if (isatty(STDERR_FILENO) == 1) return Progress::Kind::bar;
    return options.json ? Progress::Kind::none : Progress::Kind::lines;
}

WorkloadMaker workload_from(const Options& options) {
    Input input = input_from(options);
    if (!input.note.empty() && !options.quiet) fmt::print(stderr, "headroom-lab: {}\n", input.note);
    return std::move(input.make);
}

int run_what_if(const Options& options) {
    WhatIfOptions with;
    with.strategy = &only_one(options);
    with.seed = options.seed;
    with.seeds = options.seeds;
    with.load = only_load(options);
    with.span = span_of(options);
    with.ptu_units = options.ptu_units;
    with.ptu_unit_tpm = options.ptu_tpm;
    with.region_ms = options.region_ms;
    const FleetModel fleet = fleet_from(options.fleet);
    for (const std::string& other : options.others)
        with.others.emplace_back(std::filesystem::path(other).stem().string(), fleet_from(other));
    const WorkloadMaker make = workload_from(options);
    Progress progress(progress_of(options), 0);
    with.progress = &progress;
    const std::vector<Scenario> scenarios = what_if(fleet, make, with);
    progress.finish();
    const std::vector<std::string> commands = commands_for(fleet, scenarios.back().fleet);
    if (options.json) {
        fmt::print("{}", json_of(scenarios, commands));
        return 0;
    }
    fmt::print("{}", table_of(scenarios));
    if (commands.empty()) {
        fmt::print("\nNo plan with the same total was found to be better.\n");
        return 0;
    }
    fmt::print(
        "\nThe best plan for the same total, by these commands in this order (quota moves within a "
        "subscription, region,\n"
        "model and SKU; between others it has to be asked for; one unit of capacity is 1,000 tokens per "
        "minute):\n");
    for (const std::string& command : commands)
        fmt::print("{}\n", command);
    return 0;
}

int run_live_command(const Options& options, std::string_view program) {
    LiveOptions with;
    const std::size_t slash = program.rfind('/');
    with.programs = !options.programs.empty() ? options.programs
                    : slash == program.npos   ? std::string(".")
                                              : std::string(program.substr(0, slash));
    with.speed = options.speed;
    with.seed = options.seed;
    with.quiet = progress_of(options) == Progress::Kind::none;
    const FleetModel fleet = fleet_from(options.fleet);
    Workload workload = at_load(workload_from(options)(options.seed), fleet, only_load(options));
    if (options.minutes > 0) workload = first_part(std::move(workload), span_of(options));
    workload = as_load_sends(std::move(workload));
    if (!options.json) {
        fmt::print("{} requests in {:.0f} s at {:g} times real time\n", workload.requests.size(),
                   std::chrono::duration<double>(workload.span).count() / options.speed, options.speed);
        std::fflush(stdout);
    }
    const LiveResult result = run_live(fleet, workload, with);
    fmt::print("{}", options.json ? json_of(result) : table_of(result));
    switch (verdict_on(result)) {
        case Verdict::agrees: return 0;
        case Verdict::differs: return 1;
        case Verdict::late: break;
    }
    return 3;
}

int run_compare(const Options& options) {
    ComparisonOptions comparison;
    comparison.loads = options.loads;
    comparison.strategies = chosen(options);
    // Every result is a share of it, too.
    const StrategyInfo* reference = find_strategy("clairvoyant");
    if (options.bounds && std::ranges::find(comparison.strategies, reference) == comparison.strategies.end())
        comparison.strategies.push_back(reference);
    comparison.seed = options.seed;
    comparison.seeds = options.seeds;
    comparison.bounds = options.bounds;
    comparison.span = span_of(options);
    const FleetModel fleet = fleet_from(options.fleet);
    const WorkloadMaker make = workload_from(options);
    std::ofstream html;
    if (!options.html.empty()) {
        // Before the work, so that a wrong name is not found out after it.
        html.open(options.html, std::ios::binary);
        if (!html)
            throw OptionError(fmt::format("cannot write '{}': {}", options.html, std::strerror(errno)));
    }
    const std::size_t loads = std::max<std::size_t>(1, options.loads.size());
    const std::size_t steps = comparison.strategies.size() + (options.bounds ? 1 : 0);
    Progress progress(progress_of(options), loads * options.seeds * steps);
    comparison.progress = &progress;
    const std::vector<LoadResult> results = compare(fleet, make, comparison);
    progress.finish();
    const ReportTitle title{options.fleet, options.trace, options.seed, options.seeds};
    if (html.is_open()) {
        html << html_of(json_of(title, fleet, results));
        if (!html.flush()) throw OptionError(fmt::format("cannot write '{}'", options.html));
    }
    if (options.json) {
        fmt::print("{}", json_of(title, fleet, results));
        return 0;
    }
    for (const LoadResult& result : results)
        fmt::print("{}\n", table_of(result, options.full));
    return 0;
}

int run(std::string_view program, const std::vector<std::string>& arguments) {
    const Options options = options_from(arguments);
    if (options.help || options.command == "help") {
        fmt::print("{}", help_text());
        return 0;
    }
    if (options.command == "compare") return run_compare(options);
    if (options.command == "what-if") return run_what_if(options);
    if (options.command == "live") return run_live_command(options, program);
    list_strategies(options);
    return 0;
}

} // namespace
} // namespace headroom::lab

int main(int count, char** arguments) {
    try {
        return headroom::lab::run(arguments[0], {arguments + 1, arguments + count});
    } catch (const std::exception& error) {
        fmt::print(stderr, "headroom-lab: {}\n", error.what());
        return 2;
    }
}
