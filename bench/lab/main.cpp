// headroom-lab: compares ways of choosing backends in simulated time.
#include "bench/lab/html_report.hpp"
#include "bench/lab/inputs.hpp"
#include "bench/lab/json_report.hpp"
#include "bench/lab/live.hpp"
#include "bench/lab/table.hpp"
#include "bench/lab/what_if.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
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

void list_strategies() {
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
    if (options.loads.size() > 1) throw OptionError("--load: one load is expected here");
    return options.loads.empty() ? 0 : options.loads.front();
}

void run_what_if(const Options& options) {
    WhatIfOptions with;
    with.strategy = &only_one(options);
    with.seed = options.seed;
    with.seeds = options.seeds;
    with.load = only_load(options);
    with.span = span_of(options);
    with.ptu_units = options.ptu_units;
    with.ptu_unit_tpm = options.ptu_tpm;
    const FleetModel fleet = fleet_from(options.fleet);
    const std::vector<Scenario> scenarios = what_if(fleet, workload_from(options), with);
    fmt::print("{}", table_of(scenarios));
    const std::string commands = commands_for(fleet, scenarios.back().fleet);
    if (!commands.empty())
        fmt::print(
            "\nThe best plan, where quota may be moved between these (subscription, region, model):\n{}",
            commands);
}

void run_live_command(const Options& options, std::string_view program) {
    LiveOptions with;
    const std::size_t slash = program.rfind('/');
    with.programs = !options.programs.empty() ? options.programs
                    : slash == program.npos   ? std::string(".")
                                              : std::string(program.substr(0, slash));
    with.speed = options.speed;
    with.seed = options.seed;
    const FleetModel fleet = fleet_from(options.fleet);
    Workload workload = workload_from(options)(options.seed);
    if (const double load = only_load(options); load > 0) {
        const double factor = offered_load(workload, fleet) / load;
        workload = stretched(std::move(workload), factor);
    }
    if (options.minutes > 0) workload = first_part(std::move(workload), span_of(options));
    // Prompts of mock_azure and load count as many characters as a tokenizer counts tokens.
    for (Request& request : workload.requests)
        request.characters = request.prompt;
    fmt::print("{} requests in {:.0f} s at {} times real time\n", workload.requests.size(),
               std::chrono::duration<double>(workload.span).count() / options.speed, options.speed);
    std::fflush(stdout);
    fmt::print("{}", table_of(run_live(fleet, workload, with)));
}

void run_compare(const Options& options) {
    ComparisonOptions comparison;
    comparison.loads = options.loads;
    comparison.strategies = chosen(options);
    comparison.seed = options.seed;
    comparison.seeds = options.seeds;
    comparison.bounds = options.bounds;
    comparison.span = span_of(options);
    const FleetModel fleet = fleet_from(options.fleet);
    const std::vector<LoadResult> results = compare(fleet, workload_from(options), comparison);
    const ReportTitle title{options.fleet, options.trace, options.seed, options.seeds};
    if (options.json) fmt::print("{}", json_of(title, fleet, results));
    if (!options.html.empty()) {
        std::ofstream file(options.html, std::ios::binary);
        file << html_of(json_of(title, fleet, results));
        if (!file.flush()) throw OptionError(fmt::format("cannot write '{}'", options.html));
    }
    for (const LoadResult& result : results) {
        if (!options.json) fmt::print("{}\n", table_of(result));
    }
}

int run(std::string_view program, const std::vector<std::string>& arguments) {
    const Options options = options_from(arguments);
    if (options.command == "compare") {
        run_compare(options);
    } else if (options.command == "what-if") {
        run_what_if(options);
    } else if (options.command == "live") {
        run_live_command(options, program);
    } else if (options.command == "strategies") {
        list_strategies();
    } else if (options.command == "help" || options.command == "--help" || options.command == "-h") {
        fmt::print("{}", help_text());
    } else {
        throw OptionError(fmt::format("there is no command '{}'; see headroom-lab help", options.command));
    }
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
