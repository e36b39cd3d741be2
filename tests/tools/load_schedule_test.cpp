// Due times: exact for even arrivals, replayable and of the right mean for poisson ones, shared out among
// workers.
#include "tools/load/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace headroom::load {
namespace {

using namespace std::chrono_literals;

std::vector<Nanoseconds> first(Schedule schedule, int count) {
    std::vector<Nanoseconds> times;
    for (int i = 0; i < count; ++i, schedule.advance())
        times.push_back(schedule.due());
    return times;
}

TEST(LoadSchedule, SpacesEvenArrivalsWithoutDrift) {
    Schedule schedule{3, Arrivals::even, 1};
    for (int i = 0; i < 3'000'000; ++i)
        schedule.advance();
    EXPECT_EQ(schedule.due(), 1'000'000s);
    EXPECT_EQ(first(Schedule{1000, Arrivals::even, 1}, 4), (std::vector<Nanoseconds>{0ms, 1ms, 2ms, 3ms}));
}

TEST(LoadSchedule, PartsOfAnEvenScheduleInterleave) {
    std::vector<Nanoseconds> all;
    for (unsigned part = 0; part < 3; ++part) {
        const auto times = first(Schedule{1000, Arrivals::even, 1, part, 3}, 10);
        all.insert(all.end(), times.begin(), times.end());
    }
    std::sort(all.begin(), all.end());
    EXPECT_EQ(all, first(Schedule{1000, Arrivals::even, 1}, 30));
}

TEST(LoadSchedule, PoissonArrivalsReplayFromTheirSeed) {
    EXPECT_EQ(first(Schedule{1000, Arrivals::poisson, 7}, 100),
              first(Schedule{1000, Arrivals::poisson, 7}, 100));
    EXPECT_NE(first(Schedule{1000, Arrivals::poisson, 7}, 100),
              first(Schedule{1000, Arrivals::poisson, 8}, 100));
    EXPECT_NE(first(Schedule{1000, Arrivals::poisson, 7, 0, 2}, 9),
              first(Schedule{1000, Arrivals::poisson, 7, 1, 2}, 9));
}

TEST(LoadSchedule, PoissonArrivalsHaveTheRateAndTheSpread) {
    constexpr int count = 100'000;
    const auto times = first(Schedule{1000, Arrivals::poisson, 42}, count);
    EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
    EXPECT_GT(times.front(), 0ns);
    // The sum of n exponential gaps has a relative deviation of 1/sqrt(n): 0.3 %.
    EXPECT_NEAR(static_cast<double>(times.back().count()), 1e9 * count / 1000, 0.02 * 1e9 * count / 1000);
    // A gap is longer than the mean with probability 1/e.
    int longer = 0;
    for (int i = 1; i < count; ++i)
        longer += times[static_cast<std::size_t>(i)] - times[static_cast<std::size_t>(i) - 1] > 1ms;
    EXPECT_NEAR(static_cast<double>(longer) / count, 0.3679, 0.01);
}

} // namespace
} // namespace headroom::load
