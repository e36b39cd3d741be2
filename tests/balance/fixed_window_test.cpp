// A count that begins anew every minute, at a phase that is learned a little late.
#include "balance/fixed_window.hpp"

#include <gtest/gtest.h>

namespace headroom::balance {
namespace {

// Windows begin at ticks that are divisible by sixty.

TEST(FixedWindow, BeginsAnewWithEachMinute) {
    FixedWindow window;
    EXPECT_TRUE(window.try_take(70, 100, 610));
    EXPECT_FALSE(window.try_take(31, 100, 650));
    EXPECT_TRUE(window.try_take(30, 100, 650));
    EXPECT_EQ(window.total(659), 100);
    EXPECT_EQ(window.total(660), 0);
    EXPECT_EQ(window.ticks_left(610), 50U);
    EXPECT_EQ(window.ticks_left(659), 1U);
}

TEST(FixedWindow, WhatIsChargedShortlyBeforeTheEndCountsInBoth) {
    FixedWindow window;
    window.add(40, 656);
    window.add(20, 657);
    EXPECT_TRUE(window.try_take(10, 100, 659));
    EXPECT_EQ(window.total(659), 70);
    EXPECT_EQ(window.total(660), 30);
    EXPECT_FALSE(window.try_take(71, 100, 660));
    EXPECT_TRUE(window.try_take(70, 100, 660));
    EXPECT_EQ(window.total(720), 0) << "but not in a third";
}

TEST(FixedWindow, ChangesACharge) {
    FixedWindow window;
    window.add(40, 630);
    window.add(20, 658);
    window.change(-15, 630, 659);
    EXPECT_EQ(window.total(659), 45);
    window.change(-5, 658, 659);
    EXPECT_EQ(window.total(659), 40);
    EXPECT_EQ(window.total(660), 15);
    window.change(-5, 658, 661);
    EXPECT_EQ(window.total(661), 10);
    window.change(-10, 630, 661);
    EXPECT_EQ(window.total(661), 10) << "of a window that is over there is nothing to change";
}

TEST(FixedWindow, ABackendsCountReplacesWhatWasCountedTwice) {
    FixedWindow window;
    window.add(50, 659);
    window.confine(5, 20, 661);
    EXPECT_EQ(window.total(661), 20);
}

TEST(FixedWindow, APhaseThatIsFoundKeepsTheCount) {
    FixedWindow window;
    window.add(80, 610);
    window.set_phase(20, 655);
    EXPECT_EQ(window.total(655), 80);
    EXPECT_EQ(window.total(679), 80);
    EXPECT_EQ(window.total(680), 0);
    window.add(30, 690);
    window.set_phase(25, 691);
    EXPECT_EQ(window.total(691), 30);
}

} // namespace
} // namespace headroom::balance
