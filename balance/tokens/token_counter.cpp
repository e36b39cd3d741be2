// A batch of pieces at a time, so that they are counted while they are still near the CPU.
#include "balance/tokens/token_counter.hpp"

#include "balance/tokens/token_regression.hpp"

#include <algorithm>
#include <limits>

namespace headroom::balance {
namespace {

/// So many tokens must have been counted before they say how far off the regression is.
constexpr double tokens_to_learn_from = 64;
/// A text whose start is so different from what the regression expects says little about the rest of it.
constexpr double correction_max = 16;

} // namespace

TokenCounter::TokenCounter(const Vocabulary& vocabulary, Encoding encoding, const Options& options)
    : encoding_(encoding),
      isa_(options.isa),
      splitter_(encoding, options.isa),
      counter_(vocabulary.tables(encoding), options.isa, options.caches) {}

TextCount TokenCounter::count(std::string_view text, WorkBudget& budget) noexcept {
    if (text.size() > std::numeric_limits<std::uint32_t>::max()) return with_estimate(text, 0, 0);
    std::uint64_t tokens = 0;
    std::size_t at = 0;
    while (const std::size_t found = splitter_.split(text, at, pieces_)) {
        const TextCount counted = counter_.count(text, {pieces_.data(), found}, budget);
        tokens += counted.tokens;
        if (!counted.exact) return with_estimate(text, at, tokens);
    }
    return {tokens, true};
}

double TokenCounter::regressed(std::string_view text) const noexcept {
    return regressed_tokens(TextFeatures::of(text, isa_), encoding_);
}

/// Adds what the regression says of the part of text[0, seen) that was not counted and of everything behind
/// it, corrected by how it does on what was counted.
TextCount TokenCounter::with_estimate(std::string_view text, std::size_t seen,
                                      std::uint64_t counted) const noexcept {
    const double left_out = seen == 0 ? 0 : regressed_tokens(counter_.uncounted(), encoding_);
    const double expected = regressed(text.substr(0, seen)) - left_out;
    double correction = 1;
    if (expected > 0 && static_cast<double>(counted) >= tokens_to_learn_from)
        correction = std::clamp(static_cast<double>(counted) / expected, 1 / correction_max, correction_max);
    const double rest = correction * (left_out + regressed(text.substr(seen)));
    // A token has a byte at least.
    const double most = static_cast<double>(text.size()) - static_cast<double>(counted);
    return {counted + static_cast<std::uint64_t>(std::clamp(rest, 0.0, std::max(most, 0.0))), false};
}

} // namespace headroom::balance
