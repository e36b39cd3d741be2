// headroom-lab: compares ways of choosing backends in simulated time.
#include "bench/lab/html_report.hpp"
#include "bench/lab/inputs.hpp"
#include "bench/lab/json_report.hpp"
#include "bench/lab/table.hpp"

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

void run_compare(const Options& options) {
    ComparisonOptions comparison;
    comparison.loads = options.loads;
    comparison.strategies = chosen(options);
    comparison.seed = options.seed;
    comparison.seeds = options.seeds;
    comparison.bounds = options.bounds;
    comparison.span = std::chrono::milliseconds(static_cast<std::int64_t>(options.minutes * 60'000));
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

int run(const std::vector<std::string>& arguments) {
    const Options options = options_from(arguments);
    if (options.command == "compare") {
        run_compare(options);
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
        return headroom::lab::run({arguments + 1, arguments + count});
    } catch (const std::exception& error) {
        fmt::print(stderr, "headroom-lab: {}\n", error.what());
        return 2;
    }
}
