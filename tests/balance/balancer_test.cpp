// The policy, rule by rule: whom it prefers, when it spills, probes, goes over, and when alone it refuses.
#include "balance/balancer.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;
using Kind = Choice::Kind;

constexpr Time start{1h};

BackendSpec backend(int priority = 1, double weight = 1, std::int64_t tpm = 60'000) {
    BackendSpec spec;
    spec.priority = priority;
    spec.weight = weight;
    spec.tpm = Tokens(tpm);
    spec.rpm = 60'000;
    return spec;
}

Demand demand(std::int64_t cost, std::uint64_t random = 0) {
    Demand want;
    want.cost = Tokens(cost);
    want.random = random * 0x9e3779b97f4a7c15U;
    return want;
}

Choice choose(Fleet& fleet, const Demand& want, Time now = start) {
    return Balancer().choose(fleet, want, now);
}

/// Sends a request to one backend whatever the policy says.
Lease send_to(Fleet& fleet, std::uint32_t backend_index, std::int64_t cost = 10, Time now = start) {
    return fleet.take(backend_index, {{}, Tokens(cost), Tokens(0)}, Taking::anyway, fleet.moment(now));
}

void use(Fleet& fleet, std::uint32_t backend_index, std::int64_t cost) {
    Lease lease = send_to(fleet, backend_index, cost);
    lease.success(start);
    lease.settle({}, start);
}

void refuse(Fleet& fleet, std::uint32_t backend_index, Duration wait, Time now = start) {
    Refusal refusal;
    refusal.kind = Refusal::Kind::requests;
    refusal.retry_after = wait;
    refusal.stated = true;
    send_to(fleet, backend_index, 10, now).refused(refusal, now);
}

void break_it(Fleet& fleet, std::uint32_t backend_index, Time now = start) {
    for (int i = 0; i < 2; ++i)
        send_to(fleet, backend_index, 10, now).fault(Fault::connect, now);
}

std::map<std::uint32_t, int> shares(Fleet& fleet, int requests, std::int64_t cost, Time now = start) {
    std::map<std::uint32_t, int> count;
    for (int i = 0; i < requests; ++i) {
        Choice choice = choose(fleet, demand(cost, static_cast<std::uint64_t>(i) + 1), now);
        if (choice.kind == Kind::send) ++count[choice.backend];
        choice.lease.success(now);
        choice.lease.settle({}, now);
    }
    return count;
}

TEST(Balancer, TakesTheOneWithTheLargestRemainingFraction) {
    Fleet fleet({backend(1, 1, 60'000), backend(1, 1, 600'000)});
    use(fleet, 0, 20'000);
    use(fleet, 1, 100'000);
    EXPECT_EQ(choose(fleet, demand(1000)).backend, 1U) << "five sixths left against two thirds";
    use(fleet, 1, 300'000);
    EXPECT_EQ(choose(fleet, demand(1000)).backend, 0U);
}

TEST(Balancer, CountsReservationsInFlight) {
    Fleet fleet({backend(), backend()});
    const Lease flying = send_to(fleet, 0, 30'000);
    for (std::uint64_t i = 0; i < 10; ++i)
        EXPECT_EQ(choose(fleet, demand(100, i)).backend, 1U);
}

TEST(Balancer, CountsRequestsAsWellAsTokens) {
    BackendSpec few = backend();
    few.rpm = 60;
    Fleet fleet({few, backend()});
    for (int i = 0; i < 6; ++i)
        use(fleet, 0, 0);
    use(fleet, 1, 30'000);
    EXPECT_EQ(choose(fleet, demand(1)).backend, 1U) << "six of ten requests used against half of the tokens";
}

TEST(Balancer, LooksAtTheFractionAfterThisRequest) {
    Fleet fleet({backend(1, 1, 20'000), backend(1, 1, 200'000)});
    use(fleet, 1, 20'000);
    EXPECT_EQ(choose(fleet, demand(3'000)).backend, 1U) << "less full after it, though emptier before";
}

TEST(Balancer, SharesEquallyAmongEquals) {
    Fleet fleet({backend(1, 1, 60'000'000), backend(1, 1, 60'000'000), backend(1, 1, 60'000'000)});
    const auto count = shares(fleet, 3000, 1000);
    for (std::uint32_t i = 0; i < 3; ++i)
        EXPECT_NEAR(count.at(i), 1000, 150) << i;
}

TEST(Balancer, SharesByWeight) {
    Fleet fleet({backend(1, 3, 6'000'000), backend(1, 1, 6'000'000)});
    const auto count = shares(fleet, 2000, 1000);
    EXPECT_NEAR(static_cast<double>(count.at(0)) / count.at(1), 3, 0.7);
}

TEST(Balancer, SharesByWeightWhereNoLimitIsKnown) {
    BackendSpec heavy = backend(1, 2, 0);
    BackendSpec light = backend(1, 1, 0);
    heavy.rpm = light.rpm = 0;
    Fleet fleet({heavy, light});
    const auto count = shares(fleet, 3000, 1000);
    EXPECT_NEAR(count.at(0), 2000, 400);
}

TEST(Balancer, PriorityComesFirstUntilTheGroupIsFull) {
    Fleet fleet({backend(2), backend(1), backend(1)});
    const auto count = shares(fleet, 200, 1000);
    EXPECT_EQ(count.at(0), 60) << "what did not fit into the first group and fits here";
    EXPECT_EQ(count.at(1) + count.at(2), 140) << "what fits, and what fits nowhere";
}

TEST(Balancer, SpillsByPredictionNotByRefusal) {
    Fleet fleet({backend(1), backend(2)});
    use(fleet, 0, 59'500);
    EXPECT_EQ(choose(fleet, demand(400), start + 20s).backend, 0U);
    const Choice spilled = choose(fleet, demand(1000), start + 20s);
    EXPECT_EQ(spilled.backend, 1U);
    EXPECT_EQ(spilled.reason, "fits");
}

TEST(Balancer, PredictionNeverTurnsARequestAway) {
    Fleet fleet({backend(), backend(2)});
    use(fleet, 0, 70'000);
    use(fleet, 1, 61'000);
    const Choice choice = choose(fleet, demand(5000));
    EXPECT_EQ(choice.kind, Kind::send);
    EXPECT_EQ(choice.backend, 0U) << "the best group, though the other is less full";
    EXPECT_EQ(choice.reason, "over");
    EXPECT_EQ(choose(fleet, demand(16'000'000)).kind, Kind::send) << "even one that no quota holds";
}

TEST(Balancer, NeverTheSameBackendTwice) {
    Fleet fleet({backend(), backend(), backend()});
    Demand want = demand(100);
    std::set<std::uint32_t> tried;
    for (int i = 0; i < 3; ++i) {
        const Choice choice = choose(fleet, want);
        ASSERT_EQ(choice.kind, Kind::send);
        EXPECT_TRUE(tried.insert(choice.backend).second);
        want.excluded |= 1ULL << choice.backend;
    }
    const Choice none = choose(fleet, want);
    EXPECT_EQ(none.kind, Kind::refuse);
    EXPECT_EQ(none.reason, "tried");
    EXPECT_FALSE(none.quota);
    EXPECT_EQ(none.retry_after, Duration::zero());
}

TEST(Balancer, OnlyCandidatesAreChosen) {
    Fleet fleet({backend(), backend(), backend()});
    Demand want = demand(100);
    want.candidates = 0b100;
    EXPECT_EQ(choose(fleet, want).backend, 2U);
    want.candidates = 0b11000;
    EXPECT_EQ(choose(fleet, want).reason, "none");
    Fleet empty({});
    EXPECT_EQ(choose(empty, demand(1)).reason, "none");
}

TEST(Balancer, AvoidsBlockedBackendsAndTellsTheSoonestRecovery) {
    Fleet fleet({backend(), backend(2), backend(3)});
    refuse(fleet, 0, 20s);
    EXPECT_EQ(choose(fleet, demand(100)).backend, 1U);
    refuse(fleet, 1, 5s);
    EXPECT_EQ(choose(fleet, demand(100)).backend, 2U);
    refuse(fleet, 2, 40s);
    Choice refused = choose(fleet, demand(100), start + 1s);
    EXPECT_EQ(refused.kind, Kind::refuse);
    EXPECT_FALSE(refused.lease);
    EXPECT_TRUE(refused.quota);
    EXPECT_EQ(refused.reason, "quota");
    EXPECT_EQ(refused.retry_after, Duration(4s));
    EXPECT_EQ(choose(fleet, demand(100), start + 5s).backend, 1U);
}

TEST(Balancer, TriedBackendsCountForTheRecovery) {
    Fleet fleet({backend(), backend()});
    Demand want = demand(100);
    refuse(fleet, 0, 3s);
    refuse(fleet, 1, 7s);
    want.excluded = 0b11;
    const Choice refused = choose(fleet, want);
    EXPECT_TRUE(refused.quota);
    EXPECT_EQ(refused.retry_after, Duration(3s));
}

TEST(Balancer, ABlockedOneIsBetterThanNothingElseOnlyWhenItOpens) {
    Fleet fleet({backend(), backend()});
    refuse(fleet, 0, 20s);
    break_it(fleet, 1);
    const Choice refused = choose(fleet, demand(100));
    EXPECT_EQ(refused.kind, Kind::refuse) << "one waits for its quota, the other is broken";
    EXPECT_EQ(refused.retry_after, Duration(20s));
}

TEST(Balancer, ASingleBackendKeepsWorkingWhateverItsBreakerSays) {
    Fleet fleet({backend()});
    break_it(fleet, 0);
    Choice choice = choose(fleet, demand(100));
    EXPECT_EQ(choice.kind, Kind::send);
    EXPECT_EQ(choice.reason, "last-resort");
    choice.lease.success(start);
    choice.lease.settle({}, start);
    EXPECT_EQ(choose(fleet, demand(100)).kind, Kind::send);
    EXPECT_NE(choose(fleet, demand(100)).reason, "last-resort") << "its answer has closed the breaker";
}

TEST(Balancer, TheLastResortIsTheOneThatReopensSoonest) {
    Fleet fleet({backend(), backend()});
    break_it(fleet, 0, start + 300ms);
    break_it(fleet, 1, start);
    EXPECT_EQ(choose(fleet, demand(100), start + 400ms).backend, 1U);
}

TEST(Balancer, OneRealRequestProbes) {
    Fleet fleet({backend(), backend()});
    break_it(fleet, 0);
    EXPECT_EQ(choose(fleet, demand(100)).backend, 1U);
    const Time due = start + 1s;
    Demand careful = demand(100);
    careful.may_probe = false;
    EXPECT_EQ(choose(fleet, careful, due).backend, 1U) << "a request that could not be sent again";
    Choice probe = choose(fleet, demand(100), due);
    EXPECT_EQ(probe.backend, 0U);
    EXPECT_EQ(probe.reason, "probe");
    for (std::uint64_t i = 0; i < 20; ++i)
        EXPECT_EQ(choose(fleet, demand(100, i), due).backend, 1U);
    probe.lease.fault(Fault::connect, due);
    EXPECT_EQ(choose(fleet, demand(100), due + 1s).backend, 1U) << "the pause has doubled";
    EXPECT_EQ(choose(fleet, demand(100), due + 2s).reason, "probe");
}

TEST(Balancer, ALowerGroupIsNotProbedWhileAHigherOneServes) {
    Fleet fleet({backend(1), backend(2)});
    break_it(fleet, 1);
    EXPECT_EQ(choose(fleet, demand(100), start + 1s).backend, 0U);
}

TEST(Balancer, TrafficReturnsWithoutAHerd) {
    Fleet fleet({backend(1, 1, 60'000'000), backend(1, 1, 60'000'000)});
    break_it(fleet, 0);
    const Time due = start + 1s;
    Choice probe = choose(fleet, demand(100), due);
    ASSERT_EQ(probe.reason, "probe");
    probe.lease.success(due);
    probe.lease.settle({}, due);
    const int early = shares(fleet, 1000, 10, due)[0];
    const int halfway = shares(fleet, 1000, 10, due + 2500ms)[0];
    const int late = shares(fleet, 1000, 10, due + 6s)[0];
    EXPECT_GT(early, 20);
    EXPECT_LT(early, 200);
    EXPECT_GT(halfway, early);
    EXPECT_LT(halfway, 800);
    EXPECT_GT(late, 400);
}

TEST(Balancer, AReturningBackendServesWhenNobodyElseFits) {
    Fleet fleet({backend(), backend()});
    break_it(fleet, 0);
    const Time due = start + 1s;
    Choice probe = choose(fleet, demand(100), due);
    probe.lease.success(due);
    use(fleet, 1, 60'000);
    for (std::uint64_t i = 0; i < 50; ++i)
        EXPECT_EQ(choose(fleet, demand(100, i), due).backend, 0U);
}

TEST(Balancer, ABackendThatHangsGetsLittleBeforeAnyDeadlineHasPassed) {
    Fleet fleet({backend(1, 1, 60'000'000), backend(1, 1, 60'000'000)});
    for (std::uint32_t i = 0; i < 2; ++i) {
        Lease lease = send_to(fleet, i);
        lease.success(start + 200ms);
        lease.settle({}, start + 200ms);
    }
    std::vector<Lease> hanging;
    for (int i = 0; i < 400; ++i) {
        const Time now = start + 1s + std::chrono::milliseconds(20 * i);
        Choice choice = choose(fleet, demand(10, static_cast<std::uint64_t>(i) + 1), now);
        if (choice.backend == 0) {
            hanging.push_back(std::move(choice.lease));
        } else {
            choice.lease.success(now);
            choice.lease.settle({}, now);
        }
    }
    EXPECT_GT(hanging.size(), 20U);
    EXPECT_LT(hanging.size(), 80U) << "half of the first 1.6 seconds, then a trickle";
}

TEST(Balancer, ADueBackendThatSeemsFullIsTriedBeforeRefusing) {
    Fleet fleet({backend(), backend()});
    break_it(fleet, 0);
    use(fleet, 0, 60'000);
    break_it(fleet, 0);
    refuse(fleet, 1, 30s);
    const Choice choice = choose(fleet, demand(100), start + 2s);
    EXPECT_EQ(choice.kind, Kind::send);
    EXPECT_EQ(choice.backend, 0U);
}

TEST(Balancer, ASmallRequestMayPassWhereALargeOneWasRefused) {
    Fleet fleet({backend()});
    Refusal refusal;
    refusal.kind = Refusal::Kind::tokens;
    refusal.retry_after = 30s;
    refusal.stated = true;
    send_to(fleet, 0, 40'000).refused(refusal, start);
    EXPECT_EQ(choose(fleet, demand(40'000)).kind, Kind::refuse);
    EXPECT_EQ(choose(fleet, demand(500)).kind, Kind::send);
}

TEST(Balancer, DeploymentsMayBeNamedDifferentlyEverywhere) {
    Fleet fleet({backend(), backend()});
    const std::vector<SlotKey> keys{fleet.key("gpt-4o-east"), fleet.key("gpt4o")};
    Demand want = demand(100);
    want.deployments = keys;
    for (std::uint32_t i = 0; i < 2; ++i) {
        want.candidates = 1ULL << i;
        Choice choice = choose(fleet, want);
        choice.lease.success(start);
        choice.lease.settle({}, start);
    }
    std::map<std::string, std::uint32_t> owner;
    for (const SlotView& slot : fleet.snapshot(start))
        owner[slot.deployment] = slot.backend;
    EXPECT_EQ(owner.at("gpt-4o-east"), 0U);
    EXPECT_EQ(owner.at("gpt4o"), 1U);
}

TEST(Balancer, TheSameInputsGiveTheSameDecision) {
    for (const std::uint64_t seed : property_seeds()) {
        SCOPED_TRACE(seed_note(seed));
        std::vector<std::uint32_t> first;
        for (int run = 0; run < 2; ++run) {
            Random random(seed);
            Fleet fleet({backend(1, 2), backend(1, 1), backend(2), backend(2, 5, 0)}, {seed, 1s});
            std::vector<std::uint32_t> chosen;
            Time now = start;
            for (int i = 0; i < 300; ++i) {
                now += std::chrono::milliseconds(random.below(300));
                Choice choice =
                    choose(fleet, demand(static_cast<std::int64_t>(random.below(4000)), random.bits()), now);
                chosen.push_back(choice.kind == Kind::send ? choice.backend : 99);
                if (random.chance(5)) choice.lease.fault(Fault::server_error, now);
                choice.lease.success(now);
            }
            if (run == 0) first = chosen;
            EXPECT_EQ(chosen, first);
        }
    }
}

TEST(Balancer, WorksWithSixtyFourBackends) {
    std::vector<BackendSpec> specs(backends_max, backend(1, 1, 1000));
    Fleet fleet(specs);
    std::set<std::uint32_t> used;
    for (std::uint64_t i = 0; i < 64; ++i) {
        Choice choice = choose(fleet, demand(1000, i));
        EXPECT_EQ(choice.reason, "fits");
        used.insert(choice.backend);
        choice.lease.settle({}, start);
    }
    EXPECT_EQ(used.size(), backends_max);
}

} // namespace
} // namespace headroom::balance
