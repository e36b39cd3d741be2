// The limit in force: who may set it, how a refusal lowers it and admissions raise it, what the margin is
// steered to.
#include "balance/quota_limit.hpp"

#include <gtest/gtest.h>

namespace headroom::balance {
namespace {

using Source = QuotaLimit::Source;

Moment at_tick(std::uint32_t tick) {
    Moment now;
    now.tick = tick;
    now.ms = std::int64_t{tick} * 1000;
    return now;
}

TEST(QuotaLimit, IsWhatIsConfigured) {
    QuotaLimit limit;
    EXPECT_EQ(limit.source(), Source::unknown);
    limit.configure(30'000);
    EXPECT_EQ(limit.effective(), 30'000);
    EXPECT_EQ(limit.ceiling(), 30'000);
    EXPECT_EQ(limit.source(), Source::configured);
}

TEST(QuotaLimit, AHeaderLowersItAndNeverRaisesItAboveTheConfiguredOne) {
    QuotaLimit limit;
    limit.configure(30'000);
    limit.learn_header(24'000, at_tick(5));
    EXPECT_EQ(limit.effective(), 24'000);
    EXPECT_EQ(limit.source(), Source::header);
    EXPECT_EQ(limit.since_ms(), 5'000);
    limit.learn_header(90'000, at_tick(6));
    EXPECT_EQ(limit.effective(), 30'000);
    EXPECT_EQ(limit.source(), Source::configured);
}

TEST(QuotaLimit, ARefusalLowersItToWhatItProves) {
    QuotaLimit limit;
    limit.configure(30'000);
    limit.learn_refusal(18'000, at_tick(5));
    EXPECT_EQ(limit.effective(), 18'000);
    EXPECT_EQ(limit.source(), Source::refusals);
}

TEST(QuotaLimit, ARefusalNearItsLimitIsItsConfirmation) {
    QuotaLimit limit;
    limit.configure(30'000);
    limit.learn_refusal(29'500, at_tick(5));
    EXPECT_EQ(limit.effective(), 30'000);
    EXPECT_EQ(limit.source(), Source::configured);
}

TEST(QuotaLimit, NoRefusalTakesAllOfIt) {
    QuotaLimit limit;
    limit.configure(30'000);
    limit.learn_refusal(0, at_tick(5));
    EXPECT_EQ(limit.effective(), 600);
}

TEST(QuotaLimit, RisesAgainSlowlyUpToWhatIsKnown) {
    QuotaLimit limit;
    limit.configure(30'000);
    std::uint32_t tick = 5;
    limit.learn_refusal(18'000, at_tick(tick));
    limit.admitted(1'000, at_tick(tick + 10));
    EXPECT_EQ(limit.effective(), 18'000) << "within a window nothing is tried";
    limit.admitted(1'000, at_tick(tick + ticks_per_window));
    EXPECT_EQ(limit.effective(), 18'360) << "a fiftieth at a time";
    int windows = 0;
    while (limit.source() == Source::refusals && windows < 100) {
        tick += ticks_per_window;
        limit.admitted(1'000, at_tick(tick + ticks_per_window));
        ++windows;
    }
    EXPECT_EQ(limit.effective(), 30'000);
    EXPECT_EQ(limit.source(), Source::configured);
}

TEST(QuotaLimit, WhatIsAdmittedIsProof) {
    QuotaLimit limit;
    limit.configure(30'000);
    limit.learn_refusal(18'000, at_tick(5));
    limit.admitted(21'000, at_tick(6));
    EXPECT_EQ(limit.effective(), 21'000);
}

TEST(QuotaLimit, OneThatIsFoundAgainIsTriedLessOften) {
    QuotaLimit limit;
    limit.configure(30'000);
    limit.learn_refusal(18'000, at_tick(5));
    limit.learn_refusal(17'900, at_tick(6));
    limit.admitted(1'000, at_tick(6 + ticks_per_window));
    EXPECT_EQ(limit.effective(), 18'000);
    limit.admitted(1'000, at_tick(6 + 2 * ticks_per_window));
    EXPECT_EQ(limit.effective(), 18'360);
}

TEST(QuotaLimit, RestoringForgetsWhatRefusalsSeemedToProve) {
    QuotaLimit limit;
    limit.configure(30'000);
    limit.learn_header(24'000, at_tick(1));
    limit.learn_refusal(9'000, at_tick(5));
    limit.widen();
    limit.restore(at_tick(6));
    EXPECT_EQ(limit.effective(), 24'000);
    EXPECT_EQ(limit.source(), Source::header);
    EXPECT_EQ(limit.margin(), 0);
}

TEST(QuotaLimit, TheMarginIsBounded) {
    QuotaLimit limit;
    limit.configure(30'000);
    for (int i = 0; i < 1000; ++i)
        limit.widen();
    EXPECT_DOUBLE_EQ(limit.margin(), 0.2);
    EXPECT_EQ(limit.ceiling(), 24'000);
    for (int i = 0; i < 100'000; ++i)
        limit.narrow(1);
    EXPECT_EQ(limit.margin(), 0);
}

/// The margin's drift while one of `every` requests is refused.
double drift(unsigned per_1000, unsigned every) {
    QuotaLimit limit;
    limit.configure(30'000);
    limit.hold_refusals_at(per_1000);
    for (int i = 0; i < 25; ++i)
        limit.widen(); // half of the most
    const double before = limit.margin();
    for (unsigned i = 1; i <= 5'000; ++i) {
        if (i % every == 0) {
            limit.widen();
        } else {
            limit.narrow(1);
        }
    }
    return limit.margin() - before;
}

TEST(QuotaLimit, TheMarginStandsStillAtTheShareThatIsWanted) {
    for (const unsigned per_1000 : {1U, 5U, 20U, 100U}) {
        const unsigned every = 1000 / per_1000;
        EXPECT_NEAR(drift(per_1000, every + 1), 0, 0.0045) << per_1000;
        EXPECT_GT(drift(per_1000, every / 2), 0.015) << per_1000;
        EXPECT_LT(drift(per_1000, every * 4), -0.01) << per_1000;
    }
}

} // namespace
} // namespace headroom::balance
