// Counting texts one by one, each with a work budget of its own, as a TextCounting.
// Not here: the budget of a whole request (budgeted_counter.hpp).
#pragma once

#include "balance/prompt/text_counting.hpp"
#include "balance/tokens/token_counter.hpp"
#include "balance/tokens/work_budget.hpp"

#include <string_view>

namespace headroom::balance {

class PlainCounter final : public TextCounting {
  public:
    /// Borrows `counter`; every text may cost `budget`.
    explicit PlainCounter(TokenCounter& counter, WorkBudget budget = {}) noexcept
        : counter_(counter), budget_(budget) {}

    CountedText count(std::string_view text) noexcept override {
        WorkBudget left = budget_;
        const TextCount counted = counter_.count(text, left);
        return {counted.tokens, counted.exact};
    }

  private:
    TokenCounter& counter_;
    WorkBudget budget_;
};

} // namespace headroom::balance
