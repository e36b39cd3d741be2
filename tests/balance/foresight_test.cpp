// What was foreseen is remembered for its quarter only, and as well as anybody needs it.
#include "balance/foresight.hpp"

#include "balance/window.hpp"

#include <gtest/gtest.h>

namespace headroom::balance {
namespace {

TEST(Foresight, KnowsNothingBeforeSomebodyLooked) {
    const Foresight foresight;
    EXPECT_FALSE(foresight.in(1));
}

TEST(Foresight, HoldsForItsQuarterOnly) {
    Foresight foresight;
    foresight.keep(7, {0.25, 1500});
    EXPECT_FALSE(foresight.in(6));
    EXPECT_FALSE(foresight.in(8));
    const auto seen = foresight.in(7);
    ASSERT_TRUE(seen);
    EXPECT_NEAR(seen->rush, 0.25, 1.0 / 4095);
    EXPECT_EQ(seen->mean, 1500);
}

TEST(Foresight, ConfinesWhatItIsTold) {
    Foresight foresight;
    foresight.keep(window_tick_max, {3, 1e12});
    const auto most = foresight.in(window_tick_max);
    ASSERT_TRUE(most);
    EXPECT_EQ(most->rush, 1);
    EXPECT_EQ(most->mean, (1 << 24) - 1);
    foresight.keep(1, {-1, -5});
    const auto least = foresight.in(1);
    ASSERT_TRUE(least);
    EXPECT_EQ(least->rush, 0);
    EXPECT_EQ(least->mean, 0);
}

} // namespace
} // namespace headroom::balance
