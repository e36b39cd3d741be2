// The bounds on cases that fit on a hand, and against every strategy on random ones: nothing may ever pass
// them.
#include "bench/lab/bounds.hpp"

#include "bench/lab/random.hpp"
#include "tests/bench/lab/tiny.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace headroom::lab {
namespace {

using namespace std::chrono_literals;

double flow(const FleetModel& fleet, const Workload& workload) {
    return flow_bound(workload, fleet);
}

TEST(LabBounds, AllThatFitsIsAllThereIs) {
    const FleetModel fleet = fleet_of(steady("a", "tpm: 10K"));
    EXPECT_NEAR(flow(fleet, five_requests()), 2000, 0.1);
    EXPECT_NEAR(fluid_bound(five_requests(), fleet), 2000, 1e-6);
}

TEST(LabBounds, AMinuteHoldsOneQuota) {
    // 416 each for 400 tokens; a deadline of 10 s keeps all within one minute: 1,000 of 2,080.
    const FleetModel fleet = fleet_of(steady("a", "tpm: 1000"), "deadline: 10\n");
    EXPECT_NEAR(flow(fleet, five_requests()), 1000.0 * 400 / 416, 0.1);
    // With the usual 60 s the rest fits into the next one.
    EXPECT_NEAR(flow(fleet_of(steady("a", "tpm: 1000")), five_requests()), 2000.0 * 400 / 416, 0.1);
}

TEST(LabBounds, BackendsAddUpAlikeOrNot) {
    const FleetModel alike = fleet_of(steady("a", "tpm: 500") + steady("b", "tpm: 500"), "deadline: 10\n");
    const FleetModel apart = fleet_of(steady("a", "tpm: 300") + steady("b", "tpm: 700"), "deadline: 10\n");
    EXPECT_NEAR(flow(alike, five_requests()), 1000.0 * 400 / 416, 0.1);
    EXPECT_NEAR(flow(apart, five_requests()), 700.0 * 400 / 416, 0.1) << "nothing of 416 fits into 300";
}

TEST(LabBounds, CheapTokensComeFirst) {
    // 100 tokens for 200, or 100 tokens for 100: of a quota of 200 the second takes its 100, half of the
    // first the rest.
    const FleetModel fleet = fleet_of(steady("a", "tpm: 200"), "deadline: 10\n");
    EXPECT_NEAR(flow(fleet, tiny_workload({{0, 50, 50, 150}, {1, 50, 50, 50}})), 150, 0.1);
}

TEST(LabBounds, SlicesBoundRequests) {
    // One request in ten seconds, five bins until the last deadline.
    const FleetModel fleet = read_fleet("deadline: 10\nbackends: [{name: a, tpm: 1M, rpm: 6}]\n");
    EXPECT_NEAR(flow(fleet, tiny_workload(std::vector<Tiny>(9, Tiny{0, 100}))), 200, 0.1);
}

TEST(LabBounds, BucketsLeak) {
    // 100 saved, 10 per second: in the first bin 200 at most, in the second 100 more.
    const FleetModel fleet = fleet_of(
        steady("a", "tpm: 600, limiter: {window: gcra, burst: 10, default_max_tokens: 0}"), "deadline: 10\n");
    EXPECT_NEAR(flow(fleet, tiny_workload(std::vector<Tiny>(9, Tiny{0, 100}))), 300, 0.1);
}

TEST(LabBounds, HiddenDropsCount) {
    const FleetModel fleet =
        fleet_of(steady("a", "tpm: 1000, changes: [{at: 0, factor: 0.5}]"), "deadline: 10\n");
    EXPECT_NEAR(flow(fleet, five_requests()), 500.0 * 400 / 416, 0.1);
}

TEST(LabBounds, NightsCostNothing) {
    // Two minutes' work thirty years apart: as much as twice the first, and no rows for the time between.
    for (const char* window : {"sliding", "fixed", "gcra"}) {
        const FleetModel fleet = fleet_of(
            steady("a", std::string("tpm: 1000, limiter: {burst: 60, phase: 0, window: ") + window + "}"),
            "deadline: 10\n");
        Workload once = five_requests();
        Workload twice = tiny_workload({{0, 400},
                                        {2, 400},
                                        {4, 400},
                                        {6, 400},
                                        {8, 400},
                                        {9.6e8, 400},
                                        {9.6e8 + 2, 400},
                                        {9.6e8 + 4, 400},
                                        {9.6e8 + 6, 400},
                                        {9.6e8 + 8, 400}});
        twice.span = seconds_of(9.6e8 + 60);
        const double minutes = (9.6e8 + 60) / 60;
        EXPECT_NEAR(flow(fleet, twice) * minutes, 2 * flow(fleet, once), 0.2) << window;
    }
}

std::string backend_of(Random& random, int index) {
    static constexpr const char* windows[] = {"sliding", "fixed", "gcra", "ptu"};
    static constexpr const char* charges[] = {"prompt+max", "max", "billed", "reserve"};
    std::string text = "  - {name: b" + std::to_string(index);
    text += ", tpm: " + std::to_string(1000 + random.below(8000)) +
            ", rpm: " + std::to_string(6 + random.below(200));
    text += ", priority: " + std::to_string(random.below(2));
    text += std::string(", limiter: {window: ") + windows[random.below(4)] +
            ", charge: " + charges[random.below(4)];
    text += ", slice: " + std::string(random.below(2) == 0 ? "1" : "10");
    text += ", burst: " + std::to_string(5 + random.below(60)) +
            ", context: " + std::to_string(500 + random.below(5000));
    text += ", phase: " + std::to_string(random.below(70)) + "}";
    if (random.below(3) == 0) text += ", changes: [{at: 40, factor: 0.5}, {at: 90, factor: 1.2}]";
    if (random.below(4) == 0) text += ", faults: {error_rate: 0.1, blackouts: [{from: 30, to: 60}]}";
    return text + "}\n";
}

FleetModel random_fleet(Random& random) {
    std::string text = "deadline: " + std::to_string(5 + random.below(80)) + "\nbackends:\n";
    const int count = 1 + static_cast<int>(random.below(3));
    for (int i = 0; i < count; ++i)
        text += backend_of(random, i);
    return read_fleet(text);
}

Workload random_workload(Random& random) {
    std::vector<Tiny> requests;
    double at = 0;
    const std::uint64_t count = 3 + random.below(40);
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto output = static_cast<std::int64_t>(1 + random.below(300));
        const auto room = static_cast<std::int64_t>(random.below(400));
        requests.push_back({at, static_cast<std::int64_t>(1 + random.below(1500)), output,
                            random.below(3) == 0 ? 0 : output + room});
        at += random.exponential() * 4;
    }
    Workload workload = tiny_workload(requests);
    for (Request& request : workload.requests)
        request.characters += static_cast<std::int64_t>(random.below(200));
    workload.span = seconds_of(at + 1);
    return workload;
}

/// A hundred of the thousand instances each, so that they share the cores.
class LabBoundsHundred : public testing::TestWithParam<std::uint64_t> {};

TEST_P(LabBoundsHundred, NothingPassesThem) {
    const std::vector<StrategyInfo> all = strategies();
    const char* one = std::getenv("HEADROOM_SEED");
    const std::uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : GetParam() * 100 + 1;
    const std::uint64_t last = one != nullptr ? first : first + 99;
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        Random random = random_for({seed});
        const FleetModel fleet = random_fleet(random);
        const Workload workload = random_workload(random);
        const double fluid = fluid_bound(workload, fleet);
        const double flows = flow(fleet, workload);
        EXPECT_EQ(bounds_of(workload, fleet).flow, std::min(fluid, flows))
            << "replay with HEADROOM_SEED=" << seed;
        // A coarse program may only be looser.
        EXPECT_GE(flow_bound(workload, fleet, 1) * (1 + 1e-6), flows) << "replay with HEADROOM_SEED=" << seed;
        for (const StrategyInfo& info : all) {
            const Outcome outcome = simulate(workload, fleet, info, {seed, 0s});
            const double goodput = figures_of(outcome, workload, fleet).goodput;
            ASSERT_LE(goodput, flows + 1e-3) << info.name << ", replay with HEADROOM_SEED=" << seed;
            ASSERT_LE(goodput, fluid + 1e-3) << info.name << ", replay with HEADROOM_SEED=" << seed;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Random, LabBoundsHundred, testing::Range<std::uint64_t>(0, 10));

} // namespace
} // namespace headroom::lab
