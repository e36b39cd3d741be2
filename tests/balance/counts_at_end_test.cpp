// Quotas that count what was used when a request has ended: nothing is taken before, and what is under way is
// bounded all the same.
#include "tests/balance/lease_fixture.hpp"

#include <gtest/gtest.h>

namespace headroom::balance {
namespace {

constexpr std::int64_t quota = 60'000;

class CountsAtEndTest : public LeaseTest {
  protected:
    /// Twenty requests, one a second, of which the backend counts a part when they have ended.
    void SetUp() override {
        std::int64_t counted = 0;
        for (int i = 0; i < 20; ++i, now_ += 1s) {
            Lease held = lease(2'000, now_, "chat", 500);
            held.observe(limits(quota, quota - counted), now_ + 100ms);
            held.success(now_ + 100ms);
            held.settle(used(600 + i * 10), now_ + 500ms);
            counted += 600 + i * 10;
        }
        ASSERT_EQ(view(now_).model.rule, ChargeRule::usage);
        now_ += 2min;
        ASSERT_EQ(view(now_).tokens_used, Tokens(0));
    }

    static Usage used(std::int64_t tokens) {
        return {Tokens(500), Tokens(tokens - 500), Tokens(tokens), Tokens(0), Tokens(0)};
    }

    Lease taken(std::int64_t cost, Time now) {
        const Want want{fleet_.key("chat"), Tokens(cost), Tokens(500)};
        return fleet_.take(0, want, Taking::if_fits, fleet_.moment(now));
    }

    Time now_ = start;
};

TEST_F(CountsAtEndTest, AChargeIsMadeWhenTheRequestEnds) {
    Lease held = taken(5'000, now_);
    ASSERT_TRUE(held);
    EXPECT_EQ(view(now_).tokens_used, Tokens(1)) << "enough to be let in";
    EXPECT_EQ(view(now_).tokens_reserved, Tokens(5'000));
    held.settle(used(3'000), now_ + 30s);
    EXPECT_EQ(view(now_ + 30s).tokens_used, Tokens(3'000));
    EXPECT_EQ(view(now_ + 61s).tokens_used, Tokens(3'000)) << "a minute from its end, not from its beginning";
    EXPECT_EQ(view(now_ + 91s).tokens_used, Tokens(0));
    expect_balanced(view(now_ + 91s));
}

TEST_F(CountsAtEndTest, WhatCostNothingCountsNothing) {
    Lease refused = taken(5'000, now_);
    refused.cancel_unsent(now_);
    EXPECT_EQ(view(now_).tokens_used, Tokens(0));
    {
        const Lease dropped = taken(5'000, now_);
    }
    EXPECT_EQ(view(now_).tokens_used, Tokens(5'000)) << "unsettled it is taken for used";
    expect_balanced(view(now_));
}

TEST_F(CountsAtEndTest, MoreThanAMinutesQuotaIsNeverUnderWay) {
    const Lease large = taken(50'000, now_);
    EXPECT_TRUE(outlook(10'000, now_).fits);
    EXPECT_FALSE(outlook(10'001, now_).fits);
    EXPECT_GT(outlook(10'000, now_).used, 0.99) << "what is under way goes into the choice";
}

TEST_F(CountsAtEndTest, NearTheLimitOneAtATime) {
    taken(5'000, now_).settle(used(58'000), now_);
    EXPECT_TRUE(outlook(5'000, now_).fits);
    Lease first = taken(5'000, now_);
    EXPECT_FALSE(outlook(5'000, now_).fits);
    EXPECT_GT(fleet_.opening(0, {fleet_.key("chat"), Tokens(5'000), Tokens(500)}, fleet_.moment(now_)), 1ms);
    first.success(now_ + 1s);
    EXPECT_TRUE(outlook(5'000, now_ + 1s).fits);
}

TEST_F(CountsAtEndTest, ARefusalForRequestsSaysNothingOfTheRule) {
    for (int i = 0; i < 40; ++i, now_ += 20s) {
        Lease held = taken(58'000, now_);
        ASSERT_TRUE(held);
        Refusal read = refusal(1s, Refusal::Kind::requests);
        read.limits = limits(quota, 50'000);
        held.refused(read, now_);
    }
    EXPECT_EQ(view(now_).model.rule, ChargeRule::usage);
}

TEST_F(CountsAtEndTest, IsClosedWhileItIsFull) {
    taken(5'000, now_).settle(used(70'000), now_);
    EXPECT_FALSE(outlook(1, now_ + 59s).fits);
    EXPECT_TRUE(outlook(5'000, now_ + 61s).fits);
}

} // namespace
} // namespace headroom::balance
