// Made-up workloads: arrivals by Poisson or in bursts, sizes by a lognormal or of two kinds of agents.
// Promises: the same seed gives the same rows.
#pragma once

#include "bench/lab/workload.hpp"

#include <string_view>
#include <vector>

namespace headroom::lab {

struct GeneratorOptions {
    std::uint64_t seed = 1;
    std::size_t requests = 3000;
    double per_second = 2;
};

/// `kind`: "poisson"; "bursts" (gamma gaps with a coefficient of variation of 4); "agents" (many small
/// requests of chats and few large ones of agents that share long beginnings); empty when there is no such
/// kind.
[[nodiscard]] std::vector<load::TraceRow> generate(std::string_view kind, const GeneratorOptions& options);

} // namespace headroom::lab
