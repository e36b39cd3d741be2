// The simulation itself: clients, deadlines, faults, replicas; and that it is the same to the last bit every
// time.
#include "bench/lab/comparison.hpp"
#include "bench/lab/generators.hpp"
#include "tests/bench/lab/tiny.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace headroom::lab {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;
using End = JobRecord::End;

TEST(LabEngine, TimesAnAnswerByItsModel) {
    const FleetModel fleet = read_fleet(
        "backends:\n"
        "  - {name: a, tpm: 1M, latency: {first_ms: 200, prompt_token_us: 100, output_token_ms: 10, jitter: "
        "0}}\n");
    const Outcome outcome = run("random", fleet, tiny_workload({{5, 1000, 101}}));
    EXPECT_EQ(outcome.jobs[0].taken, 0s);
    EXPECT_EQ(outcome.jobs[0].first, 300ms);
    EXPECT_EQ(outcome.jobs[0].whole, 1300ms);
    EXPECT_EQ(outcome.finished_at, Time(6300ms));
}

TEST(LabEngine, ClientsRetryTwiceAsTheSdksDo) {
    // No Retry-After: 0.5 s and 1 s, each less up to a quarter.
    const FleetModel fleet = fleet_of(steady("a", "tpm: 500, limiter: {retry_after: none}"));
    const Outcome outcome = run("random", fleet, tiny_workload({{0, 400}, {1, 400}}));
    EXPECT_EQ(outcome.jobs[1].end, End::refused);
    EXPECT_EQ(outcome.jobs[1].attempts, 3U);
    EXPECT_EQ(outcome.jobs[1].client_refusals, 3U);
    EXPECT_GE(outcome.finished_at, Time(2s + 375ms + 60ms));
    EXPECT_LE(outcome.finished_at, Time(2560ms));
}

TEST(LabEngine, ClientsBelieveRetryAfterUpToAMinute) {
    const FleetModel fleet =
        fleet_of(steady("a", "tpm: 500, limiter: {retry_after: seconds}"), "deadline: 100\n");
    const Outcome outcome = run("random", fleet, tiny_workload({{0, 400}, {1.5, 400}}));
    EXPECT_EQ(outcome.jobs[1].end, End::served);
    EXPECT_EQ(outcome.jobs[1].taken, 59s + 20ms) << "58.5 s in whole seconds";
}

TEST(LabEngine, ClientsGiveUpAtTheirDeadline) {
    const FleetModel fleet = fleet_of(steady("a", "tpm: 500"), "deadline: 30\n");
    const Outcome outcome = run("random", fleet, tiny_workload({{0, 400}, {1, 400}}));
    EXPECT_EQ(outcome.jobs[1].end, End::expired);
}

TEST(LabEngine, QueuedRequestsExpireAtTheirDeadline) {
    const FleetModel fleet = fleet_of(steady("a", "tpm: 500"), "deadline: 30\n");
    for (const char* name : {"mirror", "clairvoyant"})
        EXPECT_EQ(run(name, fleet, tiny_workload({{0, 400}, {1, 400}})).jobs[1].end, End::expired) << name;
}

TEST(LabEngine, BlackoutsAndHangsAreFaults) {
    const FleetModel fleet = fleet_of(steady("a",
                                             "tpm: 1M, priority: 1, faults: {blackouts: [{from: 0, to: 10}, "
                                             "{from: 20, to: 30, hangs: true}]}") +
                                          steady("b", "tpm: 1M, priority: 2"),
                                      "answer_max: 5\n");
    const Outcome outcome = run("round-robin", fleet, tiny_workload({{0, 9}, {1, 9}, {25, 9}}));
    EXPECT_THAT(places(outcome), ElementsAre(1, 1, 1));
    EXPECT_THAT(attempts(outcome), ElementsAre(2, 2, 2));
    EXPECT_EQ(outcome.jobs[0].taken, 20ms);
    EXPECT_EQ(outcome.jobs[2].taken, 5s);
    EXPECT_EQ(outcome.backends[0].faults, 3);
}

TEST(LabEngine, CachesHoldTheStartOfAPrompt) {
    Workload workload = tiny_workload({{0, 2000}, {10, 2000}, {400, 2000}});
    workload.blocks = {1, 2, 3};
    for (Request& request : workload.requests)
        request.blocks_count = 3;
    const Outcome outcome = run("round-robin", fleet_of(steady("a", "tpm: 1M")), workload);
    EXPECT_EQ(outcome.jobs[0].cached, 0);
    EXPECT_EQ(outcome.jobs[1].cached, 3 * 512);
    EXPECT_EQ(outcome.jobs[2].cached, 0) << "forgotten after five minutes";
}

TEST(LabEngine, ReplicasDoNotKnowOfEachOther) {
    // One replica each time: both believe that a is empty, and by priority both send there first.
    const FleetModel fleet = fleet_of(
        steady("a", "tpm: 500, priority: 1") + steady("b", "tpm: 5000, priority: 2"), "replicas: 2\n");
    const Outcome outcome = run("aca-lb", fleet, tiny_workload({{0, 400}, {1, 400}, {2, 400}, {3, 400}}));
    EXPECT_THAT(attempts(outcome), ElementsAre(1, 2, 2, 1))
        << "the first replica learns of it with its second request";
}

TEST(LabEngine, EveryStrategyRunsOnOneToTenReplicas) {
    for (unsigned replicas = 1; replicas <= 10; ++replicas) {
        const FleetModel fleet =
            read_fleet("replicas: " + std::to_string(replicas) +
                       "\nbackends: [{name: a, tpm: 30K}, {name: b, tpm: 60K, priority: 2}]\n");
        const Workload workload =
            stretched(workload_of(generate("poisson", {replicas, 200, 2}), {.seed = 1}), 2);
        for (const StrategyInfo& info : strategies()) {
            const Outcome outcome = simulate(workload, fleet, info, {replicas, 0s});
            std::int64_t attempts = 0;
            std::int64_t served = 0;
            for (const JobRecord& job : outcome.jobs) {
                EXPECT_NE(job.end, End::open) << info.name << " with " << replicas;
                attempts += job.attempts;
                served += job.end == End::served || job.end == End::late ? 1 : 0;
            }
            std::int64_t sent = 0;
            std::int64_t taken = 0;
            for (const BackendTally& tally : outcome.backends)
                sent += tally.sent, taken += tally.served;
            EXPECT_EQ(sent, attempts) << info.name << " with " << replicas;
            EXPECT_EQ(taken, served) << info.name << " with " << replicas;
            EXPECT_GT(served, 100) << info.name << " with " << replicas;
        }
    }
}

TEST(LabEngine, FiguresAreThoseOfTheRun) {
    const FleetModel fleet = fleet_of(steady("a", "tpm: 1000"), "client: {retries: 0}\n");
    Workload workload = tiny_workload({{0, 400, 10, 10, 0}, {1, 400, 10, 10, 1}, {2, 400, 10, 10, 1}}, 2);
    const Figures figures = figures_of(run("random", fleet, workload), workload, fleet);
    EXPECT_DOUBLE_EQ(figures.served, 2);
    EXPECT_DOUBLE_EQ(figures.goodput, 820);
    EXPECT_DOUBLE_EQ(figures.offered, 1230);
    EXPECT_DOUBLE_EQ(figures.client_429_rate, 1.0 / 3);
    EXPECT_DOUBLE_EQ(figures.upstream_429_rate, 1.0 / 3);
    EXPECT_DOUBLE_EQ(figures.attempts, 1);
    EXPECT_DOUBLE_EQ(figures.utilisation, 0.82);
    EXPECT_DOUBLE_EQ(figures.jain, (1 + 0.5) * (1 + 0.5) / (2 * (1 + 0.25)));
    EXPECT_DOUBLE_EQ(figures.cost, (800 * 2.5 + 20 * 10.0) / 820);
}

TEST(LabEngine, RepeatsToTheLastBit) {
    const FleetModel fleet = read_fleet(
        "replicas: 3\n"
        "backends:\n"
        "  - {name: a, tpm: 30K, faults: {error_rate: 0.05}}\n"
        "  - {name: b, tpm: 30K, limiter: {window: fixed, retry_after: none, headers: false}}\n"
        "  - {name: c, tpm: 20K, limiter: {window: ptu, burst: 20}, changes: [{at: 100, factor: 0.5}]}\n");
    for (const StrategyInfo& info : strategies()) {
        const auto once = [&] {
            const Workload workload = stretched(workload_of(generate("agents", {7, 600, 2}), {.seed = 7}), 3);
            const Outcome outcome = simulate(workload, fleet, info, {7, 5s});
            return std::pair(figures_of(outcome, workload, fleet), outcome.finished_at);
        };
        const auto [first, first_end] = once();
        const auto [second, second_end] = once();
        EXPECT_EQ(std::memcmp(&first, &second, sizeof first), 0) << info.name;
        EXPECT_EQ(first_end, second_end) << info.name;
        EXPECT_GT(first.served, 0) << info.name;
    }
}

TEST(LabEngine, FairnessGapIsByMinuteAndOfThoseThatLack) {
    // One tenant is served 410 of its 820, the other nothing of its 410, within the first minute.
    const FleetModel fleet = fleet_of(steady("a", "tpm: 500"), "client: {retries: 0}\n");
    const Workload workload =
        tiny_workload({{0, 400, 10, 10, 0}, {1, 400, 10, 10, 0}, {2, 400, 10, 10, 1}}, 2);
    EXPECT_DOUBLE_EQ(figures_of(run("random", fleet, workload), workload, fleet).vtc_gap, 410);
    const FleetModel large = fleet_of(steady("a", "tpm: 5000"));
    EXPECT_DOUBLE_EQ(figures_of(run("random", large, workload), workload, large).vtc_gap, 0)
        << "nobody lacks anything";
}

TEST(LabComparison, IntervalsAreStudents) {
    const Estimate estimate = estimate_of({1, 2, 3, std::nan("")});
    EXPECT_DOUBLE_EQ(estimate.mean, 2);
    EXPECT_NEAR(estimate.half_width, 4.303 / std::sqrt(3.0), 1e-9);
    EXPECT_EQ(estimate_of({5}).half_width, 0);
}

TEST(LabComparison, LoadIsThatOfTheQuotas) {
    const FleetModel fleet = fleet_of(steady("a", "tpm: 1000") + steady("b", "tpm: 3000"));
    EXPECT_DOUBLE_EQ(offered_load(five_requests(), fleet), 5 * 416 / 4000.0);
    ComparisonOptions options;
    options.loads = {0.5};
    options.strategies = {find_strategy("mirror"), find_strategy("random")};
    options.seeds = 3;
    const auto results = compare(
        fleet,
        [](std::uint64_t seed) { return workload_of(generate("poisson", {seed, 300, 2}), {.seed = seed}); },
        options);
    ASSERT_EQ(results.size(), 1U);
    EXPECT_NEAR(offered_load(results[0].workload, fleet), 0.5, 1e-6);
    EXPECT_EQ(results[0].strategies[0].by_seed.size(), 3U);
    EXPECT_EQ(results[0].strategies[0].by_seed[1].offered, results[0].strategies[1].by_seed[1].offered)
        << "the same requests";
}

} // namespace
} // namespace headroom::lab
