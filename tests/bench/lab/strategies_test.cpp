// Every strategy on two backends and five requests, with where each must go computed by hand.
#include "tests/bench/lab/tiny.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::lab {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using End = JobRecord::End;

/// Each takes two of the five requests per minute.
FleetModel two_backends(const std::string& of_b = "tpm: 1000") {
    return fleet_of(steady("a", "tpm: 1000") + steady("b", of_b));
}

FleetModel one_backend(const std::string& more = "") {
    return fleet_of(steady("a", "tpm: 1000"), more);
}

TEST(LabStrategies, AreAllKnownAndCiteTheirSource) {
    EXPECT_EQ(strategies().size(), 18U);
    for (const StrategyInfo& info : strategies())
        EXPECT_FALSE(info.summary.empty()) << info.name;
}

TEST(LabStrategies, RandomUsesBothAndGoesElsewhereAfterARefusal) {
    const Outcome outcome = run("random", two_backends(), five_requests());
    EXPECT_EQ(outcome.backends[0].served + outcome.backends[1].served, 5);
    EXPECT_EQ(outcome.jobs[4].client_refusals, 1U) << "only four fit into a minute";
    std::vector<Tiny> many(400, Tiny{0, 1});
    const Outcome spread =
        run("random", fleet_of(steady("a", "tpm: 1M") + steady("b", "tpm: 1M")), tiny_workload(many));
    EXPECT_GT(spread.backends[0].served, 160);
    EXPECT_GT(spread.backends[1].served, 160);
}

TEST(LabStrategies, RoundRobinTakesTurns) {
    const Outcome outcome = run("round-robin", two_backends(), five_requests());
    EXPECT_THAT(places(outcome), ElementsAre(0, 1, 0, 1, 0));
    // The fifth: refused by a at 8 s and by b at 8.02 s, whose first charge leaves at 62 s; then it is a's
    // turn.
    EXPECT_THAT(attempts(outcome), ElementsAre(1, 1, 1, 1, 3));
    EXPECT_NEAR(taken_s(outcome.jobs[4]), 62.02 - 8, 0.03);
}

TEST(LabStrategies, WeightedRoundRobinFollowsQuotas) {
    const Outcome outcome = run("weighted-rr", two_backends("tpm: 3000"), five_requests());
    EXPECT_THAT(places(outcome), ElementsAre(1, 0, 1, 1, 1));
}

TEST(LabStrategies, LeastInFlightAvoidsTheBusyOne) {
    for (const char* name : {"least-in-flight", "two-choices"}) {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            // Pairs within the second that an answer takes.
            const Outcome outcome =
                run(name, two_backends("tpm: 1000"),
                    tiny_workload({{0, 400}, {0.5, 400}, {4, 400}, {4.5, 400}, {8, 100}}), seed);
            const std::vector<int> at = places(outcome);
            EXPECT_NE(at[0], at[1]) << name << " seed " << seed;
            EXPECT_NE(at[2], at[3]) << name << " seed " << seed;
        }
    }
}

TEST(LabStrategies, PeakEwmaPrefersTheFastOne) {
    const FleetModel fleet = read_fleet(
        "backends:\n"
        "  - {name: slow, tpm: 1M, latency: {first_ms: 5000, prompt_token_us: 0, jitter: 0}}\n"
        "  - {name: fast, tpm: 1M, latency: {first_ms: 100, prompt_token_us: 0, jitter: 0}}\n");
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const std::vector<int> at =
            places(run("peak-ewma", fleet, tiny_workload({{0, 9}, {6, 9}, {12, 9}, {18, 9}, {24, 9}}), seed));
        EXPECT_NE(at[0], at[1]) << "what is not known is tried";
        EXPECT_THAT((std::vector<int>{at[2], at[3], at[4]}), Each(1));
    }
}

TEST(LabStrategies, AcaLbCoolsDownByPriority) {
    const Outcome outcome = run("aca-lb", two_backends("tpm: 1000, priority: 2"), five_requests());
    // a refuses the third, which b takes at once; nobody asks a again before 60.02 s. b refuses the fifth at
    // 8 s, whose client comes again when b said so, at 64.04 s: then a is well.
    EXPECT_THAT(places(outcome), ElementsAre(0, 0, 1, 1, 0));
    EXPECT_THAT(attempts(outcome), ElementsAre(1, 1, 2, 1, 2));
    EXPECT_NEAR(taken_s(outcome.jobs[4]), 64.04 - 8, 0.01);
}

TEST(LabStrategies, LiteLlmCountsOnSuccessAndSaysSixty) {
    const Outcome outcome = run("litellm-usage-v2", two_backends(), five_requests());
    const std::vector<int> at = places(outcome);
    EXPECT_NE(at[0], at[1]);
    EXPECT_NE(at[2], at[3]);
    EXPECT_THAT(attempts(outcome), Each(1U)) << "by its own count nothing fits, so nobody is asked";
    EXPECT_EQ(outcome.jobs[4].client_refusals, 1U);
    EXPECT_DOUBLE_EQ(taken_s(outcome.jobs[4]), 60);
}

TEST(LabStrategies, LiteLlmOvershootsWithConcurrentRequests) {
    // All at once: none has succeeded yet, so all look alike, and the quotas refuse one.
    const Outcome outcome =
        run("litellm-usage-v2", two_backends(), tiny_workload(std::vector<Tiny>(5, Tiny{0, 400})));
    EXPECT_GE(outcome.backends[0].refused + outcome.backends[1].refused, 1);
}

TEST(LabStrategies, HeliconeTakesTheProviderOut) {
    const Outcome outcome = run("helicone", one_backend(), tiny_workload({{0, 400}, {2, 400}, {4, 400}}));
    EXPECT_THAT(places(outcome), ElementsAre(0, 0, -1));
    // Out until 4.02 + 56 + 30 s: the client's second and third try find nobody.
    EXPECT_EQ(outcome.jobs[2].attempts, 1U);
    EXPECT_EQ(outcome.jobs[2].client_refusals, 3U);
    EXPECT_EQ(outcome.jobs[2].end, End::refused);
}

TEST(LabStrategies, ApimRetriesInThePool) {
    const Outcome both = run("apim-pool", two_backends("tpm: 1000, priority: 2"), five_requests());
    EXPECT_THAT(places(both), ElementsAre(0, 0, 1, 1, -1));
    EXPECT_THAT(attempts(both), ElementsAre(1, 1, 2, 1, 1));
    // With both tripped the pool is empty; that answer names no time, so the client tries again within two
    // seconds.
    EXPECT_EQ(both.jobs[4].client_refusals, 3U);
}

TEST(LabStrategies, HeaderRemainingFollowsTheLastAnswer) {
    const Outcome outcome = run("header-remaining", two_backends("tpm: 2000"), five_requests());
    // b: 2000, 1584, 1168, then 752 is less than a's 1000; a: 584, then b's 752 is more.
    EXPECT_THAT(places(outcome), ElementsAre(1, 1, 1, 0, 1));
}

TEST(LabStrategies, AimdCutsItsRateOnARefusal) {
    const Outcome outcome = run("aimd", one_backend("client: {retries: 0}\n"),
                                tiny_workload({{0, 400}, {2, 400}, {4, 400}, {6, 400}, {20, 10}}));
    EXPECT_THAT(places(outcome), ElementsAre(0, 0, -1, -1, 0));
    // After the refusal at 4.02 s nothing is saved, and at 7,800 per minute 257 tokens come until 6 s: 416 do
    // not fit.
    EXPECT_THAT(attempts(outcome), ElementsAre(1, 1, 1, 0, 1));
}

TEST(LabStrategies, MirrorWaitsForTheOpening) {
    const Outcome outcome = run("mirror", two_backends(), five_requests());
    EXPECT_THAT(attempts(outcome), Each(1U));
    EXPECT_EQ(outcome.backends[0].refused + outcome.backends[1].refused, 0);
    // The first charge leaves at 60 s; the twin counts in whole seconds, and gives one to the way there.
    EXPECT_GE(taken_s(outcome.jobs[4]), 52);
    EXPECT_LE(taken_s(outcome.jobs[4]), 54);
}

TEST(LabStrategies, MirrorWithoutAQueueAsksAndIsRefused) {
    const Outcome outcome = run("mirror-no-queue", two_backends(), five_requests());
    EXPECT_GE(outcome.jobs[4].client_refusals, 1U);
    EXPECT_EQ(outcome.jobs[4].end, End::served) << "its client was told when to come again";
}

TEST(LabStrategies, MirrorLearnsALimitFromHeaders) {
    const FleetModel fleet = fleet_of(steady("a", "tpm: 1000, told: {tpm: 2000}"));
    const Workload workload = tiny_workload({{0, 400}, {2, 400}, {4, 400}, {6, 400}});
    EXPECT_EQ(run("mirror", fleet, workload).backends[0].refused, 0);
    EXPECT_GE(run("mirror-no-learning", fleet, workload).backends[0].refused, 1);
}

TEST(LabStrategies, MirrorLetsSmallRequestsPastALargeOnesRefusal) {
    // The twin is told 2,000, so it sends the second, which is refused with 84 tokens left.
    const FleetModel fleet = fleet_of(steady("a", "tpm: 1000, told: {tpm: 2000}, limiter: {headers: true}"));
    const Workload workload = tiny_workload({{0, 900, 1, 16}, {0.5, 900, 1, 16}, {2, 50, 1, 16}});
    EXPECT_LT(taken_s(run("mirror", fleet, workload).jobs[2]), 1);
    EXPECT_GT(taken_s(run("mirror-no-size", fleet, workload).jobs[2]), 50);
}

TEST(LabStrategies, MirrorTurnsTheLargeOneAwayWhenNotAllCanBeServed) {
    // The first leaves 84 tokens until it is forgotten after a minute. Then there are a thousand: for the one
    // of 816, which came next and would then be alone, or for the four of 200.
    const std::vector<Tiny> requests{{0, 900, 1, 16}, {3, 800, 1, 16}, {4, 184, 1, 16},
                                     {5, 184, 1, 16}, {6, 184, 1, 16}, {7, 184, 1, 16}};
    EXPECT_THAT(places(run("mirror", one_backend(), tiny_workload(requests))),
                ElementsAre(0, -1, 0, 0, 0, 0));
    // With three there is no room for it either; with none it goes.
    const std::vector<Tiny> three(requests.begin(), requests.end() - 1);
    EXPECT_THAT(places(run("mirror", one_backend(), tiny_workload(three))), ElementsAre(0, -1, 0, 0, 0));
    const std::vector<Tiny> none(requests.begin(), requests.begin() + 2);
    EXPECT_THAT(places(run("mirror", one_backend(), tiny_workload(none))), ElementsAre(0, 0));
}

TEST(LabStrategies, ClairvoyantTakesTheInstant) {
    const Outcome outcome = run("clairvoyant", two_backends(), five_requests());
    EXPECT_THAT(attempts(outcome), Each(1U));
    EXPECT_DOUBLE_EQ(taken_s(outcome.jobs[4]), 52);
}

TEST(LabStrategies, ClairvoyantFitsBest) {
    // The small one goes where it just fits, so that the large one finds room.
    const FleetModel fleet = fleet_of(steady("a", "tpm: 500") + steady("b", "tpm: 1000"));
    EXPECT_THAT(places(run("clairvoyant", fleet, tiny_workload({{0, 400}, {1, 900}}))), ElementsAre(0, 1));
}

} // namespace
} // namespace headroom::lab
