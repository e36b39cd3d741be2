// More than the quotas allow, at one fleet, through the queues of one or several shards: tokens are served up
// to the quotas whatever happens, and those who are turned away shall be few. In virtual time, with backends
// that count as their twins do.
#include "balance/tries.hpp"
#include "balance/wait_queue.hpp"
#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <numeric>
#include <ostream>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;
using Entry = WaitQueue::Entry;

constexpr Time start{1h};
constexpr Duration patience = 60s;

/// One shard: its queue, and the requests that came to it.
class Shard : public WaitQueue::Keeper {
  public:
    Shard(Fleet& fleet, std::uint32_t owner) : fleet_(fleet), owner_(owner), queue_({}, *this) {}

    void take(std::int64_t cost, std::uint64_t tenant, Time now) {
        now_ = now;
        Entry& one = all_.emplace_back();
        one.deadline = now + patience;
        one.tenant = tenant;
        one.cost = one.expected = Tokens(cost);
        if (!queue_.join(one, now)) ++failed;
        turn(now);
    }
    void turn(Time now) {
        now_ = now;
        queue_.dispatch_all(now);
    }
    [[nodiscard]] Time wake_at() const { return queue_.wake_at(); }

    Choice choose(Entry& entry, bool first) override { return ask(entry, asking_in_turn(first, owner_)); }
    Choice choose_last(Entry&) override { return {}; } // the twin is right
    Supply supply(Entry& entry) override {
        Demand demand;
        demand.cost = entry.cost;
        return Balancer().supply(fleet_, demand, now_);
    }
    void left(Entry& entry) override {
        if (entry.state != Entry::State::sent) {
            ++failed;
            return;
        }
        served += entry.cost.count();
        entry.choice.lease.success(now_);
        entry.choice.lease.settle({}, now_);
    }

    int failed = 0;
    std::int64_t served = 0; ///< Tokens.

  private:
    Choice ask(const Entry& entry, const Asking& asking) {
        Demand demand;
        demand.cost = entry.cost;
        demand.patience = asking.patience;
        demand.owner = asking.owner;
        demand.claims = asking.claims;
        return Balancer().choose(fleet_, demand, now_);
    }

    Fleet& fleet_;
    std::uint32_t owner_;
    Time now_{};
    std::deque<Entry> all_;
    WaitQueue queue_;
};

/// Sizes as of chats: few are large, and these have much of the tokens.
std::int64_t size_of_chat(Random& random) {
    const double uniform = (static_cast<double>(random.below(1'000'000)) + 0.5) / 1e6;
    return std::min<std::int64_t>(8'000, std::llround(400 * std::pow(uniform, -0.6)));
}

constexpr std::int64_t per_minute = 90'000;
constexpr double load = 1.4;
constexpr Duration settling = 4min;
constexpr Duration length = 10min;

struct Sums {
    int requests = 0;
    int failed = 0;
    std::int64_t tokens = 0;
    std::int64_t served = 0;
    std::int64_t steadily = 0; ///< Tokens that were served once the quotas had settled, while requests came.
};

Sums run(std::uint32_t shards, std::uint64_t seed) {
    Random random(seed);
    std::vector<BackendSpec> specs(3);
    for (BackendSpec& spec : specs) {
        spec.tpm = Tokens(per_minute / 3);
        spec.rpm = 6'000;
    }
    Fleet fleet(specs, {.seed = seed});
    std::deque<Shard> all;
    for (std::uint32_t i = 0; i < shards; ++i)
        all.emplace_back(fleet, i + 1);
    const auto served = [&] {
        return std::accumulate(all.begin(), all.end(), std::int64_t{0},
                               [](std::int64_t sum, const Shard& shard) { return sum + shard.served; });
    };
    Sums sums;
    double due = 0;
    for (Time now = start; now < start + length + patience; now += 50ms) {
        for (Shard& shard : all) {
            if (shard.wake_at() <= now) shard.turn(now);
        }
        if (now == start + settling) sums.steadily = -served();
        if (now == start + length) sums.steadily += served();
        if (now >= start + length) continue;
        for (due += per_minute * load / 60 / 20; due > 0;) {
            const std::int64_t size = size_of_chat(random);
            due -= static_cast<double>(size);
            all[random.below(shards)].take(size, random.below(3), now);
            ++sums.requests;
            sums.tokens += size;
        }
    }
    for (Shard& shard : all) {
        shard.turn(start + length + 2 * patience);
        sums.failed += shard.failed;
    }
    sums.served = served();
    return sums;
}

struct Case {
    std::uint32_t shards;
    double failed_max; ///< The share of requests that may fail, by that of tokens.
};

std::ostream& operator<<(std::ostream& out, const Case& one) {
    return out << one.shards << " shards";
}

class QueueOverload : public ::testing::TestWithParam<Case> {};

TEST_P(QueueOverload, FewAreTurnedAwayForManyTokens) {
    for (const std::uint64_t seed : seeds(8)) {
        SCOPED_TRACE(seed_note(seed));
        const Sums sums = run(GetParam().shards, seed);
        const double failed = static_cast<double>(sums.failed) / sums.requests;
        const double lost = 1 - static_cast<double>(sums.served) / static_cast<double>(sums.tokens);
        EXPECT_LT(failed, GetParam().failed_max * lost) << "requests against tokens";
        const double minutes = std::chrono::duration<double>(length - settling) / 1min;
        EXPECT_GT(static_cast<double>(sums.steadily), 0.96 * per_minute * minutes) << "what the quotas allow";
    }
}

INSTANTIATE_TEST_SUITE_P(Shards, QueueOverload,
                         ::testing::Values(Case{1, 0.4}, Case{2, 0.65}, Case{4, 0.85}));

} // namespace
} // namespace headroom::balance
