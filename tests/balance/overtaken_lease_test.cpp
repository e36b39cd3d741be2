// A lease that lost a race: what stays charged, what is learned of its backend, and when it counts against
// it.
#include "tests/balance/lease_fixture.hpp"

namespace headroom::balance {
namespace {

/// One backend with a known deployment of which it is known what is late.
class OvertakenLeaseTest : public ::testing::TestWithParam<Charging> {
  protected:
    OvertakenLeaseTest() : fleet_({spec(60'000, GetParam())}, FleetOptions{.late_quantile = 0.99}) {
        for (int i = 0; i < 32; ++i) {
            Lease held = lease(start - 10min);
            held.success(start - 10min);
            held.first_content(300ms);
            held.settle({}, start - 10min);
        }
    }

    Lease lease(Time now = start) {
        return fleet_.take(0, {fleet_.key("chat"), Tokens(1000), Tokens(400)}, Taking::anyway,
                           fleet_.moment(now));
    }
    SlotView view(Time now = start) {
        for (SlotView& slot : fleet_.snapshot(now)) {
            if (slot.deployment == "chat") return slot;
        }
        ADD_FAILURE() << "no slot";
        return {};
    }

    Fleet fleet_;
};

TEST_P(OvertakenLeaseTest, StaysChargedAsOneWhoseClientLeft) {
    const bool by_usage = GetParam() == Charging::on_usage;
    EXPECT_EQ(lease().overtaken(Tokens(0), 100ms, start), Tokens(by_usage ? 400 : 1000));
    EXPECT_EQ(lease().overtaken(Tokens(50), 100ms, start), Tokens(by_usage ? 450 : 1000));
    EXPECT_EQ(lease().overtaken(Tokens(50), 400ms, start), Tokens(by_usage ? 450 : 1000)) << "late, too";
    const SlotView slot = view();
    EXPECT_EQ(slot.tokens_used, Tokens(by_usage ? 1300 : 3000));
    EXPECT_EQ(slot.tokens_reserved, Tokens(0));
    EXPECT_EQ(slot.in_flight, 0);
    EXPECT_EQ(slot.requests_used, 3);
    Lease ended = lease();
    ended.cancel_unsent(start);
    EXPECT_EQ(ended.overtaken(Tokens(50), 1s, start), Tokens(0)) << "only once";
    EXPECT_EQ(view().tokens_used, slot.tokens_used);
}

TEST_P(OvertakenLeaseTest, ThreeLateOnesWithoutAWordOpenTheBreaker) {
    for (int i = 0; i < 2; ++i)
        lease().overtaken(Tokens(0), 5s, start);
    EXPECT_EQ(view().breaker, Breaker::State::closed);
    lease().overtaken(Tokens(0), 5s, start);
    EXPECT_EQ(view().breaker, Breaker::State::open);
    EXPECT_EQ(view().faults_total, 3U);
    EXPECT_EQ(view().connection, Breaker::State::closed);
}

TEST_P(OvertakenLeaseTest, NoneOfThemCountsWhenItWasInTimeOrHadBegunToAnswer) {
    for (int i = 0; i < 10; ++i) {
        lease().overtaken(Tokens(0), 200ms, start);
        Lease answered = lease();
        answered.observe({}, start);
        answered.overtaken(Tokens(0), 5s, start);
    }
    EXPECT_EQ(view().breaker, Breaker::State::closed);
    EXPECT_EQ(view().faults_total, 0U);
}

TEST_P(OvertakenLeaseTest, AnAnswerInBetweenEndsTheSeries) {
    for (int i = 0; i < 10; ++i) {
        lease().overtaken(Tokens(0), 5s, start);
        if (i % 2 != 0) lease().success(start);
    }
    EXPECT_EQ(view().breaker, Breaker::State::closed);
}

TEST_P(OvertakenLeaseTest, TeachesThatAnswersMayTakeLonger) {
    const std::optional<Duration> before = lease().late_after();
    ASSERT_TRUE(before);
    lease().overtaken(Tokens(0), *before - 1ms, start);
    EXPECT_EQ(lease().late_after(), before);
    lease().overtaken(Tokens(0), *before + 1ms, start);
    EXPECT_GT(lease().late_after(), before);
}

TEST_P(OvertakenLeaseTest, NothingIsLearnedWhereNobodyAsks) {
    Fleet fleet({spec(60'000, GetParam())});
    for (int i = 0; i < 100; ++i) {
        Lease held =
            fleet.take(0, {fleet.key("chat"), Tokens(10), Tokens(5)}, Taking::anyway, fleet.moment(start));
        held.success(start);
        held.first_content(1s);
        EXPECT_FALSE(held.late_after());
    }
    for (int i = 0; i < 10; ++i)
        fleet.take(0, {fleet.key("chat"), Tokens(10), Tokens(5)}, Taking::anyway, fleet.moment(start))
            .overtaken(Tokens(0), 1h, start);
    for (const SlotView& slot : fleet.snapshot(start))
        EXPECT_EQ(slot.breaker, Breaker::State::closed);
}

INSTANTIATE_TEST_SUITE_P(Charging, OvertakenLeaseTest,
                         ::testing::Values(Charging::on_arrival, Charging::on_usage), [](const auto& tested) {
                             return std::string(tested.param == Charging::on_usage ? "OnUsage" : "OnArrival");
                         });

} // namespace
} // namespace headroom::balance
