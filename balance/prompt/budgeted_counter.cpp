// Long texts are sampled inside; of many short ones whole texts are the samples.
#include "balance/prompt/budgeted_counter.hpp"

#include "balance/tokens/text_features.hpp"
#include "balance/tokens/token_regression.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::balance {

CountedText BudgetedCounter::count(std::string_view text) noexcept {
    if (text.size() >= TokenSampler::text_bytes_min) {
        const TextCount found = sampler_.count(text, random_, counter_, budget_);
        return {found.tokens, found.exact};
    }
    if (exact_bytes_ + text.size() > exact_bytes_max) return sampled(text);
    exact_bytes_ += text.size();
    const TextCount found = counter_.count(text, budget_);
    return {found.tokens, found.exact};
}

/// The first text, and then a random one of so many.
bool BudgetedCounter::is_sample() noexcept {
    // Knuth's MMIX generator; its upper bits are the better ones.
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;
    return regressed_ == 0 || (random_ >> 32) % texts_per_sample == 0;
}

CountedText BudgetedCounter::sampled(std::string_view text) noexcept {
    const double regressed = regressed_tokens(TextFeatures::of(text), encoding_);
    if (is_sample()) {
        const TextCount found = counter_.count(text, budget_);
        if (found.exact) {
            counted_ += static_cast<double>(found.tokens);
            regressed_ += regressed;
            return {found.tokens, true};
        }
    }
    const double factor = regressed_ > 0 ? counted_ / regressed_ : 1;
    return {static_cast<std::uint64_t>(std::llround(std::max(regressed * factor, 1.0))), false};
}

} // namespace headroom::balance
