// From parts and facts to a cost.
#include "balance/prompt/request_cost.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::balance {
namespace {

// What servers accept, so that nothing overflows.
constexpr std::int64_t answers_max = 128;
constexpr std::int64_t tries_max = std::int64_t{1} << 16;
constexpr Tokens completions_default{16};
constexpr Tokens assumed_cap{16};
constexpr Tokens assumed_context{128'000};

std::optional<Tokens> cap_of(const RequestFacts& facts, Operation operation) noexcept {
    const auto bounded = [](const std::optional<std::int64_t>& cap) {
        return cap ? std::optional(std::min(Tokens(*cap), request_cost_max)) : std::nullopt;
    };
    if (operation == Operation::responses) return bounded(facts.max_output_tokens);
    if (operation == Operation::completions) return bounded(facts.max_tokens).value_or(completions_default);
    // Servers refuse both together, or let the newer one win.
    return bounded(facts.max_completion_tokens ? facts.max_completion_tokens : facts.max_tokens);
}

Tokens rounded(double tokens) noexcept {
    return Tokens(std::llround(std::clamp(tokens, 0.0, static_cast<double>(request_cost_max.count()))));
}

void expect_output(RequestCost& cost, const PromptParts& parts, const OutputForecast& forecast) noexcept {
    const OutputGuess guess = forecast.guess(cost.kind);
    const double limit = static_cast<double>(cost.cap.value_or(request_cost_max).count());
    const double predicted = static_cast<double>(parts.prediction_tokens);
    const auto all = [&](double one) {
        // Of a predicted output, what is not taken over is billed all the same.
        return rounded(std::min(std::max(one, predicted), limit) * cost.tries);
    };
    cost.output = all(guess.mean);
    cost.output_high = all(guess.high);
}

std::uint64_t distance(Tokens a, Tokens b) noexcept {
    return static_cast<std::uint64_t>(std::abs(a.count() - b.count()));
}

std::uint64_t plain(Tokens tokens) noexcept {
    return static_cast<std::uint64_t>(std::clamp(tokens, Tokens(0), request_cost_max).count());
}

} // namespace

Cost RequestCost::cost() const noexcept {
    const Tokens reserved = kind.operation == Operation::embeddings ? Tokens(0) : cap ? *cap * tries : output;
    return {.expected = std::min(prompt + output, request_cost_max),
            .charge = std::min(prompt + reserved, request_cost_max),
            .prompt = prompt};
}

ChargeBasis RequestCost::basis() const noexcept {
    const auto bounded = [](Tokens tokens) { return std::min(tokens, request_cost_max); };
    const bool embeds = kind.operation == Operation::embeddings;
    const std::uint64_t most = static_cast<std::uint64_t>(request_cost_max.count());
    ChargeBasis basis;
    basis.characters = Tokens(static_cast<std::int64_t>(std::min((characters + 3) / 4, most)));
    basis.prompt = bounded(prompt);
    basis.expected = bounded(prompt + output);
    if (embeds) {
        basis.capped = basis.characters;
        basis.reserved = basis.prompt;
        return basis;
    }
    basis.cap = basis.capped = bounded(cap.value_or(assumed_cap) * tries);
    basis.reserved = bounded(cap ? basis.prompt + basis.cap : assumed_context);
    return basis;
}

RequestCost request_cost(const RequestFacts& facts, Operation operation, const PromptParts& found,
                         std::uint64_t deployment, const Overheads& overheads,
                         const OutputForecast& forecast) noexcept {
    RequestCost cost;
    cost.kind.operation = operation;
    cost.kind.deployment = deployment;
    if (!charges_tokens(operation)) return cost;
    // Of a body with a defect, simdjson reads as much as comes before it, or more.
    static const PromptParts none;
    const PromptParts& parts = facts.valid ? found : none;
    if (parts.read) {
        const PartTotal sum = parts.sum();
        cost.shape = shape_of(parts, deployment, facts.previous_response_hash);
        cost.prompt = overheads.expected(cost.shape);
        cost.characters = sum.characters;
        // Media have bytes too, but no characters: only texts are meant.
        for (const PromptPart part : {PromptPart::names, PromptPart::text, PromptPart::tools,
                                      PromptPart::tool_calls, PromptPart::schema, PromptPart::other})
            cost.bytes += parts.of(part).bytes;
        cost.counted = static_cast<std::uint64_t>(cost.shape.counted);
        cost.images = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(parts.of(PromptPart::images).items, UINT32_MAX));
        cost.exact = parts.exact;
        cost.read = true;
    } else {
        cost.prompt = estimate(facts, operation).prompt;
        cost.counted = plain(cost.prompt);
        cost.bytes = cost.characters = facts.object ? facts.text_bytes : facts.body_bytes;
        cost.images = facts.media_count;
    }
    if (operation == Operation::embeddings) return cost;
    const std::int64_t choices = std::clamp<std::int64_t>(facts.n.value_or(1), 1, answers_max);
    const std::int64_t best = std::clamp<std::int64_t>(facts.best_of.value_or(1), 1, answers_max);
    cost.answers = static_cast<std::uint32_t>(std::min(choices * parts.prompts, tries_max));
    cost.tries = static_cast<std::uint32_t>(std::min(std::max(choices, best) * parts.prompts, tries_max));
    cost.cap = cap_of(facts, operation);
    cost.kind.capped = cost.cap.has_value();
    cost.kind.effort = parts.effort;
    cost.kind.prompt = cost.prompt;
    expect_output(cost, parts, forecast);
    return cost;
}

void learn(const RequestCost& cost, const Usage& usage, Overheads& overheads,
           OutputForecast& forecast) noexcept {
    if (!charges_tokens(cost.kind.operation)) return;
    if (cost.read) overheads.observe(cost.shape, usage.prompt);
    if (cost.kind.operation == Operation::embeddings) return;
    // One answer of several is what later requests can be compared with.
    forecast.observe(cost.kind, Tokens(usage.completion.count() / cost.tries));
}

void EstimateErrors::add(const RequestCost& cost, const Usage& usage) noexcept {
    ++requests;
    prompt_tokens += plain(usage.prompt);
    prompt_error += distance(cost.prompt, Tokens(static_cast<std::int64_t>(plain(usage.prompt))));
    output_tokens += plain(usage.completion);
    output_error += distance(cost.output, Tokens(static_cast<std::int64_t>(plain(usage.completion))));
}

} // namespace headroom::balance
