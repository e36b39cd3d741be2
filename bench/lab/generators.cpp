// Sizes are lognormal: medians and spreads of the kind that public traces show, made up all the same.
#include "bench/lab/generators.hpp"

#include "bench/lab/random.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
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

constexpr std::array<GeneratorInfo, 4> kinds = {{
    {"poisson", "chats of eight tenants, independent of each other"},
    {"bursts", "the same in bursts: gamma gaps, coefficient of variation 4"},
    {"agents", "80 % chats, 20 % large prompts of twenty agents that begin alike"},
    {"clients",
     "forty clients, few of them busy, each with its own bursts, sizes, prompt and swings (after ServeGen)"},
}};

/// One of many clients, as ServeGen describes them (Xiang et al. 2025, arXiv 2505.09999): few send most, each
/// has its own burstiness and its own sizes, and their rates swing apart, so that the whole is no renewal
/// process.
class Client {
  public:
    Client(std::uint64_t seed, std::size_t number, double per_second)
        : random_(random_for({seed, client_draw, number})), number_(number), per_second_(per_second) {
        const double variation = std::clamp(1.2 * std::exp(0.7 * random_.normal()), 0.5, 6.0);
        shape_ = 1 / (variation * variation);
        prompt_ = 800 * std::exp(0.9 * random_.normal());
        prompt_spread_ = 0.2 + 0.6 * random_.unit();
        output_ = 180 * std::exp(0.7 * random_.normal());
        says_cap_ = random_.unit() < 0.5;
        if (random_.unit() < 0.5) prefix_ = 1'000 + std::llround(3'000 * random_.unit());
        swing_s_ = 600 + 3000 * random_.unit();
        phase_ = random_.unit();
        advance();
    }
    [[nodiscard]] double next_s() const noexcept { return at_s_; }

    /// The request that comes at next_s(), which moves on.
    load::TraceRow take() {
        load::TraceRow row;
        row.time = std::chrono::nanoseconds(std::llround(at_s_ * 1e9));
        row.prompt_tokens = prefix_ + lognormal(random_, prompt_, prompt_spread_, 32'000);
        // ServeGen finds outputs to be exponential.
        row.completion_tokens = std::llround(std::clamp(output_ * random_.exponential(), 1.0, 8'000.0));
        if (says_cap_)
            row.max_tokens =
                static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(output_ * 4)));
        row.tenant = "client" + std::to_string(number_);
        if (prefix_ > 0) row.prefix = row.tenant;
        advance();
        return row;
    }

  private:
    static constexpr std::uint64_t client_draw = 7;

    void advance() {
        const double swing = 1 + 0.8 * std::sin(2 * std::numbers::pi * (at_s_ / swing_s_ + phase_));
        at_s_ += random_.gamma(shape_) / shape_ / (per_second_ * swing);
    }

    Random random_;
    std::size_t number_;
    double per_second_;
    double shape_ = 1;
    double prompt_ = 0;
    double prompt_spread_ = 0;
    double output_ = 0;
    double swing_s_ = 0;
    double phase_ = 0;
    double at_s_ = 0;
    bool says_cap_ = false;
    std::int64_t prefix_ = 0; ///< Tokens with which all its prompts begin.
};

std::vector<load::TraceRow> rows_of_clients(const GeneratorOptions& options) {
    constexpr std::size_t count = 40;
    constexpr double skew = 1.2; // of Zipf's law: the first sends a third of all
    double sum = 0;
    for (std::size_t i = 1; i <= count; ++i)
        sum += std::pow(static_cast<double>(i), -skew);
    std::vector<Client> clients;
    for (std::size_t i = 1; i <= count; ++i)
        clients.emplace_back(options.seed, i,
                             options.per_second * std::pow(static_cast<double>(i), -skew) / sum);
    std::vector<load::TraceRow> rows;
    rows.reserve(options.requests);
    while (rows.size() < options.requests)
        rows.push_back(std::ranges::min_element(clients, {}, &Client::next_s)->take());
    const std::chrono::nanoseconds begin = rows.front().time;
    for (load::TraceRow& row : rows)
        row.time -= begin;
    return rows;
}

} // namespace

std::span<const GeneratorInfo> generators() noexcept {
    return kinds;
}

std::vector<load::TraceRow> generate(std::string_view kind, const GeneratorOptions& options) {
    const bool bursts = kind == "bursts";
    const bool agents = kind == "agents";
    if (std::ranges::find(kinds, kind, &GeneratorInfo::name) == kinds.end() || options.requests == 0)
        return {};
    if (kind == "clients") return rows_of_clients(options);
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
