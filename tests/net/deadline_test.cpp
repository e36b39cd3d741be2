// Deadline: fires once, never early, at most one tick late, whatever callbacks do; checked against a plain
// model.
#include "net/deadline.hpp"

#include "net/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace headroom::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time start = Time(std::chrono::hours(1000));
constexpr Duration tick = Deadlines::tick;

void count(void* counter) {
    ++*static_cast<int*>(counter);
}

TEST(DeadlineTest, FiresOnceAndNotEarly) {
    Deadlines wheel(start);
    int fired = 0;
    Deadline deadline(wheel, count, &fired);
    deadline.arm(start + milliseconds(95));
    wheel.advance(start + milliseconds(94));
    EXPECT_EQ(fired, 0);
    wheel.advance(start + milliseconds(95) + tick);
    EXPECT_EQ(fired, 1);
    EXPECT_FALSE(deadline.armed());
    wheel.advance(start + hours(1));
    EXPECT_EQ(fired, 1);
}

TEST(DeadlineTest, APastTimeFiresAtTheNextTick) {
    Deadlines wheel(start);
    wheel.advance(start + seconds(5));
    int fired = 0;
    Deadline deadline(wheel, count, &fired);
    deadline.arm(start);
    EXPECT_EQ(fired, 0) << "arm() never calls";
    wheel.advance(start + seconds(5) + tick);
    EXPECT_EQ(fired, 1);
}

TEST(DeadlineTest, MovingOutwardsIsFreeAndKept) {
    Deadlines wheel(start);
    int fired = 0;
    Deadline deadline(wheel, count, &fired);
    Time now = start;
    for (int chunk = 0; chunk < 1000; ++chunk) {
        deadline.arm(now + seconds(3));
        now += milliseconds(50);
        wheel.advance(now);
    }
    EXPECT_EQ(fired, 0);
    wheel.advance(now + seconds(3) + tick);
    EXPECT_EQ(fired, 1);
}

TEST(DeadlineTest, MovingInwardsFiresSooner) {
    Deadlines wheel(start);
    int fired = 0;
    Deadline deadline(wheel, count, &fired);
    deadline.arm(start + hours(2));
    deadline.arm(start + seconds(1));
    EXPECT_LE(wheel.sleep_bound(start), seconds(1) + tick);
    wheel.advance(start + seconds(1) + tick);
    EXPECT_EQ(fired, 1);
}

TEST(DeadlineTest, DisarmedAndDestroyedOnesNeverFire) {
    Deadlines wheel(start);
    int fired = 0;
    {
        Deadline gone(wheel, count, &fired);
        gone.arm(start + seconds(1));
    }
    Deadline quiet(wheel, count, &fired);
    quiet.arm(start + seconds(1));
    quiet.disarm();
    quiet.disarm();
    EXPECT_EQ(wheel.armed(), 0U);
    EXPECT_EQ(wheel.sleep_bound(start), Duration::max());
    wheel.advance(start + hours(1));
    EXPECT_EQ(fired, 0);
}

/// Deadlines for the same tick whose callbacks disarm, destroy and re-arm one another.
struct Meddler {
    std::deque<std::unique_ptr<Deadline>> others;
    Deadlines* wheel = nullptr;
    Time again;
    int fired = 0;
    static void expired(void* self) {
        auto& meddler = *static_cast<Meddler*>(self);
        ++meddler.fired;
        if (meddler.others.empty()) return;
        meddler.others.pop_front();
        if (!meddler.others.empty()) meddler.others.front()->disarm();
        if (meddler.others.size() > 1) meddler.others.back()->arm(meddler.again);
    }
};

TEST(DeadlineTest, CallbacksMayTouchTheirNeighbours) {
    Deadlines wheel(start);
    Meddler meddler;
    meddler.wheel = &wheel;
    meddler.again = start + seconds(30);
    for (int i = 0; i < 6; ++i) {
        meddler.others.push_back(std::make_unique<Deadline>(wheel, Meddler::expired, &meddler));
        meddler.others.back()->arm(start + seconds(1));
    }
    Deadline first(wheel, Meddler::expired, &meddler);
    first.arm(start + seconds(1));
    wheel.advance(start + seconds(2));
    EXPECT_GE(meddler.fired, 1);
    meddler.others.clear();
    EXPECT_EQ(wheel.armed(), 0U);
}

/// What a deadline should do, kept the simple way.
struct Expected {
    std::optional<Time> at;
    Duration::rep due_tick = 0;
    int fired = 0;
};

Duration::rep ticks_up_to(Time at) {
    return (at - start) / tick;
}

Duration::rep tick_of(Time at) {
    return at <= start ? 0 : (at - start + tick - Duration(1)) / tick;
}

class DeadlineModelTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(DeadlineModelTest, AgreesWithThePlainModel) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    Random random(GetParam());
    Deadlines wheel(start);
    constexpr std::size_t deadlines = 50;
    std::vector<int> fired(deadlines, 0);
    std::vector<Expected> expected(deadlines);
    std::deque<Deadline> armed;
    for (int& counter : fired)
        armed.emplace_back(wheel, count, &counter);
    Time now = start;
    for (int step = 0; step < 4000; ++step) {
        const std::size_t which = random.next() % deadlines;
        const auto far = static_cast<Duration::rep>(random.next() % 3 == 0 ? 40'000 : 2'000);
        switch (random.next() % 4) {
            case 0:
            case 1: {
                const Time at = now + milliseconds(static_cast<Duration::rep>(random.next()) % far);
                armed[which].arm(at);
                expected[which].at = at;
                expected[which].due_tick = std::max(tick_of(at), ticks_up_to(now) + 1);
                break;
            }
            case 2:
                armed[which].disarm();
                expected[which].at.reset();
                break;
            default: {
                now +=
                    milliseconds(static_cast<Duration::rep>(random.next() % (step % 50 == 0 ? 30'000 : 300)));
                wheel.advance(now);
                for (Expected& one : expected) {
                    if (!one.at || one.due_tick > ticks_up_to(now)) continue;
                    ++one.fired;
                    one.at.reset();
                }
            }
        }
        // Nothing may be due while the loop is told that it may sleep.
        for (const Expected& one : expected) {
            if (!one.at) continue;
            ASSERT_LE(now + wheel.sleep_bound(now), std::max(*one.at, now) + tick);
        }
        for (std::size_t i = 0; i < deadlines; ++i) {
            ASSERT_EQ(fired[i], expected[i].fired) << "deadline " << i << ", step " << step;
            ASSERT_EQ(armed[i].armed(), expected[i].at.has_value());
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DeadlineModelTest, testing::Range<std::uint64_t>(1, 9));

} // namespace
} // namespace headroom::net
