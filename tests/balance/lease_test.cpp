// A lease's account: what each ending gives back or keeps, what a response teaches, and that nothing is ever
// lost.
#include "tests/balance/lease_fixture.hpp"
#include "tests/balance/random.hpp"

#include <vector>

namespace headroom::balance {
namespace {

class UsageChargedLeaseTest : public LeaseTest {
  protected:
    UsageChargedLeaseTest() : LeaseTest(Charging::on_usage) {}
};

constexpr Usage small_usage{Tokens(100), Tokens(50), Tokens(150), Tokens(0), Tokens(0)};

TEST_F(LeaseTest, ReservesWhatItCosts) {
    const Lease held = lease(1000);
    EXPECT_TRUE(held);
    const SlotView slot = view();
    EXPECT_EQ(slot.tokens_reserved, Tokens(1000));
    EXPECT_EQ(slot.tokens_used, Tokens(1000));
    EXPECT_EQ(slot.requests_used, 1);
    EXPECT_EQ(slot.in_flight, 1);
    expect_balanced(slot);
}

TEST_F(LeaseTest, ALimiterThatChargesAtArrivalKeepsTheEstimate) {
    lease(1000).settle(small_usage, start);
    const SlotView slot = view();
    EXPECT_EQ(slot.tokens_used, Tokens(1000));
    EXPECT_EQ(slot.tokens_reserved, Tokens(0));
    EXPECT_EQ(slot.used_total, 1000);
    EXPECT_EQ(slot.billed_total, 150);
    expect_balanced(slot);
}

TEST_F(LeaseTest, UsageAboveTheEstimateIsCharged) {
    lease(100).settle(small_usage, start);
    EXPECT_EQ(view().tokens_used, Tokens(150));
}

TEST_F(UsageChargedLeaseTest, ALimiterThatChargesUsageIsCorrected) {
    lease(1000).settle(small_usage, start);
    EXPECT_EQ(view().tokens_used, Tokens(150));
    lease(1000).settle({}, start);
    EXPECT_EQ(view().tokens_used, Tokens(150));
    expect_balanced(view());
}

TEST_F(UsageChargedLeaseTest, AnAbandonedRequestIsChargedByItsOutput) {
    lease(1000, start, "chat", 400).abandon(Tokens(200), start);
    EXPECT_EQ(view().tokens_used, Tokens(600));
    lease(1000, start, "chat", 400).abandon(tokens_of_bytes(std::uint64_t{1} << 60), start);
    EXPECT_EQ(view().tokens_used, Tokens(1600)) << "never more than was reserved";
    lease(1000, start, "chat", 400).abandon(Tokens(-5), start);
    EXPECT_EQ(view().tokens_used, Tokens(2000)) << "never less than the prompt";
    expect_balanced(view());
}

TEST_F(UsageChargedLeaseTest, AResponseThatBreaksOffIsChargedByItsOutputWhenThatIsKnown) {
    lease(1000, start, "chat", 400).fault(Fault::reset, start, Tokens(50));
    EXPECT_EQ(view().tokens_used, Tokens(450));
    lease(1000, start, "chat", 400).fault(Fault::reset, start);
    EXPECT_EQ(view().tokens_used, Tokens(1450));
    expect_balanced(view());
}

TEST_F(LeaseTest, WhatWasNeverSentIsGivenBack) {
    lease(1000).cancel_unsent(start);
    const SlotView slot = view();
    EXPECT_EQ(slot.tokens_used, Tokens(0));
    EXPECT_EQ(slot.requests_used, 0);
    EXPECT_EQ(slot.used_total, 0);
    expect_balanced(slot);
}

TEST_F(LeaseTest, FaultsKeepWhatTheBackendCounted) {
    for (const Fault fault : {Fault::connect, Fault::tls, Fault::auth, Fault::deployment_missing}) {
        lease(1000).fault(fault, start);
        EXPECT_EQ(view().tokens_used, Tokens(0)) << name_of(fault);
        EXPECT_EQ(view().requests_used, 0) << name_of(fault);
    }
    lease(1000).fault(Fault::server_error, start);
    lease(1000).fault(Fault::timeout, start);
    EXPECT_EQ(view().tokens_used, Tokens(2000));
    EXPECT_EQ(view().requests_used, 2);
    EXPECT_EQ(view().faults_total, 6U);
    expect_balanced(view());
}

TEST_F(LeaseTest, ARefusalCostsTheRequestButNoTokens) {
    lease(1000).refused(refusal(5s), start);
    EXPECT_EQ(view().tokens_used, Tokens(0));
    EXPECT_EQ(view().requests_used, 1);
    EXPECT_EQ(view().refusals_total, 1U);
    expect_balanced(view());
}

TEST_F(LeaseTest, ALeaseThatDiesIsSettledInFull) {
    {
        const Lease dies = lease(700);
    }
    EXPECT_EQ(view().tokens_used, Tokens(700));
    EXPECT_EQ(view().in_flight, 0);
    Lease replaced = lease(100);
    replaced = lease(200);
    EXPECT_EQ(view().in_flight, 1);
    EXPECT_EQ(view().tokens_reserved, Tokens(200));
    replaced.cancel_unsent(start);
    expect_balanced(view());
}

TEST_F(LeaseTest, EndsOnce) {
    Lease once = lease(1000);
    once.settle(small_usage, start);
    EXPECT_FALSE(once);
    once.settle(small_usage, start);
    once.fault(Fault::connect, start);
    once.refused(refusal(5s), start);
    once.cancel_unsent(start);
    once.observe(limits(1, 0), start);
    EXPECT_EQ(view().tokens_used, Tokens(1000));
    EXPECT_EQ(view().faults_total, 0U);
    Lease moved_from = lease(10);
    const Lease moved_to = std::move(moved_from);
    EXPECT_FALSE(moved_from); // NOLINT(bugprone-use-after-move): what is left behind is the point
    EXPECT_EQ(view().in_flight, 1);
}

TEST_F(LeaseTest, ChargesLeaveAfterAMinute) {
    lease(1000).settle(small_usage, start);
    EXPECT_EQ(view(start + 59s).tokens_used, Tokens(1000));
    EXPECT_EQ(view(start + 60s).tokens_used, Tokens(1000)) << "it may have arrived a moment later";
    EXPECT_EQ(view(start + 61s).tokens_used, Tokens(0));
    EXPECT_EQ(view(start + 9s).requests_used, 0) << "the snapshot a minute later has retired it";
}

TEST_F(LeaseTest, DeploymentsHaveQuotasOfTheirOwn) {
    lease(1000, start, "chat").refused(refusal(30s), start);
    EXPECT_EQ(outlook(10, start, "chat").state, Outlook::State::blocked);
    EXPECT_EQ(outlook(10, start, "embedding").state, Outlook::State::open);
}

TEST_F(LeaseTest, LearnsALowerLimit) {
    Lease held = lease(1000);
    held.success(start);
    held.observe(limits(20'000, 19'000), start);
    EXPECT_EQ(view().tokens_limit, Tokens(20'000));
    EXPECT_EQ(view().tokens_correction, Tokens(0));
    EXPECT_FALSE(outlook(19'001, start).fits);
    EXPECT_TRUE(outlook(19'000, start).fits);
}

TEST_F(LeaseTest, SeesWhatOthersUsed) {
    Lease held = lease(1000);
    held.observe(limits(60'000, 20'000), start);
    EXPECT_EQ(view().tokens_used, Tokens(40'000));
    EXPECT_FALSE(outlook(20'001, start).fits);
    EXPECT_EQ(view(start + 59s).tokens_correction, Tokens(39'000)) << "no charge leaves before its minute";
    EXPECT_EQ(view(start + 60s).tokens_correction, Tokens(0)) << "then all have left";
}

TEST_F(LeaseTest, SeesThatTheBackendCountedLess) {
    lease(30'000).settle({}, start);
    Lease held = lease(1000);
    held.observe(limits(60'000, 50'000), start);
    EXPECT_EQ(view().tokens_used, Tokens(10'000));
}

TEST_F(LeaseTest, RequestsInFlightExplainDifferences) {
    const Lease before = lease(5000);
    Lease held = lease(1000);
    const Lease after = lease(7000);
    // Counted or not: anything from this request alone to all three agrees with what is known.
    for (const std::int64_t counted : {1000, 6000, 8000, 13'000}) {
        held.observe(limits(60'000, 60'000 - counted), start);
        EXPECT_EQ(view().tokens_correction, Tokens(0)) << counted;
    }
    held.observe(limits(60'000, 60'000 - 14'000), start);
    EXPECT_EQ(view().tokens_correction, Tokens(1000));
}

TEST_F(LeaseTest, IgnoresHeadersThatMakeNoSense) {
    Lease held = lease(1000);
    RateLimits only_remaining;
    only_remaining.remaining_tokens = 1'000'000;
    held.observe(only_remaining, start);
    EXPECT_EQ(view().tokens_limit, Tokens(60'000));
    EXPECT_GE(view().tokens_used, Tokens(0));
    held.observe({}, start);
    expect_balanced(view());
}

TEST_F(LeaseTest, AnyOrderOfEventsKeepsTheAccountBalanced) {
    for (const std::uint64_t seed : property_seeds()) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        Fleet fleet({spec(60'000, random.chance(50) ? Charging::on_arrival : Charging::on_usage)},
                    {seed, 1s});
        std::vector<Lease> open;
        Time now = start;
        static constexpr std::string_view names[] = {"chat", "embedding", "new", ""};
        static constexpr Taking takings[] = {Taking::if_fits, Taking::anyway, Taking::last_resort,
                                             Taking::probe};
        static constexpr Fault faults[] = {Fault::server_error,      Fault::connect, Fault::tls,
                                           Fault::timeout,           Fault::reset,   Fault::auth,
                                           Fault::deployment_missing};
        for (int step = 0; step < 300; ++step) {
            now += std::chrono::milliseconds(random.below(random.chance(2) ? 90'000 : 400));
            if (open.empty() || random.chance(50)) {
                const Want want{fleet.key(random.pick(names)),
                                Tokens(static_cast<std::int64_t>(random.below(9000))), Tokens(100)};
                if (Lease held = fleet.take(0, want, random.pick(takings), fleet.moment(now)))
                    open.push_back(std::move(held));
                continue;
            }
            const std::size_t index = random.below(open.size());
            Lease held = std::move(open[index]);
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(index));
            if (random.chance(50)) held.success(now);
            if (random.chance(50))
                held.observe(limits(60'000, static_cast<std::int64_t>(random.below(70'000))), now);
            switch (random.below(7)) {
                case 0:
                    held.settle(
                        {Tokens(10), Tokens(5), Tokens(static_cast<std::int64_t>(random.below(20'000))),
                         Tokens(0), Tokens(0)},
                        now);
                    break;
                case 1:
                    held.refused(refusal(std::chrono::milliseconds(20 + random.below(60'000))), now);
                    break;
                case 2: held.fault(random.pick(faults), now); break;
                case 3: held.abandon(tokens_of_bytes(random.below(100'000)), now); break;
                case 4: held.cancel_unsent(now); break;
                case 5: open.push_back(std::move(held)); break;
                default: break;
            }
        }
        open.clear();
        for (const SlotView& slot : fleet.snapshot(now)) {
            EXPECT_EQ(slot.tokens_reserved, Tokens(0)) << slot.deployment;
            EXPECT_EQ(slot.in_flight, 0) << slot.deployment;
            EXPECT_EQ(slot.charged_total, slot.used_total) << slot.deployment;
        }
        for (const SlotView& slot : fleet.snapshot(now + 10min)) {
            EXPECT_EQ(slot.tokens_used, Tokens(0)) << "a drained fleet balances to zero: " << slot.deployment;
            EXPECT_EQ(slot.requests_used, 0) << slot.deployment;
        }
    }
}

} // namespace
} // namespace headroom::balance
