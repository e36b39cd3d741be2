// What quotas will let through by when: hand cases of each way of forgetting, and that it agrees with
// openings.
#include "balance/supply.hpp"

#include "balance/balancer.hpp"
#include "tests/balance/demand_fixture.hpp"
#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

void use(Fleet& fleet, std::uint32_t index, std::int64_t cost, Time now) {
    Lease lease = fleet.take(index, {{}, Tokens(cost), Tokens(0)}, Taking::anyway, fleet.moment(now));
    lease.success(now);
    lease.settle({}, now);
}

double until(Fleet& fleet, Duration later, Time now) {
    return Balancer().supply(fleet, demand(100), now).until(later);
}

/// One slot of 60,000 tokens per minute that forgets in a way of its own, with 50,000 of them used.
Supply of_used(Forgetting forgetting, std::uint32_t phase = 0) {
    Slot slot;
    const Moment now;
    slot.set_quota(60'000, 0, true);
    slot.tokens.forget_by(forgetting, phase, now);
    TokenCharge charge;
    slot.tokens.take(50'000, 60'000, now, charge);
    Supply supply;
    supply.add(slot, Tokens(100), Tokens(100), now);
    return supply;
}

TEST(Supply, IsWhatLeavesASlidingMinute) {
    Fleet fleet({backend(), backend()});
    use(fleet, 0, 40'000, start);
    use(fleet, 1, 20'000, start + 30s);
    const Time now = start + 40s;
    EXPECT_DOUBLE_EQ(until(fleet, 0s, now), 60'000);
    EXPECT_DOUBLE_EQ(until(fleet, 16s, now), 60'000);
    EXPECT_DOUBLE_EQ(until(fleet, 24s, now), 100'000) << "the first has left after a minute";
    EXPECT_DOUBLE_EQ(until(fleet, 56s, now), 120'000);
    EXPECT_DOUBLE_EQ(until(fleet, 120s, now), 240'000) << "another minute, another quota";
}

TEST(Supply, IsRenewedAtOnceByAFixedMinute) {
    const Supply supply = of_used(Forgetting::fixed, 21); // which ends in twenty ticks
    EXPECT_DOUBLE_EQ(supply.until(16s), 10'000);
    EXPECT_DOUBLE_EQ(supply.until(24s), 70'000) << "what is left of this one, and the next";
    EXPECT_DOUBLE_EQ(supply.until(60s), 70'000);
}

TEST(Supply, DripsIntoABucket) {
    const Supply supply = of_used(Forgetting::bucket);
    EXPECT_NEAR(supply.until(0s), 10'000, 1);
    EXPECT_NEAR(supply.until(7s), 17'000, 1) << "between two points, too";
    EXPECT_NEAR(supply.until(90s), 100'000, 1);
}

TEST(Supply, IsUnlimitedWhereNoLimitIsKnown) {
    Fleet fleet({backend(), backend(0)});
    const Supply supply = Balancer().supply(fleet, demand(100), start);
    EXPECT_TRUE(supply.unlimited());
    EXPECT_GT(supply.until(0s), 1e17);
}

TEST(Supply, LeavesOutWhoIsBrokenAndWhoIsNotAsked) {
    Fleet fleet({backend(), backend(30'000), backend(10'000)});
    Demand want = demand(100);
    want.candidates = 0b011;
    EXPECT_DOUBLE_EQ(Balancer().supply(fleet, want, start).until(0s), 90'000);
    for (int i = 0; i < 3; ++i) {
        Lease lease = fleet.take(1, {{}, Tokens(0), Tokens(0)}, Taking::anyway, fleet.moment(start));
        lease.fault(Fault::connect, start);
    }
    EXPECT_DOUBLE_EQ(Balancer().supply(fleet, want, start).until(0s), 60'000);
}

TEST(Supply, IsNothingWhereNobodyIsLeft) {
    const Supply none;
    EXPECT_EQ(none.until(1h), 0);
    EXPECT_GT(none.step(), 0s) << "or a queue would be gone through at every turn";
}

TEST(Supply, IsInTokensAsTheCallerCounts) {
    const Moment now;
    Slot slot;
    slot.set_quota(60'000, 0, true);
    Supply supply;
    supply.add(slot, Tokens(400), Tokens(100), now); // a quota that counts a quarter of it
    EXPECT_DOUBLE_EQ(supply.until(0s), 240'000);
}

// What opens in time is supplied in time, a step later at most; and it never falls.
TEST(Supply, AgreesWithOpenings) {
    for (const std::uint64_t seed : property_seeds()) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        Fleet fleet({backend(1'000 + static_cast<std::int64_t>(random.below(100'000)))});
        Time now = start;
        for (std::uint64_t i = 0; i < 40; ++i) {
            use(fleet, 0, static_cast<std::int64_t>(random.below(5'000)), now);
            now += std::chrono::milliseconds(random.below(4'000));
        }
        const Supply supply = Balancer().supply(fleet, demand(100), now);
        double before = 0;
        for (Duration later{}; later < 150s; later += 700ms) {
            ASSERT_GE(supply.until(later), before);
            before = supply.until(later);
        }
        const std::int64_t limit = fleet.spec(0).tpm.count();
        const auto cost =
            1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(limit) * 9 / 10));
        const Duration opens = fleet.opening(0, {{}, Tokens(cost), Tokens(0)}, fleet.moment(now));
        if (opens < 55s) EXPECT_GE(supply.until(opens + supply.step()), static_cast<double>(cost));
        if (opens > supply.step()) EXPECT_LT(supply.until(opens - supply.step()), static_cast<double>(cost));
    }
}

} // namespace
} // namespace headroom::balance
