// Files become values here, with the file's name in every complaint.
#include "bench/lab/inputs.hpp"

#include "bench/lab/access_log.hpp"
#include "bench/lab/generators.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ranges>
#include <utility>

namespace headroom::lab {
namespace {

Workload finished(const std::vector<load::TraceRow>& rows, const Options& options, std::uint64_t seed) {
    WorkloadOptions with = options.workload;
    with.seed = seed;
    Workload workload = workload_of(rows, with);
    return options.scale > 0 ? stretched(std::move(workload), options.scale) : workload;
}

/// What was made of an access log, since some of it is guesswork.
std::string note_on(const AccessLog& log, const Options& options) {
    if (log.deployments.empty()) return {};
    std::string note = fmt::format("{}: {} requests", options.trace, log.rows.size());
    if (log.retries > 0) note += fmt::format("; {} more were retries of these", log.retries);
    if (log.guessed > 0) note += fmt::format("; {} had no answer, so the others' mean is taken", log.guessed);
    if (log.other_lines > 0) note += fmt::format("; {} lines are not Headroom's", log.other_lines);
    if (!options.deployment.empty() || log.deployments.size() < 2) return note;
    note += "; of the deployments";
    for (const auto& [name, count] : log.deployments)
        note += fmt::format(" {} ({})", name.empty() ? "without a name" : name, count);
    return note + ", of which each has quotas of its own: choose one with --deployment";
}

} // namespace

std::string file_text(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored))
        throw OptionError(fmt::format("'{}' is a folder", path));
    std::ifstream file(path, std::ios::binary);
    if (!file) throw OptionError(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

FleetModel fleet_from(const std::string& path) {
    try {
        return read_fleet(file_text(path));
    } catch (const FleetError& error) {
        const std::string line = error.line() > 0 ? fmt::format(":{}", error.line()) : std::string();
        throw OptionError(fmt::format("{}{}: {}", path, line, error.what()));
    }
}

Input input_from(const Options& options) {
    GeneratorOptions made{options.seed, options.requests, 2};
    const auto kinds = generators();
    if (std::ranges::find(kinds, options.trace, &GeneratorInfo::name) != kinds.end()) {
        return {[options, made](std::uint64_t seed) mutable {
                    made.seed = seed;
                    return finished(generate(options.trace, made), options, seed);
                },
                {}};
    }
    if (!std::filesystem::exists(options.trace))
        throw OptionError(fmt::format("--trace '{}' is neither a file nor one of {}", options.trace,
                                      fmt::join(kinds | std::views::transform(&GeneratorInfo::name), ", ")));
    try {
        const std::string text = file_text(options.trace);
        AccessLog log;
        if (is_access_log(text)) {
            log = read_access_log(text, options.deployment);
        } else if (options.deployment.empty()) {
            log.rows = load::read_trace(text).rows;
        } else {
            throw OptionError(fmt::format("--deployment: {} is no access log", options.trace));
        }
        std::string note = note_on(log, options);
        return {[options, rows = std::move(log.rows)](std::uint64_t seed) {
                    return finished(rows, options, seed);
                },
                std::move(note)};
    } catch (const load::TraceError& error) {
        throw OptionError(error.in_file(options.trace));
    }
}

} // namespace headroom::lab
