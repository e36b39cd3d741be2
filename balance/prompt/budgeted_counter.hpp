// Exact counting within one request's work budget, as a TextCounting.
#pragma once

#include "balance/prompt/text_counting.hpp"
#include "balance/tokens/token_counter.hpp"
#include "balance/tokens/work_budget.hpp"

#include <string_view>

namespace headroom::balance {

/// Counts a request's texts; make one per request, so that each has a budget of its own.
class BudgetedCounter final : public TextCounting {
  public:
    /// Borrows the shard's counter.
    explicit BudgetedCounter(TokenCounter& counter, WorkBudget budget = {}) noexcept
        : counter_(counter), budget_(budget) {}

    CountedText count(std::string_view text) noexcept override {
        const TextCount counted = counter_.count(text, budget_);
        return {counted.tokens, counted.exact};
    }

    /// What is left.
    [[nodiscard]] const WorkBudget& budget() const noexcept { return budget_; }

  private:
    TokenCounter& counter_;
    WorkBudget budget_;
};

} // namespace headroom::balance
