// Counting within what one request may cost: exactly at first, then by samples.
// One per request, on the stack. Promises: the first 64 KB of texts that no memo knows are exact unless their
// work exceeds the budget; beyond that a text costs a fraction of its count, and is off by one or two
// percent. A conversation that is that long becomes exact turn by turn, since exact counts are remembered.
#pragma once

#include "balance/prompt/text_counting.hpp"
#include "balance/tokens/encoding.hpp"
#include "balance/tokens/token_counter.hpp"
#include "balance/tokens/token_sampler.hpp"
#include "balance/tokens/work_budget.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Counts a request's texts in one encoding.
class BudgetedCounter final : public TextCounting {
  public:
    static constexpr std::size_t exact_bytes_max = std::size_t{64} << 10;
    /// Of the texts beyond that, one in so many is counted, to correct what is estimated of the others.
    static constexpr std::uint64_t texts_per_sample = 8;

    /// Borrows the shard's counter, which is of this encoding. `random` decides what is sampled; where nobody
    /// can tell, no text can be written to mislead.
    BudgetedCounter(TokenCounter& counter, Encoding encoding, std::uint64_t random,
                    WorkBudget budget = {}) noexcept
        : counter_(counter), sampler_(encoding), encoding_(encoding), random_(random), budget_(budget) {}

    CountedText count(std::string_view text) noexcept override;

    /// What is left.
    [[nodiscard]] const WorkBudget& budget() const noexcept { return budget_; }

  private:
    [[nodiscard]] CountedText sampled(std::string_view text) noexcept;
    [[nodiscard]] bool is_sample() noexcept;

    TokenCounter& counter_;
    TokenSampler sampler_;
    Encoding encoding_;
    std::uint64_t random_;
    WorkBudget budget_;
    std::size_t exact_bytes_ = 0;
    // Of the samples: what they have, and what their features say.
    double counted_ = 0;
    double regressed_ = 0;
};

} // namespace headroom::balance
