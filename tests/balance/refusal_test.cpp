// What a 429 does to a deployment: whom it keeps out, and for how long.
#include "tests/balance/lease_fixture.hpp"

#include <vector>

namespace headroom::balance {
namespace {

class RefusedLeaseTest : public LeaseTest {};

TEST_F(RefusedLeaseTest, ARefusalBlocksUntilTheStatedTime) {
    lease(1000).refused(refusal(1500ms), start);
    const Outlook look = outlook(1, start);
    EXPECT_EQ(look.state, Outlook::State::blocked);
    EXPECT_EQ(look.recovery, Duration(1500ms));
    EXPECT_EQ(outlook(1, start + 1499ms).state, Outlook::State::blocked);
    EXPECT_EQ(outlook(1, start + 1500ms).state, Outlook::State::open);
}

TEST_F(RefusedLeaseTest, ALargeRequestsRefusalLeavesSmallOnesAlone) {
    lease(40'000).refused(refusal(30s), start);
    EXPECT_EQ(outlook(40'000, start).state, Outlook::State::blocked);
    EXPECT_EQ(outlook(500, start).state, Outlook::State::open);
    lease(500).refused(refusal(2s), start);
    EXPECT_EQ(outlook(1, start).state, Outlook::State::blocked) << "a small one's refusal concerns everybody";
}

TEST_F(RefusedLeaseTest, WhatRemainsSaysWhoIsBlocked) {
    Refusal read = refusal(30s);
    read.limits = limits(60'000, 700);
    lease(5000).refused(read, start);
    EXPECT_EQ(outlook(701, start).state, Outlook::State::blocked);
    EXPECT_EQ(outlook(700, start).state, Outlook::State::open);
}

TEST_F(RefusedLeaseTest, WhatIsCountedToFitAgainIsNotHeldUpByALargerOnesWait) {
    Refusal read = refusal(50s);
    read.limits = limits(60'000, 700);
    lease(5000).settle({}, start);
    lease(54'300, start + 20s).settle({}, start + 20s);
    lease(40'000, start + 30s).refused(read, start + 30s);
    EXPECT_EQ(outlook(4000, start + 40s).state, Outlook::State::blocked);
    // the first one's charge has left the window, so that 5,700 are free
    EXPECT_EQ(outlook(4000, start + 61s).state, Outlook::State::open);
    EXPECT_EQ(outlook(40'000, start + 61s).state, Outlook::State::blocked);
}

TEST_F(RefusedLeaseTest, AWaitThatTheAccountContradictsIsKept) {
    Refusal read = refusal(50s);
    read.limits = limits(60'000, 700);
    lease(59'300).settle({}, start);
    // by our account there is room at 60 s, by the backend only at 80
    lease(5000, start + 30s).refused(read, start + 30s);
    EXPECT_EQ(outlook(4000, start + 61s).state, Outlook::State::blocked);
    EXPECT_EQ(outlook(700, start + 61s).state, Outlook::State::open);
    EXPECT_EQ(outlook(4000, start + 80s).state, Outlook::State::open);
}

TEST_F(RefusedLeaseTest, RequestRefusalsConcernEverySize) {
    lease(40'000).refused(refusal(3s, Refusal::Kind::requests), start);
    EXPECT_EQ(outlook(1, start).state, Outlook::State::blocked);
}

TEST_F(RefusedLeaseTest, ARefusedRequestsHeadersDoNotCountIt) {
    const Lease other = lease(2000);
    Lease held = lease(1000);
    Refusal read = refusal(5s);
    read.limits = limits(60'000, 58'000);
    held.observe(read.limits, start);
    held.refused(read, start);
    EXPECT_EQ(view().tokens_used, Tokens(2000));
}

TEST_F(RefusedLeaseTest, StreamsThatDieAfterTheirHeadOpenTheBreaker) {
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(outlook(10, start).state, Outlook::State::open);
        Lease held = lease(10);
        held.success(start);
        held.fault(Fault::reset, start);
    }
    EXPECT_EQ(outlook(10, start).state, Outlook::State::broken);
}

TEST_F(RefusedLeaseTest, UnexplainedRefusalsInARowWaitLongerUpToABound) {
    Time now = start;
    Duration last{};
    for (int i = 0; i < 10; ++i) {
        Refusal read;
        read.kind = Refusal::Kind::unknown;
        read.retry_after = refusal_wait_default;
        lease(10, now).refused(read, now);
        const Duration wait = outlook(10, now).recovery;
        EXPECT_GE(wait, last);
        EXPECT_LE(wait, Duration(10s));
        last = wait;
        now += wait;
    }
    EXPECT_EQ(last, Duration(10s));
    lease(10, now).success(now);
}

TEST_F(RefusedLeaseTest, ABurstOfRefusalsIsOne) {
    std::vector<Lease> burst(50);
    for (Lease& held : burst)
        held = lease(10);
    for (Lease& held : burst) {
        Refusal read;
        read.retry_after = refusal_wait_default;
        held.refused(read, start + 100ms);
    }
    EXPECT_EQ(outlook(10, start + 100ms).recovery, Duration(1s));
}

TEST_F(RefusedLeaseTest, ADaysQuotaIsAskedAboutLessAndLessOften) {
    Time now = start;
    Duration wait{};
    for (int i = 0; i < 8; ++i) {
        Refusal read = refusal(refusal_wait_max);
        read.overlong = true;
        lease(10, now).refused(read, now);
        wait = outlook(10, now).recovery;
        if (i == 0) EXPECT_EQ(wait, Duration(60s));
        now += wait;
    }
    EXPECT_EQ(wait, Duration(10min));
}

TEST_F(RefusedLeaseTest, TwoWaitsTellABucketFromAMinute) {
    // 10,000 of 60,000 a minute are saved up: 9,000 are in, 3,000 more are refused for 2 s, twice.
    const Lease in = lease(9'000);
    lease(3'000).refused(refusal(2500ms), start);
    EXPECT_EQ(view().tokens_saved, Tokens(0));
    const Time later = start + 3s;
    const Lease more = lease(3'000, later);
    lease(3'000, later).refused(refusal(2500ms), later);
    const SlotView slot = view(later);
    EXPECT_EQ(slot.forgetting, Forgetting::bucket);
    EXPECT_EQ(slot.tokens_limit, Tokens(60'000)) << "the limit is what it was";
    EXPECT_EQ(slot.tokens_saved, Tokens(9'500));
    // 2,500 are missing for 3,000, so 500 fit now and all of it 2.5 s later.
    EXPECT_FALSE(outlook(501, later).fits);
    EXPECT_TRUE(outlook(499, later).fits);
    EXPECT_TRUE(outlook(2'990, later + 2500ms).fits);
}

TEST_F(RefusedLeaseTest, WhatIsLargerThanABucketMayGoWhenItIsEmpty) {
    const Lease in = lease(9'000);
    lease(3'000).refused(refusal(2500ms), start);
    const Lease more = lease(3'000, start + 3s);
    lease(3'000, start + 3s).refused(refusal(2500ms), start + 3s);
    EXPECT_FALSE(outlook(12'000, start + 6s).fits);
    EXPECT_TRUE(outlook(12'000, start + 30s).fits);
}

} // namespace
} // namespace headroom::balance
