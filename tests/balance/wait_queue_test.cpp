// Whose turn it is: order, fairness, bounds, and that nobody starves, on seeded loads and virtual time.
#include "balance/wait_queue.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;
using Entry = WaitQueue::Entry;
using State = WaitQueue::Entry::State;

constexpr Time start{1h};

Entry entry(Duration patience, std::uint64_t tenant = 1, std::int64_t cost = 100, std::uint64_t lane = 7) {
    Entry made;
    made.deadline = start + patience;
    made.lane = lane;
    made.tenant = tenant;
    made.cost = Tokens(cost);
    return made;
}

Choice sends() {
    Choice choice;
    choice.kind = Choice::Kind::send;
    return choice;
}

Choice waits(Duration opening) {
    Choice choice;
    choice.kind = Choice::Kind::wait;
    choice.retry_after = opening;
    return choice;
}

/// Answers as the test says, and keeps the order.
class Script : public WaitQueue::Keeper {
  public:
    std::function<Choice(Entry&, bool)> answer = [](Entry&, bool) { return sends(); };
    std::vector<Entry*> asked;
    std::vector<Entry*> out;

    Choice choose(Entry& one, bool first) override {
        asked.push_back(&one);
        return answer(one, first);
    }
    void left(Entry& one) override { out.push_back(&one); }
};

class WaitQueueTest : public ::testing::Test {
  protected:
    static WaitQueueOptions bounds(std::size_t length, std::uint64_t bytes = 1U << 20U) {
        return {length, bytes};
    }
    Script script;
};

TEST_F(WaitQueueTest, OneTenantIsServedByDeadline) {
    WaitQueue queue(bounds(10), script);
    Entry late = entry(9s);
    Entry soon = entry(3s);
    Entry middle = entry(5s);
    for (Entry* one : {&late, &soon, &middle})
        ASSERT_TRUE(queue.join(*one, start));
    queue.dispatch(7, start);
    EXPECT_EQ(script.out, (std::vector<Entry*>{&soon, &middle, &late}));
    EXPECT_EQ(queue.size(), 0U);
    EXPECT_FALSE(queue.busy(7));
    EXPECT_EQ(queue.wake_at(), Time::max());
}

TEST_F(WaitQueueTest, EqualDeadlinesAreServedAsTheyCame) {
    WaitQueue queue(bounds(10), script);
    std::deque<Entry> all;
    std::vector<Entry*> expected;
    for (int i = 0; i < 5; ++i)
        expected.push_back(&all.emplace_back(entry(5s)));
    for (Entry& one : all)
        ASSERT_TRUE(queue.join(one, start));
    queue.dispatch_all(start);
    EXPECT_EQ(script.out, expected);
}

TEST_F(WaitQueueTest, OnlyTheFirstThatIsNotServedClaims) {
    WaitQueue queue(bounds(10), script);
    Entry one = entry(3s);
    Entry two = entry(4s);
    Entry three = entry(5s);
    std::vector<bool> firsts;
    script.answer = [&](Entry& asked, bool first) {
        firsts.push_back(first);
        return &asked == &one ? sends() : waits(1s);
    };
    for (Entry* each : {&one, &two, &three})
        ASSERT_TRUE(queue.join(*each, start));
    queue.dispatch(7, start);
    EXPECT_EQ(firsts, (std::vector<bool>{true, true, false}));
    EXPECT_EQ(one.state, State::sent);
    EXPECT_EQ(two.state, State::waiting);
}

TEST_F(WaitQueueTest, WakesForTheSoonestOpeningOrDeadline) {
    WaitQueue queue(bounds(10), script);
    Entry one = entry(9s);
    Entry two = entry(10s);
    script.answer = [&](Entry& asked, bool) { return waits(&asked == &one ? 4s : 2s); };
    ASSERT_TRUE(queue.join(one, start));
    EXPECT_EQ(queue.wake_at(), one.deadline); // not asked yet
    ASSERT_TRUE(queue.join(two, start));
    queue.dispatch(7, start);
    EXPECT_EQ(queue.wake_at(), start + 2s);
    Entry hasty = entry(1s, 2);
    script.answer = [&](Entry&, bool) { return waits(1ms); };
    ASSERT_TRUE(queue.join(hasty, start));
    queue.dispatch(7, start);
    EXPECT_EQ(queue.wake_at(), start + 1ms);
    for (Entry* each : {&one, &two, &hasty})
        queue.leave(*each);
    EXPECT_EQ(queue.wake_at(), Time::max());
}

TEST_F(WaitQueueTest, AnOpeningAfterTheDeadlineIsRefusedAtOnceWithTheTruth) {
    WaitQueue queue(bounds(10), script);
    Entry hasty = entry(3s);
    script.answer = [](Entry&, bool) { return waits(5s); };
    ASSERT_TRUE(queue.join(hasty, start));
    queue.dispatch(7, start);
    EXPECT_EQ(hasty.state, State::refused);
    EXPECT_TRUE(hasty.choice.quota);
    EXPECT_EQ(hasty.choice.kind, Choice::Kind::refuse);
    EXPECT_EQ(hasty.choice.retry_after, 5s);
    EXPECT_FALSE(queue.busy(7));
}

TEST_F(WaitQueueTest, ExpiresWithWhatTheFirstOneWasTold) {
    WaitQueue queue(bounds(10), script);
    Entry patient = entry(20s);
    Entry other = entry(4s, 2);
    script.answer = [](Entry&, bool) { return waits(3s); };
    ASSERT_TRUE(queue.join(patient, start));
    ASSERT_TRUE(queue.join(other, start));
    queue.dispatch_all(start);
    queue.dispatch_all(start + 3s);
    ASSERT_EQ(other.state, State::refused) << "the opening is 2 s behind its deadline";
    Entry third = entry(5s, 3);
    ASSERT_TRUE(queue.join(third, start + 3s));
    queue.dispatch_all(start + 5s);
    EXPECT_EQ(third.state, State::expired);
    EXPECT_EQ(third.choice.retry_after, 1s);
    EXPECT_EQ(patient.state, State::waiting);
    queue.leave(patient);
}

TEST_F(WaitQueueTest, LanesDoNotHoldEachOtherUp) {
    WaitQueue queue(bounds(100), script);
    std::deque<Entry> stuck;
    script.answer = [](Entry& asked, bool) { return asked.lane == 7 ? waits(2s) : sends(); };
    for (unsigned i = 0; i < 3 * WaitQueue::backfill_max; ++i)
        ASSERT_TRUE(queue.join(stuck.emplace_back(entry(5s)), start));
    Entry other = entry(9s, 1, 100, 8);
    ASSERT_TRUE(queue.join(other, start));
    queue.dispatch_all(start);
    EXPECT_EQ(other.state, State::sent);
    EXPECT_LE(script.asked.size(), WaitQueue::backfill_max + 1U) << "a turn is bounded";
    for (Entry& one : stuck)
        queue.leave(one);
}

TEST_F(WaitQueueTest, MoreLanesThanThereAreShareOne) {
    WaitQueue queue(bounds(1000), script);
    std::deque<Entry> all;
    for (std::uint64_t i = 0; i < 3 * WaitQueue::lanes_max; ++i) {
        ASSERT_TRUE(queue.join(all.emplace_back(entry(5s, 1, 100, 1000 + i)), start));
        EXPECT_TRUE(queue.busy(1000 + i));
    }
    queue.dispatch_all(start);
    for (Entry& one : all)
        EXPECT_EQ(one.state, State::sent);
    EXPECT_EQ(queue.size(), 0U);
}

TEST_F(WaitQueueTest, WhoHoldsMostMakesRoom) {
    WaitQueue queue(bounds(4), script);
    script.answer = [](Entry&, bool) { return waits(2s); };
    std::deque<Entry> greedy;
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(queue.join(greedy.emplace_back(entry(5s + i * 1s, 1)), start));
    queue.dispatch_all(start);
    Entry modest = entry(30s, 2);
    EXPECT_TRUE(queue.join(modest, start));
    EXPECT_EQ(greedy[3].state, State::full) << "the latest of the greedy one";
    EXPECT_EQ(greedy[3].choice.retry_after, 2s);
    EXPECT_TRUE(greedy[3].choice.quota);
    Entry more = entry(30s, 1);
    EXPECT_FALSE(queue.join(more, start)) << "a later one of the greedy one itself";
    EXPECT_EQ(more.state, State::full);
    Entry sooner = entry(3s, 1);
    EXPECT_TRUE(queue.join(sooner, start));
    EXPECT_EQ(greedy[2].state, State::full);
    EXPECT_EQ(queue.size(), 4U);
    for (Entry* one : {&greedy[0], &greedy[1], &modest, &sooner})
        queue.leave(*one);
}

TEST_F(WaitQueueTest, BodiesAreBoundedToo) {
    WaitQueue queue(bounds(100, 1000), script);
    Entry large = entry(5s, 1);
    large.bytes = 900;
    ASSERT_TRUE(queue.join(large, start));
    Entry huge = entry(5s, 2);
    huge.bytes = 1001;
    EXPECT_FALSE(queue.join(huge, start));
    EXPECT_EQ(large.state, State::waiting) << "nobody makes room for what never fits";
    Entry small = entry(5s, 2);
    small.bytes = 200;
    EXPECT_TRUE(queue.join(small, start));
    EXPECT_EQ(large.state, State::full);
    EXPECT_EQ(queue.bytes(), 200U);
    queue.leave(small);
    EXPECT_EQ(queue.bytes(), 0U);
}

TEST_F(WaitQueueTest, LengthZeroTakesNobody) {
    WaitQueue queue(bounds(0), script);
    Entry one = entry(5s);
    EXPECT_FALSE(queue.join(one, start));
    EXPECT_GE(one.choice.retry_after, 1ms);
}

// A bucket of tokens that fills at a steady rate; what the first one waits for is kept for it.
class Bucket : public WaitQueue::Keeper {
  public:
    Bucket(double rate, double size) : rate_(rate), size_(size) {}

    void advance(Time now) {
        level_ = std::min(size_, level_ + rate_ * std::chrono::duration<double>(now - now_).count());
        now_ = now;
    }
    Choice choose(Entry& one, bool first) override {
        const auto cost = static_cast<double>(one.cost.count());
        if (first && level_ + 1e-6 >= cost) {
            level_ -= cost;
            return sends();
        }
        const double lacking = std::max(cost - level_, 1.0);
        return waits(std::chrono::ceil<Duration>(std::chrono::duration<double>(lacking / rate_)));
    }
    void left(Entry& one) override {
        if (one.state == State::sent) served[one.tenant] += static_cast<double>(one.cost.count());
        ended.push_back(&one);
    }

    std::map<std::uint64_t, double> served;
    std::vector<Entry*> ended;

  private:
    double rate_;
    double size_;
    double level_ = 0;
    Time now_ = start;
};

// Both always have something waiting; each gets its weight's share whatever the sizes of its requests.
TEST(WaitQueueFairness, BusyTenantsShareByWeightWhateverTheyAskFor) {
    for (const std::uint64_t seed : seeds(40)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        Bucket bucket(1000, 5000);
        WaitQueue queue({500, 1U << 30U}, bucket);
        std::deque<Entry> all;
        const std::vector<double> weights{1, static_cast<double>(1 + random.below(4))};
        const std::vector<std::int64_t> sizes{static_cast<std::int64_t>(1 + random.below(40)),
                                              static_cast<std::int64_t>(500 + random.below(3000))};
        std::vector<std::size_t> waiting{0, 0};
        const auto refill = [&](Time now) {
            for (std::uint64_t tenant = 0; tenant < 2; ++tenant) {
                while (waiting[tenant] < 100) {
                    Entry& one = all.emplace_back();
                    one.deadline = now + 1h;
                    one.lane = 7;
                    one.tenant = tenant;
                    one.weight = weights[tenant];
                    one.cost = Tokens(1 + static_cast<std::int64_t>(
                                              random.below(static_cast<std::uint64_t>(sizes[tenant]))));
                    ASSERT_TRUE(queue.join(one, now));
                    ++waiting[tenant];
                }
            }
        };
        Time now = start;
        for (int turn = 0; turn < 3000; ++turn) {
            refill(now);
            bucket.advance(now);
            queue.dispatch_all(now);
            for (const Entry* one : bucket.ended)
                --waiting[one->tenant];
            bucket.ended.clear();
            now = std::max(now + 1ms, queue.wake_at());
        }
        const double total = bucket.served[0] + bucket.served[1];
        // apart by no more than a few of the largest requests, as virtual token counters promise
        const double most_apart = 3.0 * static_cast<double>(sizes[1]) * weights[1];
        EXPECT_LT(std::abs(bucket.served[0] / weights[0] - bucket.served[1] / weights[1]), most_apart)
            << bucket.served[0] << " of " << total;
        for (Entry& one : all)
            queue.leave(one);
    }
}

// A light tenant beside a flood: it waits for what is in front of it now, not for the flood.
TEST(WaitQueueFairness, ALightTenantIsNotHeldUpByAHeavyOne) {
    for (const std::uint64_t seed : seeds(40)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        Bucket bucket(1000, 2000);
        WaitQueue queue({2000, 1U << 30U}, bucket);
        std::deque<Entry> heavy;
        for (int i = 0; i < 1000; ++i)
            ASSERT_TRUE(queue.join(heavy.emplace_back(entry(1h, 1, 1 + static_cast<int>(random.below(1000)))),
                                   start));
        queue.dispatch_all(start);
        Time now = start + 20s; // the heavy one has had some by now
        for (Time at = queue.wake_at(); at < now; at = std::max(at + 1ms, queue.wake_at())) {
            bucket.advance(at);
            queue.dispatch_all(at);
        }
        std::deque<Entry> light;
        for (int i = 0; i < 10; ++i) {
            Entry& one = light.emplace_back(entry(2h, 2, 1 + static_cast<int>(random.below(500))));
            ASSERT_TRUE(queue.join(one, now));
            const Time came = now;
            while (one.state == State::waiting) {
                bucket.advance(now);
                queue.dispatch_all(now);
                if (one.state == State::waiting) now = std::max(now + 1ms, queue.wake_at());
                ASSERT_LT(now, came + 6s) << "at most one large request each way is before it";
            }
        }
        for (Entry& one : heavy)
            queue.leave(one);
    }
}

// Small ones keep coming, with later deadlines; the large one goes when its turn has come.
TEST(WaitQueueFairness, ALargeRequestDoesNotStarveAmongSmallOnes) {
    for (const std::uint64_t seed : seeds(40)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        const bool same_tenant = random.chance(50);
        Bucket bucket(1000, 4000);
        WaitQueue queue({1000, 1U << 30U}, bucket);
        std::deque<Entry> small;
        Entry large = entry(1h, same_tenant ? 1 : 2, 4000);
        Time now = start;
        const auto add = [&] {
            Entry& one =
                small.emplace_back(entry(1h + (now - start), 1, 1 + static_cast<int>(random.below(50))));
            ASSERT_TRUE(queue.join(one, now));
        };
        for (int i = 0; i < 40; ++i)
            add();
        ASSERT_TRUE(queue.join(large, now));
        while (large.state == State::waiting) {
            for (std::size_t i = queue.size(); i < 60; ++i)
                add();
            bucket.advance(now);
            queue.dispatch_all(now);
            now = std::max(now + 1ms, queue.wake_at());
            // its own tokens' time, what was before it, and as much for the other tenant
            ASSERT_LT(now, start + 15s);
        }
        EXPECT_EQ(large.state, State::sent);
        for (Entry& one : small)
            queue.leave(one);
    }
}

TEST(WaitQueueFairness, WhatWasNotUsedIsGivenBack) {
    Script script;
    WaitQueue queue({100, 1U << 20U}, script);
    script.answer = [](Entry&, bool) { return waits(1s); };
    std::deque<Entry> all;
    const auto add = [&](std::uint64_t tenant) -> Entry& {
        Entry& one = all.emplace_back(entry(1h, tenant));
        EXPECT_TRUE(queue.join(one, start));
        return one;
    };
    for (std::uint64_t tenant : {1U, 2U, 1U, 2U, 1U, 2U})
        add(tenant);
    // one turn: tenant 1 or 2 has 100 tokens more afterwards, and is not the next
    bool gave = false;
    script.answer = [&](Entry&, bool) { return std::exchange(gave, true) ? waits(1s) : sends(); };
    queue.dispatch_all(start);
    const std::uint64_t served = script.out.at(0)->tenant;
    const auto next = [&] {
        script.asked.clear();
        queue.dispatch_all(start);
        return script.asked.at(0)->tenant;
    };
    EXPECT_NE(next(), served);
    queue.correct(7, served, 1, Tokens(-101)); // refused: it had nothing of it
    EXPECT_EQ(next(), served);
    queue.correct(7, served, 1, Tokens(5000)); // an answer far longer than expected
    EXPECT_NE(next(), served);
    for (Entry& one : all)
        queue.leave(one);
}

// Whatever happens in whatever order: everybody ends once, nothing is lost, the bounds hold.
TEST(WaitQueueProperties, AnyOrderOfEventsKeepsTheBooks) {
    for (const std::uint64_t seed : seeds(300)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        Script script;
        const WaitQueueOptions options{1 + random.below(50), 1 + random.below(5000)};
        WaitQueue queue(options, script);
        Time now = start;
        script.answer = [&](Entry&, bool) {
            switch (random.below(4)) {
                case 0: return sends();
                case 1: return Choice{};
                default: return waits(Duration(random.below(3'000'000'000)));
            }
        };
        std::vector<std::unique_ptr<Entry>> all;
        std::size_t outside = 0;
        for (int step = 0; step < 400; ++step) {
            const std::uint64_t what = random.below(10);
            if (what < 6) {
                Entry& one = *all.emplace_back(std::make_unique<Entry>());
                one.deadline = now + Duration(random.below(5'000'000'000));
                one.lane = random.below(random.chance(10) ? 200 : 3);
                one.tenant = random.below(random.chance(5) ? 5000 : 4);
                one.weight = static_cast<double>(random.below(4));
                one.cost = Tokens(static_cast<std::int64_t>(random.below(2000)));
                one.bytes = random.below(300);
                if (!queue.join(one, now)) ++outside;
                if (random.chance(70)) queue.dispatch(one.lane, now);
            } else if (what < 7 && !all.empty()) {
                Entry& one = *all[random.below(all.size())];
                if (one.state == State::waiting) ++outside;
                queue.leave(one);
            } else if (what < 8) {
                queue.correct(random.below(3), random.below(4), 1,
                              Tokens(static_cast<std::int64_t>(random.below(400)) - 200));
            } else {
                now += Duration(random.below(500'000'000));
                queue.dispatch_all(now);
                for (const auto& one : all)
                    EXPECT_FALSE(one->state == State::waiting && one->deadline <= now);
            }
            std::uint64_t bytes = 0;
            std::size_t waiting = 0;
            for (const auto& one : all) {
                if (one->state != State::waiting) continue;
                ++waiting;
                bytes += one->bytes;
                EXPECT_TRUE(queue.busy(one->lane));
            }
            ASSERT_EQ(queue.size(), waiting);
            ASSERT_EQ(queue.bytes(), bytes);
            ASSERT_EQ(script.out.size() + outside + waiting, all.size());
            ASSERT_LE(queue.size(), options.length_max);
            ASSERT_LE(queue.bytes(), options.bytes_max);
            ASSERT_EQ(queue.wake_at() == Time::max(), waiting == 0);
            if (waiting > 0) ASSERT_LE(queue.wake_at(), now + 5s);
        }
        for (const auto& one : all)
            queue.leave(*one);
    }
}

} // namespace
} // namespace headroom::balance
