// The histogram's arithmetic: exact small values, bounded error above, nearest rank, merging.
#include "tools/load/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace headroom::load {
namespace {

using namespace std::chrono_literals;

TEST(LoadHistogram, IsZeroWhenEmpty) {
    const Histogram histogram;
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.min(), 0ns);
    EXPECT_EQ(histogram.max(), 0ns);
    EXPECT_EQ(histogram.mean(), 0ns);
    EXPECT_EQ(histogram.quantile(0.5), 0ns);
}

TEST(LoadHistogram, IsExactBelow256Nanoseconds) {
    Histogram histogram;
    for (int i = 1; i <= 200; ++i)
        histogram.record(Nanoseconds{i});
    EXPECT_EQ(histogram.quantile(0), 1ns);
    EXPECT_EQ(histogram.quantile(0.5), 100ns);
    EXPECT_EQ(histogram.quantile(0.99), 198ns);
    EXPECT_EQ(histogram.quantile(0.995), 199ns);
    EXPECT_EQ(histogram.quantile(1), 200ns);
    EXPECT_EQ(histogram.min(), 1ns);
    EXPECT_EQ(histogram.max(), 200ns);
    EXPECT_EQ(histogram.mean(), 101ns); // 100.5, rounded
}

TEST(LoadHistogram, KeepsEveryMagnitudeWithinHalfAPercent) {
    for (double value = 1; value < 9e18; value *= 1.37) {
        Histogram histogram;
        const Nanoseconds wanted{static_cast<Nanoseconds::rep>(value)};
        histogram.record(0ns); // so that neither min nor max clamps the answer
        histogram.record(wanted);
        histogram.record(Nanoseconds::max());
        const double found = static_cast<double>(histogram.quantile(0.5).count());
        EXPECT_NEAR(found, static_cast<double>(wanted.count()), 0.005 * value + 1) << wanted.count();
    }
}

TEST(LoadHistogram, AgreesWithSortingOnRandomValues) {
    constexpr std::uint64_t seed = 20240607;
    std::mt19937_64 random{seed};
    std::lognormal_distribution<double> shape{12, 2};
    Histogram histogram;
    std::vector<double> values;
    for (int i = 0; i < 20'000; ++i) {
        const auto value = static_cast<Nanoseconds::rep>(shape(random));
        values.push_back(static_cast<double>(value));
        histogram.record(Nanoseconds{value});
    }
    std::sort(values.begin(), values.end());
    for (const double q : {0.001, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999}) {
        const double exact = values[static_cast<std::size_t>(std::ceil(q * 20'000)) - 1];
        EXPECT_NEAR(static_cast<double>(histogram.quantile(q).count()), exact, 0.005 * exact + 1)
            << "seed " << seed << " q " << q;
    }
}

TEST(LoadHistogram, CountsNegativeAsZeroAndTakesTheLargest) {
    Histogram histogram;
    histogram.record(-5ns);
    histogram.record(Nanoseconds::max());
    EXPECT_EQ(histogram.min(), 0ns);
    EXPECT_EQ(histogram.max(), Nanoseconds::max());
    EXPECT_EQ(histogram.quantile(0.5), 0ns);
}

TEST(LoadHistogram, MergesAsIfRecordedTogether) {
    Histogram left;
    Histogram right;
    Histogram both;
    for (int i = 0; i < 1000; ++i) {
        const Nanoseconds value = std::chrono::microseconds{i * 37};
        (i % 3 == 0 ? left : right).record(value);
        both.record(value);
    }
    left.merge(right);
    left.merge(Histogram{});
    EXPECT_EQ(left.count(), both.count());
    EXPECT_EQ(left.min(), both.min());
    EXPECT_EQ(left.max(), both.max());
    EXPECT_EQ(left.mean(), both.mean());
    for (const double q : {0.1, 0.5, 0.9, 0.99})
        EXPECT_EQ(left.quantile(q), both.quantile(q));
}

TEST(LoadHistogram, NeverAnswersOutsideWhatWasRecorded) {
    Histogram histogram;
    histogram.record(1'000'003ns);
    for (const double q : {-1.0, 0.0, 0.5, 1.0, 2.0})
        EXPECT_EQ(histogram.quantile(q), 1'000'003ns);
}

} // namespace
} // namespace headroom::load
