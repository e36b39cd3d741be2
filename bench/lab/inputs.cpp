// Files become values here, with the file's name in every complaint.
#include "bench/lab/inputs.hpp"

#include "bench/lab/access_log.hpp"
#include "bench/lab/generators.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <utility>

namespace headroom::lab {
namespace {

Workload finished(const std::vector<load::TraceRow>& rows, const Options& options, std::uint64_t seed) {
    WorkloadOptions with = options.workload;
    with.seed = seed;
    Workload workload = workload_of(rows, with);
    return options.scale > 0 ? stretched(std::move(workload), options.scale) : workload;
}

} // namespace

std::string file_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw OptionError(fmt::format("cannot read '{}'", path));
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

FleetModel fleet_from(const std::string& path) {
    try {
        return read_fleet(file_text(path));
    } catch (const FleetError& error) {
        throw OptionError(fmt::format("{}: {}", path, error.what()));
    }
}

WorkloadMaker workload_from(const Options& options) {
    GeneratorOptions made{options.seed, options.requests, 2};
    if (!generate(options.trace, {options.seed, 1, 1}).empty()) {
        return [options, made](std::uint64_t seed) mutable {
            made.seed = seed;
            return finished(generate(options.trace, made), options, seed);
        };
    }
    try {
        const std::string text = file_text(options.trace);
        std::vector<load::TraceRow> rows =
            is_access_log(text) ? read_access_log(text) : load::read_trace(text).rows;
        return
            [options, rows = std::move(rows)](std::uint64_t seed) { return finished(rows, options, seed); };
    } catch (const load::TraceError& error) {
        throw OptionError(fmt::format("{}: {}", options.trace, error.what()));
    }
}

} // namespace headroom::lab
