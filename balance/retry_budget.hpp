// How many requests that met a fault may still be tried elsewhere, so that retries cannot multiply an outage.
// Shared by all shards without locks: one 8-byte atomic. A token bucket as Finagle and Linkerd have them
// (linkerd.io, "Retry budgets"; Beyer et al., Site Reliability Engineering, chapter 22): each fresh request
// earns a part of a retry, and some are allowed in every second however few requests there are. Not here:
// moves on a 429, which are measurements and free.
#pragma once

#include "balance/quantities.hpp"

#include <atomic>
#include <cstdint>

namespace headroom::balance {

/// How much may be retried; both 0: nothing.
struct RetryBudgetOptions {
    unsigned percent = 20;    ///< Retries earned by a hundred fresh requests.
    unsigned per_second = 10; ///< Earned by time alone.
};

class RetryBudget {
  public:
    /// Begins full: with what ten seconds and a thousand requests earn, which is also the most it holds.
    explicit RetryBudget(const RetryBudgetOptions& options) noexcept;
    RetryBudget(const RetryBudget&) = delete;
    RetryBudget& operator=(const RetryBudget&) = delete;

    /// A request came that is no retry of its client.
    void earn() noexcept;
    /// Takes one retry; false when there is none left.
    [[nodiscard]] bool spend(Time now) noexcept;
    /// Whole retries that are left; for metrics.
    [[nodiscard]] std::uint64_t left(Time now) const noexcept;

  private:
    struct State {
        std::uint32_t hundredths = 0; ///< Of retries.
        std::uint32_t ms = 0;         ///< When time last earned; wraps around.
    };
    [[nodiscard]] State with_time(std::uint64_t word, Time now) const noexcept;

    std::uint32_t percent_;
    std::uint32_t per_second_;
    std::uint32_t most_;
    std::atomic<std::uint64_t> word_;
};

} // namespace headroom::balance
