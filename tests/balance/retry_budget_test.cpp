// The retry budget: what earns, what it holds, and that shards together never spend more than there is.
#include "balance/retry_budget.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

constexpr Time start{1h};

unsigned spend_all(RetryBudget& budget, Time now) {
    unsigned spent = 0;
    while (budget.spend(now))
        ++spent;
    return spent;
}

TEST(RetryBudget, BeginsWithTenSecondsAndAThousandRequests) {
    RetryBudget budget({20, 10});
    EXPECT_EQ(budget.left(start), 300U);
    EXPECT_EQ(spend_all(budget, start), 300U);
    EXPECT_EQ(budget.left(start), 0U);
}

TEST(RetryBudget, AHundredRequestsEarnTheirPercent) {
    RetryBudget budget({20, 0});
    spend_all(budget, start);
    for (int i = 0; i < 100; ++i)
        budget.earn();
    EXPECT_EQ(spend_all(budget, start), 20U);
}

TEST(RetryBudget, EachSecondEarnsItsFloor) {
    RetryBudget budget({0, 10});
    spend_all(budget, start);
    EXPECT_EQ(spend_all(budget, start + 99ms), 0U);
    EXPECT_EQ(spend_all(budget, start + 100ms), 1U);
    EXPECT_EQ(spend_all(budget, start + 1100ms), 10U);
}

TEST(RetryBudget, LookingOftenLosesNoTime) {
    RetryBudget budget({0, 1});
    spend_all(budget, start);
    unsigned spent = 0;
    for (int ms = 1; ms <= 10'000; ++ms)
        spent += budget.spend(start + ms * 1ms) ? 1 : 0;
    EXPECT_GE(spent, 9U);
    EXPECT_LE(spent, 10U);
}

TEST(RetryBudget, NeverHoldsMoreThanItBeganWith) {
    RetryBudget budget({20, 10});
    for (int i = 0; i < 10'000; ++i)
        budget.earn();
    EXPECT_EQ(spend_all(budget, start + 24h), 300U);
    EXPECT_EQ(spend_all(budget, start + 24h * 60), 300U) << "the millisecond count has wrapped around";
}

TEST(RetryBudget, NothingConfiguredAllowsNothing) {
    RetryBudget budget({0, 0});
    budget.earn();
    EXPECT_FALSE(budget.spend(start + 1h));
}

TEST(RetryBudget, AnEarlierClockEarnsNothing) {
    RetryBudget budget({0, 10});
    spend_all(budget, start);
    EXPECT_EQ(spend_all(budget, start - 50ms), 0U);
    EXPECT_EQ(spend_all(budget, start + 100ms), 1U);
}

TEST(RetryBudgetThreads, TogetherTheySpendWhatWasEarned) {
    constexpr unsigned threads = 4;
    constexpr unsigned rounds = 20'000;
    RetryBudget budget({50, 0});
    std::atomic<unsigned> spent{0};
    std::vector<std::thread> all;
    all.reserve(threads);
    for (unsigned t = 0; t < threads; ++t) {
        all.emplace_back([&] {
            for (unsigned i = 0; i < rounds; ++i) {
                budget.earn();
                if (budget.spend(start)) spent.fetch_add(1, std::memory_order_relaxed);
            }
        });
    }
    for (std::thread& one : all)
        one.join();
    spent += spend_all(budget, start);
    EXPECT_GE(spent, threads * rounds / 2) << "half a retry each";
    EXPECT_LE(spent, 500 + threads * rounds / 2);
}

} // namespace
} // namespace headroom::balance
