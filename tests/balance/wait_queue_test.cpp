// Whose turn it is: order, lanes, bounds, and what a tenant is charged.
#include "tests/balance/wait_queue_fixture.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <utility>
#include <vector>

namespace headroom::balance {
namespace {

constexpr Time start = queue_start;

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
    expected.reserve(5);
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

TEST_F(WaitQueueTest, WhoWouldBeTurnedAwayIsAskedForOnceMore) {
    WaitQueue queue(bounds(10), script);
    Entry hopeless = entry(4s);
    Entry expiring = entry(5s, 2);
    Duration opening = 4s;
    std::vector<Entry*> last;
    script.answer = [&](Entry&, bool) { return waits(opening); };
    script.last_answer = [&](Entry& one) {
        last.push_back(&one);
        return sends();
    };
    ASSERT_TRUE(queue.join(hopeless, start));
    ASSERT_TRUE(queue.join(expiring, start));
    queue.dispatch_all(start);
    EXPECT_TRUE(last.empty()) << "both may still wait";
    queue.dispatch_all(start + 1s);
    EXPECT_EQ(hopeless.state, State::sent) << "its opening is a second behind its deadline";
    opening = 1s;
    queue.dispatch_all(start + 4s);
    EXPECT_EQ(expiring.state, State::waiting);
    queue.dispatch_all(start + 5s);
    EXPECT_EQ(expiring.state, State::sent) << "its deadline has come";
    EXPECT_EQ(last, (std::vector<Entry*>{&hopeless, &expiring}));
    EXPECT_EQ(queue.size(), 0U);
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

TEST_F(WaitQueueTest, WhatWasNotUsedIsGivenBack) {
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

} // namespace
} // namespace headroom::balance
