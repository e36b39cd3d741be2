// Made-up workloads: arrivals by Poisson or in bursts, sizes by a lognormal or of two kinds of agents, or
// many clients each with its own habits. Promises: the same seed gives the same rows.
#pragma once

#include "bench/lab/workload.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace headroom::lab {

struct GeneratorOptions {
    std::uint64_t seed = 1;
    std::size_t requests = 3000;
    double per_second = 2;
};

/// The names that generate() knows, each with what it makes.
struct GeneratorInfo {
    std::string_view name;
    std::string_view summary;
};
[[nodiscard]] std::span<const GeneratorInfo> generators() noexcept;

/// As many rows as asked for, from time zero on; empty when there is no such kind.
[[nodiscard]] std::vector<load::TraceRow> generate(std::string_view kind, const GeneratorOptions& options);

} // namespace headroom::lab
