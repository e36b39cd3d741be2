// That nobody starves and the books are kept, on seeded loads and virtual time.
#include "tests/balance/random.hpp"
#include "tests/balance/wait_queue_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace headroom::balance {
namespace {

constexpr Time start = queue_start;

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
        if (!first) return waits(1s); // whatever is there is the first one's
        const double lacking = std::max(cost - level_, 1.0);
        return waits(std::chrono::ceil<Duration>(std::chrono::duration<double>(lacking / rate_)));
    }
    Choice choose_last(Entry&) override { return {}; }
    Supply supply(Entry&) override {
        return drip(static_cast<std::int64_t>(level_), static_cast<std::int64_t>(rate_));
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
    for (const std::uint64_t seed : property_seeds()) {
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
        const Time end = start + sizes[1] * 100ms; // a hundred of the largest
        while (now < end) {
            refill(now);
            bucket.advance(now);
            queue.dispatch_all(now);
            for (const Entry* one : bucket.ended)
                --waiting[one->tenant];
            bucket.ended.clear();
            now = std::max(now + 1ms, queue.wake_at());
        }
        const double total = bucket.served[0] + bucket.served[1];
        ASSERT_GT(total, 90.0 * static_cast<double>(sizes[1]));
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
    for (const std::uint64_t seed : property_seeds()) {
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
    for (const std::uint64_t seed : property_seeds()) {
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

struct Held {
    std::size_t length = 0;
    std::uint64_t bytes = 0;
};

Held held_by(const std::vector<std::unique_ptr<Entry>>& all) {
    Held held;
    for (const auto& one : all) {
        if (one->state != State::waiting) continue;
        ++held.length;
        held.bytes += one->bytes;
    }
    return held;
}

std::unique_ptr<Entry> random_entry(Random& random, Time now) {
    auto one = std::make_unique<Entry>();
    one->deadline = now + Duration(random.below(5'000'000'000));
    one->lane = random.below(random.chance(10) ? 200 : 3);
    one->tenant = random.below(random.chance(5) ? 5000 : 4);
    one->weight = static_cast<double>(random.below(4));
    one->cost = Tokens(static_cast<std::int64_t>(random.below(2000)));
    one->bytes = random.below(300);
    return one;
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
                Entry& one = *all.emplace_back(random_entry(random, now));
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
            const Held held = held_by(all);
            ASSERT_EQ(queue.size(), held.length);
            ASSERT_EQ(queue.bytes(), held.bytes);
            ASSERT_EQ(script.out.size() + outside + held.length, all.size());
            ASSERT_LE(queue.size(), options.length_max);
            ASSERT_LE(queue.bytes(), options.bytes_max);
            ASSERT_EQ(queue.wake_at() == Time::max(), held.length == 0);
            if (held.length > 0) ASSERT_LE(queue.wake_at(), now + 5s);
        }
        for (const auto& one : all)
            queue.leave(*one);
    }
}

} // namespace
} // namespace headroom::balance
