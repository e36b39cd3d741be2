// The cost of a request from its facts. The formulas are priors; what a deployment really charges shows in
// its headers.
#include "balance/request_facts.hpp"

#include <algorithm>
#include <cstdint>

namespace headroom::balance {
namespace {

// o200k_base needs 3.3 to 4.9 bytes of UTF-8 per token in prose and code of all large scripts.
constexpr std::int64_t bytes_per_token = 4;
constexpr Tokens request_overhead{3};
// A 1024 x 1024 image on the tile models.
constexpr Tokens media_item{765};
constexpr Tokens completions_default{16};
constexpr std::int64_t choices_max = 128;

Tokens clamped(std::int64_t count) noexcept {
    return Tokens(std::clamp<std::int64_t>(count, 0, request_cost_max.count()));
}

Tokens clamped(std::uint64_t count) noexcept {
    return Tokens(
        static_cast<std::int64_t>(std::min(count, static_cast<std::uint64_t>(request_cost_max.count()))));
}

Tokens prompt_of(const RequestFacts& facts, Operation operation) noexcept {
    // A body that is no JSON object will be refused, but until then it counts.
    const std::uint64_t text = facts.object ? facts.text_bytes : facts.body_bytes;
    Tokens prompt =
        clamped(text / bytes_per_token + (text % bytes_per_token != 0 ? 1 : 0)) + request_overhead;
    prompt += clamped(std::uint64_t{facts.media_count} * static_cast<std::uint64_t>(media_item.count()));
    // Token arrays: every number is a token.
    if (operation == Operation::embeddings || operation == Operation::completions)
        prompt += clamped(facts.numbers);
    return std::min(prompt, request_cost_max);
}

std::optional<std::int64_t> cap_of(const RequestFacts& facts, Operation operation) noexcept {
    if (operation == Operation::responses) return facts.max_output_tokens;
    if (operation == Operation::completions) return facts.max_tokens.value_or(completions_default.count());
    // Servers refuse both together, or let the newer one win.
    return facts.max_completion_tokens ? facts.max_completion_tokens : facts.max_tokens;
}

} // namespace

Cost estimate(const RequestFacts& facts, Operation operation) noexcept {
    if (!charges_tokens(operation)) return {};
    Cost cost;
    cost.prompt = prompt_of(facts, operation);
    if (operation == Operation::embeddings) {
        cost.expected = cost.charge = cost.prompt;
        return cost;
    }
    const std::int64_t choices = std::clamp<std::int64_t>(facts.n.value_or(1), 1, choices_max);
    const std::int64_t tries =
        std::max(choices, std::clamp<std::int64_t>(facts.best_of.value_or(1), 1, choices_max));
    const auto cap = cap_of(facts, operation);
    const Tokens reserved = cap ? clamped(*cap) : output_expected_default;
    const Tokens likely = std::min(reserved, output_expected_default);
    cost.charge = std::min(cost.prompt + reserved * tries, request_cost_max);
    cost.expected = std::min(cost.prompt + likely * choices, request_cost_max);
    return cost;
}

} // namespace headroom::balance
