// Windows of the mock's limiter in virtual time.
#include "tools/mock_azure/meter.hpp"

#include "tools/mock_azure/random.hpp"

#include <gtest/gtest.h>

namespace headroom::mock {
namespace {

using namespace std::chrono_literals;

TEST(MockMeter, SlidingForgetsEachChargeOneWindowAfterIt) {
    Meter meter(WindowKind::sliding, 100, 60s);
    meter.add(60, 1s);
    meter.add(30, 11s);
    EXPECT_EQ(meter.used(60s), 90);
    EXPECT_EQ(meter.used(61s), 30);
    EXPECT_EQ(meter.used(71s), 0);
    EXPECT_EQ(meter.used_max(), 90);
}

TEST(MockMeter, SlidingTellsTheExactInstantAtWhichACostFits) {
    Meter meter(WindowKind::sliding, 100, 60s);
    meter.add(60, 0s);
    meter.add(40, 10s);
    EXPECT_EQ(meter.wait_for(50, 20s), 40s);
    EXPECT_EQ(meter.wait_for(61, 20s), 50s);
    EXPECT_EQ(meter.wait_for(0, 20s), 0s);
    EXPECT_EQ(meter.until_empty(20s), 50s);
    EXPECT_EQ(meter.remaining(20s), 0);
}

TEST(MockMeter, WhatNeverFitsWaitsOneWindow) {
    for (const WindowKind kind : {WindowKind::sliding, WindowKind::fixed, WindowKind::gcra}) {
        Meter meter(kind, 100, 60s);
        EXPECT_EQ(meter.wait_for(101, 5s), 60s) << to_string(kind);
    }
}

TEST(MockMeter, FixedForgetsAllAtTheBorder) {
    Meter meter(WindowKind::fixed, 100, 60s);
    meter.add(100, 59s);
    EXPECT_EQ(meter.wait_for(1, 59s), 1s);
    EXPECT_EQ(meter.used(60s), 0);
    EXPECT_EQ(meter.wait_for(100, 60s), 0s);
}

TEST(MockMeter, GcraDrainsContinuously) {
    Meter meter(WindowKind::gcra, 60, 60s);
    meter.add(60, 0s);
    EXPECT_EQ(meter.used(30s), 30);
    EXPECT_EQ(meter.wait_for(1, 30s), 0s);
    EXPECT_EQ(meter.wait_for(40, 30s), 10s);
    EXPECT_EQ(meter.until_empty(30s), 30s);
}

TEST(MockMeter, ReleaseTakesBackOnlyWhatStillCounts) {
    Meter meter(WindowKind::sliding, 1'000, 60s);
    meter.add(500, 0s);
    meter.add(300, 10s);
    meter.release(200, 10s, 20s);
    EXPECT_EQ(meter.used(20s), 600);
    meter.release(1'000, 0s, 61s);
    EXPECT_EQ(meter.used(61s), 100) << "the charge at 0 s had left the window already";
}

TEST(MockMeter, ZeroIsUnlimited) {
    Meter meter(WindowKind::sliding, 0, 60s);
    meter.add(1'000'000, 0s);
    EXPECT_EQ(meter.wait_for(1'000'000, 0s), 0s);
    EXPECT_EQ(meter.used(0s), 0);
}

TEST(MockMeter, ANewLimitKeepsTheCharges) {
    Meter meter(WindowKind::sliding, 100, 60s);
    meter.add(80, 0s);
    meter.reconfigure(WindowKind::sliding, 200, 60s);
    EXPECT_EQ(meter.remaining(1s), 120);
}

// Whoever waits as long as he is told gets in, and the limit holds in every window, whatever the arrivals.
TEST(MockMeter, ObeyingTheWaitNeverExceedsTheLimit) {
    const std::uint64_t seed = 20240901;
    SCOPED_TRACE(seed);
    for (const WindowKind kind : {WindowKind::sliding, WindowKind::fixed, WindowKind::gcra}) {
        Random random(seed);
        Meter meter(kind, 1'000, 60s);
        MockTime now{0};
        for (int i = 0; i < 5'000; ++i) {
            now += std::chrono::milliseconds(random.below(3'000));
            const auto cost = static_cast<std::int64_t>(1 + random.below(400));
            now += meter.wait_for(cost, now);
            ASSERT_EQ(meter.wait_for(cost, now), 0ns) << to_string(kind) << " step " << i;
            meter.add(cost, now);
            ASSERT_LE(meter.used(now), 1'000) << to_string(kind) << " step " << i;
        }
    }
}

} // namespace
} // namespace headroom::mock
