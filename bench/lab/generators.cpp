// Sizes are lognormal: medians and spreads of the kind that public traces show, made up all the same.
#include "bench/lab/generators.hpp"

#include "bench/lab/random.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace headroom::lab {
namespace {

constexpr std::uint64_t generator_draw = 6;
constexpr double burst_variation = 4; ///< Of gaps: standard deviation by mean.

std::int64_t lognormal(Random& random, double median, double deviation, double most) {
    const double value = median * std::exp(deviation * random.normal());
    return std::llround(std::clamp(value, 1.0, most));
}

void fill_chat(Random& random, load::TraceRow& row) {
    row.prompt_tokens = lognormal(random, 500, 1.0, 8'000);
    row.completion_tokens = lognormal(random, 150, 0.8, 2'000);
    row.tenant = "tenant" + std::to_string(random.below(8));
}

void fill_agent(Random& random, load::TraceRow& row) {
    // Every turn of an agent begins as all its turns do.
    const std::uint64_t agent = random.below(20);
    row.prompt_tokens = 4'000 + lognormal(random, 2'500, 0.7, 12'000);
    row.completion_tokens = lognormal(random, 300, 0.9, 4'000);
    row.tenant = "agents" + std::to_string(agent % 3);
    row.prefix = "agent" + std::to_string(agent);
}

} // namespace

std::vector<load::TraceRow> generate(std::string_view kind, const GeneratorOptions& options) {
    const bool bursts = kind == "bursts";
    const bool agents = kind == "agents";
    if (!bursts && !agents && kind != "poisson") return {};
    Random random = random_for({options.seed, generator_draw});
    const double shape = bursts ? 1 / (burst_variation * burst_variation) : 1;
    std::vector<load::TraceRow> rows;
    double at = 0;
    for (std::size_t i = 0; i < options.requests; ++i) {
        load::TraceRow row;
        row.time = std::chrono::nanoseconds(std::llround(at * 1e9));
        if (agents && random.unit() < 0.2) {
            fill_agent(random, row);
        } else {
            fill_chat(random, row);
        }
        rows.push_back(std::move(row));
        at += (bursts ? random.gamma(shape) / shape : random.exponential()) / options.per_second;
    }
    return rows;
}

} // namespace headroom::lab
