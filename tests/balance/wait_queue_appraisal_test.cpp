// Who gives way when not all can be served in time: hand cases, and that nobody does needlessly.
#include "tests/balance/random.hpp"
#include "tests/balance/wait_queue_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

namespace headroom::balance {
namespace {

constexpr Time start = queue_start;

class Appraisal : public ::testing::Test {
  protected:
    Appraisal() {
        script.answer = [this](Entry&, bool first) {
            firsts.push_back(first);
            return waits(1ms);
        };
    }

  public:
    ~Appraisal() override {
        for (Entry& one : all)
            queue.leave(one);
    }
    Appraisal(const Appraisal&) = delete;
    Appraisal& operator=(const Appraisal&) = delete;

  protected:
    Entry& add(Duration patience, std::int64_t cost, std::uint64_t tenant = 1, std::int64_t expected = 0) {
        Entry& one = all.emplace_back(entry(patience, tenant, cost));
        one.expected = Tokens(expected);
        EXPECT_TRUE(queue.join(one, start));
        return one;
    }
    void dispatch(Time now = start) {
        script.asked.clear();
        firsts.clear();
        queue.dispatch_all(now);
    }
    std::vector<bool> giving_way() const {
        std::vector<bool> ways;
        ways.reserve(all.size());
        for (const Entry& one : all)
            ways.push_back(one.gives_way());
        return ways;
    }

    Script script;
    WaitQueue queue{{100, 1U << 20U}, script};
    std::deque<Entry> all;
    std::vector<bool> firsts;
};

TEST_F(Appraisal, NobodyGivesWayWhileAllCanBeServed) {
    script.quota = [] { return drip(0, 100); };
    Entry& large = add(6s, 600);
    Entry& small = add(9s, 300);
    dispatch();
    EXPECT_EQ(giving_way(), (std::vector<bool>{false, false}));
    EXPECT_EQ(script.asked, (std::vector<Entry*>{&large, &small}));
}

TEST_F(Appraisal, TheLargestGivesWayAndIsAskedLast) {
    script.quota = [] { return drip(0, 100); };
    Entry& small = add(3s, 200);
    Entry& large = add(8s, 600);
    Entry& third = add(9s, 300); // 1,100 tokens by then, of which there are 900
    dispatch();
    EXPECT_EQ(giving_way(), (std::vector<bool>{false, true, false}));
    EXPECT_EQ(script.asked, (std::vector<Entry*>{&small, &third, &large}));
    EXPECT_EQ(firsts, (std::vector<bool>{true, false, false})) << "it claims nothing";
}

TEST_F(Appraisal, WhoGaveWayIsFirstAgainWhenThereIsEnough) {
    script.quota = [] { return drip(0, 100); };
    Entry& large = add(8s, 600);
    add(9s, 200);
    Entry& third = add(9s, 300);
    dispatch();
    EXPECT_TRUE(large.gives_way());
    queue.leave(third);
    dispatch(start + 100ms);
    EXPECT_TRUE(large.gives_way()) << "looked at twice a second";
    dispatch(start + 500ms);
    EXPECT_FALSE(large.gives_way());
    EXPECT_EQ(script.asked.front(), &large);
    EXPECT_TRUE(firsts.front());
}

TEST_F(Appraisal, WhoGivesWayIsFirstWhenNobodyElseWaits) {
    script.quota = [] { return drip(0, 100); };
    Entry& large = add(4s, 600);
    dispatch();
    EXPECT_TRUE(large.gives_way());
    EXPECT_EQ(firsts, (std::vector<bool>{true}));
}

TEST_F(Appraisal, OnlyTheTenantThatWouldBeLateGivesWay) {
    script.quota = [] { return drip(0, 100); };
    Entry& others = add(9s, 500, 2); // the first turn: nobody has had anything, and it is due sooner
    Entry& own = add(20s, 600, 1);
    add(21s, 500, 1);
    Entry& small = add(15s, 400, 1); // by 21 s there are 2,100 tokens: all are in time
    dispatch();
    EXPECT_EQ(giving_way(), (std::vector<bool>{false, false, false, false}));
    add(21s, 300, 1);
    dispatch(start + 500ms);
    EXPECT_FALSE(others.gives_way());
    EXPECT_TRUE(own.gives_way());
    EXPECT_FALSE(small.gives_way());
}

// Both would make the room that is needed; one of them would use all of it.
TEST_F(Appraisal, WhoWouldUseLessOfItsChargeGivesWay) {
    script.quota = [] { return drip(0, 100); };
    add(8s, 510, 1, 500);
    add(9s, 500, 1, 100);
    dispatch();
    EXPECT_EQ(giving_way(), (std::vector<bool>{false, true}));
}

TEST_F(Appraisal, NothingIsKnownOfUnknownLimits) {
    add(1s, 1'000'000);
    add(2s, 10);
    dispatch();
    EXPECT_EQ(giving_way(), (std::vector<bool>{false, false}));
}

TEST_F(Appraisal, WhatOtherShardsTakeIsNotCountedOn) {
    std::int64_t charged = 1000;
    script.quota = [&] { return drip(0, 100, charged); };
    Entry& large = add(50s, 2000);
    add(50s, 1000);
    dispatch();
    EXPECT_FALSE(large.gives_way());
    for (int i = 1; i <= 10; ++i) {
        charged += 500; // by others: nobody of this queue was sent
        dispatch(start + i * 500ms);
    }
    EXPECT_TRUE(large.gives_way());
}

/// How many of `all` can be in time at most, by trying every subset.
std::size_t most_in_time(const std::vector<Entry*>& by_deadline, std::int64_t free, std::int64_t per_second) {
    std::size_t most = 0;
    for (std::uint32_t subset = 0; subset < 1U << by_deadline.size(); ++subset) {
        double ahead = 0;
        std::size_t kept = 0;
        bool in_time = true;
        for (std::size_t i = 0; i < by_deadline.size(); ++i) {
            if ((subset >> i & 1U) == 0) continue;
            ++kept;
            ahead += static_cast<double>(by_deadline[i]->cost.count());
            const double by_then = std::chrono::duration<double>(by_deadline[i]->deadline - start).count();
            in_time =
                in_time && ahead <= static_cast<double>(free) + static_cast<double>(per_second) * by_then;
        }
        if (in_time) most = std::max(most, kept);
    }
    return most;
}

// As many keep their turns as can be served in time; none is left out that could be.
TEST(AppraisalProperties, AsFewGiveWayAsPossible) {
    for (const std::uint64_t seed : property_seeds()) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        Script script;
        const auto free = static_cast<std::int64_t>(random.below(1000));
        const auto per_second = static_cast<std::int64_t>(100 + random.below(200));
        script.quota = [&] { return drip(free, per_second); };
        script.answer = [](Entry&, bool) { return waits(1ms); };
        WaitQueue queue({100, 1U << 20U}, script);
        std::deque<Entry> all;
        std::vector<Entry*> by_deadline;
        for (std::uint64_t i = 1 + random.below(10); i > 0; --i) {
            const auto cost = static_cast<std::int64_t>(1 + random.below(random.chance(30) ? 3000 : 500));
            Entry& one =
                all.emplace_back(entry(std::chrono::milliseconds(4 + 4 * random.below(5000)), 1, cost));
            ASSERT_TRUE(queue.join(one, start));
            by_deadline.push_back(&one);
        }
        std::ranges::sort(by_deadline, {}, &Entry::deadline);
        queue.dispatch_all(start);
        const auto keep = std::ranges::count_if(all, [](const Entry& one) { return !one.gives_way(); });
        // the level of the bucket is a whole number
        const std::size_t least = most_in_time(by_deadline, free - 1, per_second);
        const std::size_t most = most_in_time(by_deadline, free + 1, per_second);
        EXPECT_GE(static_cast<std::size_t>(keep), least);
        EXPECT_LE(static_cast<std::size_t>(keep), most);
        for (Entry& one : all)
            queue.leave(one);
    }
}

} // namespace
} // namespace headroom::balance
