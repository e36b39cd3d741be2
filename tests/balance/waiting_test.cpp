// What a request that waits may count on: a predicted opening, and a claim that nobody can take away.
#include "balance/balancer.hpp"
#include "tests/balance/demand_fixture.hpp"

#include <gtest/gtest.h>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;
using Kind = Choice::Kind;

Choice choose(Fleet& fleet, const Demand& want, Time now) {
    return Balancer().choose(fleet, want, now);
}

void use(Fleet& fleet, std::uint32_t index, std::int64_t cost, Time now) {
    Lease lease = fleet.take(index, {{}, Tokens(cost), Tokens(0)}, Taking::anyway, fleet.moment(now));
    lease.success(now);
    lease.settle({}, now);
}

TEST(Waiting, IsForThePredictedOpeningWhileTheRequestHasPatience) {
    Fleet fleet({backend(), backend()});
    use(fleet, 0, 50'000, start);
    use(fleet, 1, 50'000, start + 10s);
    Demand want = demand(20'000);
    want.patience = 55s;
    const Choice choice = choose(fleet, want, start + 10s);
    ASSERT_EQ(choice.kind, Kind::wait);
    EXPECT_EQ(choice.backend, 0U) << "its charge leaves the window first";
    EXPECT_GE(choice.retry_after, 50s);
    EXPECT_LE(choice.retry_after, 53s);
    EXPECT_EQ(choose(fleet, want, start + 10s + choice.retry_after).kind, Kind::send);
    want.patience = 40s;
    EXPECT_NE(choose(fleet, want, start + 10s).kind, Kind::wait) << "too late for it";
}

TEST(Waiting, AClaimKeepsLaterRequestsOutUnlessTheyDoNotDelayIt) {
    Fleet fleet({backend()});
    use(fleet, 0, 20'000, start);
    use(fleet, 0, 30'000, start + 30s);
    Demand first = demand(28'000); // fits when the 20,000 have left
    first.patience = 60s;
    first.owner = 1;
    first.claims = true;
    const Choice waits = choose(fleet, first, start + 30s);
    ASSERT_EQ(waits.kind, Kind::wait);
    Demand small = demand(5'000); // fits now, but with it the first would not fit then
    small.patience = 90s;
    EXPECT_EQ(choose(fleet, small, start + 31s).kind, Kind::wait);
    Demand tiny = demand(1'500); // fits now and then
    tiny.patience = 60s;
    Choice goes = choose(fleet, tiny, start + 31s);
    EXPECT_EQ(goes.kind, Kind::send);
    goes.lease.settle({}, start + 31s);
    const Time opens = start + 30s + waits.retry_after;
    EXPECT_EQ(choose(fleet, small, opens).kind, Kind::wait) << "it is the first one's turn";
    EXPECT_EQ(choose(fleet, first, opens).kind, Kind::send);
}

TEST(Waiting, AClaimThatIsNotTakenUpEnds) {
    Fleet fleet({backend()});
    use(fleet, 0, 50'000, start);
    Demand first = demand(28'000);
    first.patience = 120s;
    first.owner = 3;
    first.claims = true;
    const Choice waits = choose(fleet, first, start + 1s);
    ASSERT_EQ(waits.kind, Kind::wait);
    Demand other = demand(55'000);
    other.patience = 120s;
    const Time opens = start + 1s + waits.retry_after;
    EXPECT_EQ(choose(fleet, other, opens).kind, Kind::wait);
    EXPECT_EQ(choose(fleet, other, opens + 3s).kind, Kind::send);
}

TEST(Waiting, OneOwnersClaimIsNotAnothers) {
    Claim claim;
    EXPECT_TRUE(claim.set(1, Tokens(100), 5'000, 1'000));
    EXPECT_FALSE(claim.set(2, Tokens(50), 4'000, 1'000));
    EXPECT_TRUE(claim.set(1, Tokens(200), 6'000, 1'000));
    EXPECT_EQ(claim.view(1'000).tokens, Tokens(200));
    claim.drop(2);
    EXPECT_EQ(claim.view(1'000).owner, 1U);
    claim.drop(1);
    EXPECT_EQ(claim.view(1'000).owner, 0U);
    EXPECT_TRUE(claim.set(2, Tokens(50), 4'000, 1'000));
}

} // namespace
} // namespace headroom::balance
