// The window against a plain list of charges, and the corners where its ring and its sum meet.
#include "balance/window.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <map>

namespace headroom::balance {
namespace {

TEST(Window, TakesUpToTheCeilingAndNotBeyond) {
    Window<60> window;
    WindowCharge charge;
    window.advance(100);
    EXPECT_TRUE(window.try_take(100, 70, 100, charge));
    EXPECT_FALSE(window.try_take(100, 31, 100, charge));
    EXPECT_TRUE(window.try_take(100, 30, 100, charge));
    EXPECT_EQ(window.total(), 100);
    EXPECT_FALSE(window.try_take(100, 1, 100, charge));
}

TEST(Window, ForgetsAChargeAfterExactlyOneWindow) {
    Window<10> window;
    WindowCharge charge;
    window.advance(5);
    window.take(5, 40, charge);
    window.advance(14);
    EXPECT_EQ(window.total(), 40);
    window.advance(15);
    EXPECT_EQ(window.total(), 0);
}

TEST(Window, ForgetsEverythingAfterALongPause) {
    Window<60> window;
    WindowCharge charge;
    for (std::uint32_t tick = 1; tick <= 60; ++tick) {
        window.advance(tick);
        window.take(tick, 1, charge);
    }
    EXPECT_EQ(window.total(), 60);
    window.advance(1'000'000);
    EXPECT_EQ(window.total(), 0);
}

TEST(Window, ReplacesAChargeWhileItIsInside) {
    Window<60> window;
    WindowCharge charge;
    window.advance(7);
    window.take(7, 100, charge);
    window.replace(charge, 30);
    EXPECT_EQ(window.total(), 30);
    window.replace(charge, 250);
    EXPECT_EQ(window.total(), 250);
    window.replace(charge, 0);
    EXPECT_EQ(window.total(), 0);
}

TEST(Window, LeavesAReusedBucketAlone) {
    Window<10> window;
    WindowCharge old_charge;
    WindowCharge new_charge;
    window.advance(3);
    window.take(3, 100, old_charge);
    window.advance(13);
    window.take(13, 7, new_charge);
    window.replace(old_charge, 0);
    EXPECT_EQ(window.total(), 7);
    window.replace(old_charge, 900);
    EXPECT_EQ(window.total(), 7);
}

TEST(Window, ACallerWhoseTimeLagsJoinsTheLaterBucket) {
    Window<10> window;
    WindowCharge charge;
    window.advance(13);
    window.take(13, 5, charge);
    window.take(3, 7, charge);
    EXPECT_EQ(charge.tick, 13U);
    EXPECT_EQ(window.total(), 12);
    window.replace(charge, 0);
    EXPECT_EQ(window.total(), 5);
    window.advance(23);
    EXPECT_EQ(window.total(), 0);
}

TEST(Window, ALateChargeIsNotMistakenForOneThatHasLeft) {
    Window<10> window;
    WindowCharge left;
    WindowCharge late;
    window.advance(3);
    window.take(3, 100, left);
    window.advance(14);
    window.take(3, 7, late);
    window.replace(left, 0);
    EXPECT_EQ(window.total(), 7);
    window.replace(late, 2);
    EXPECT_EQ(window.total(), 2);
    window.advance(24);
    EXPECT_EQ(window.total(), 0);
}

TEST(Window, AFullBucketTakesWhatFitsAndSaysSo) {
    Window<10> window;
    WindowCharge first;
    WindowCharge second;
    const std::int64_t bucket_max = (std::int64_t{1} << 36) - 1;
    window.take(1, bucket_max - 5, first);
    window.take(1, 100, second);
    EXPECT_EQ(second.amount, 5);
    EXPECT_EQ(window.total(), bucket_max);
    window.replace(second, 50);
    EXPECT_EQ(window.total(), bucket_max) << "a change that does not fit is not made";
    window.replace(second, 0);
    window.replace(first, 0);
    EXPECT_EQ(window.total(), 0);
}

/// Charges by tick, the plain way.
class Ledger {
  public:
    void add(std::uint32_t tick, std::int64_t amount) { charges_[tick] += amount; }
    std::int64_t sum(std::uint32_t now, std::uint32_t length) const {
        std::int64_t total = 0;
        for (const auto& [tick, amount] : charges_) {
            if (tick + length > now) total += amount;
        }
        return total;
    }

  private:
    std::map<std::uint32_t, std::int64_t> charges_;
};

TEST(Window, AgreesWithAPlainListUnderRandomUse) {
    for (const std::uint64_t seed : property_seeds()) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        Window<60> window;
        Ledger ledger;
        std::vector<WindowCharge> open;
        std::uint32_t now = 1 + static_cast<std::uint32_t>(random.below(1000));
        for (int step = 0; step < 2000; ++step) {
            if (random.chance(20))
                now += static_cast<std::uint32_t>(random.below(random.chance(5) ? 200 : 4));
            window.advance(now);
            if (random.chance(50) || open.empty()) {
                const auto amount = static_cast<std::int64_t>(random.below(1000));
                const std::int64_t ceiling = 20'000;
                const bool fits = ledger.sum(now, 60) + amount <= ceiling;
                WindowCharge charge;
                ASSERT_EQ(window.try_take(now, amount, ceiling, charge), fits);
                if (fits) ledger.add(now, amount), open.push_back(charge);
            } else {
                const std::size_t index = random.below(open.size());
                WindowCharge& charge = open[index];
                const std::int64_t before = charge.amount;
                const auto amount = static_cast<std::int64_t>(random.below(1000));
                window.replace(charge, amount);
                if (charge.tick + 60 > now) ledger.add(charge.tick, amount - before);
                open.erase(open.begin() + static_cast<std::ptrdiff_t>(index));
            }
            ASSERT_EQ(window.total(), ledger.sum(now, 60));
        }
    }
}

TEST(Window, KnowsWhenThereWillBeRoom) {
    Window<10> window;
    WindowCharge charge;
    window.advance(20);
    EXPECT_EQ(window.ticks_until(20, 5, 5), 0U);
    window.take(20, 3, charge);
    window.advance(24);
    window.take(24, 2, charge);
    EXPECT_EQ(window.ticks_until(24, 1, 6), 0U);
    EXPECT_EQ(window.ticks_until(24, 1, 5), 6U) << "the three of tick 20 leave at 30";
    EXPECT_EQ(window.ticks_until(24, 4, 5), 10U) << "the two of tick 24 must leave, too";
    EXPECT_EQ(window.ticks_until(24, 6, 5), 10U) << "never";
    window.advance(30);
    EXPECT_EQ(window.total() + 1, 3);
    EXPECT_EQ(window.ticks_until(30, 1, 5), 0U);
}

} // namespace
} // namespace headroom::balance
