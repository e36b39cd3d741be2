// What several shards do to one Fleet at once: nothing is spent twice, nothing is lost.
#include "balance/balancer.hpp"
#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

constexpr Time start{1h};
constexpr int thread_count = 4;

BackendSpec backend(std::int64_t tpm, int rpm) {
    BackendSpec spec;
    spec.tpm = Tokens(tpm);
    spec.rpm = rpm;
    spec.overrides = {{"chat", Tokens(0), 0}};
    return spec;
}

template <class Work>
void run_threads(Work work) {
    std::vector<std::thread> threads;
    threads.reserve(thread_count);
    for (int i = 0; i < thread_count; ++i)
        threads.emplace_back(work, i);
    for (std::thread& thread : threads)
        thread.join();
}

TEST(WindowThreads, NeverTakesMoreThanTheCeiling) {
    Window<60> window;
    window.advance(1);
    std::atomic<std::int64_t> taken{0};
    run_threads([&](int index) {
        Random random(static_cast<std::uint64_t>(index));
        for (int i = 0; i < 20'000; ++i) {
            const auto amount = static_cast<std::int64_t>(1 + random.below(9));
            WindowCharge charge;
            if (window.try_take(1, amount, 50'000, charge)) taken += amount;
            EXPECT_LE(window.total(), 50'000);
        }
    });
    EXPECT_EQ(window.total(), taken.load());
    EXPECT_GT(taken.load(), 50'000 - 9);
}

TEST(WindowThreads, RetiresEachChargeOnceWhileOthersWrite) {
    Window<10> window;
    std::atomic<std::uint32_t> clock{1};
    run_threads([&](int index) {
        Random random(static_cast<std::uint64_t>(index) + 7);
        std::vector<WindowCharge> open;
        for (int i = 0; i < 20'000; ++i) {
            if (random.chance(3)) clock.fetch_add(1);
            const std::uint32_t tick = clock.load();
            window.advance(tick);
            WindowCharge charge;
            window.take(tick, static_cast<std::int64_t>(random.below(100)), charge);
            open.push_back(charge);
            if (random.chance(50)) {
                window.replace(open[random.below(open.size())], static_cast<std::int64_t>(random.below(100)));
                open.erase(open.begin(), open.begin() + static_cast<std::ptrdiff_t>(open.size() / 2));
            }
            EXPECT_GE(window.total(), 0);
        }
    });
    window.advance(clock.load() + 100);
    EXPECT_EQ(window.total(), 0);
}

TEST(BalanceThreads, TwoShardsNeverBothTakeTheLastTokens) {
    Fleet fleet({backend(100'000, 60'000'000), backend(50'000, 60'000'000)});
    std::atomic<std::int64_t> promised{0};
    run_threads([&](int index) {
        Random random(static_cast<std::uint64_t>(index) + 100);
        const SlotKey key = fleet.key("chat");
        std::vector<Lease> held;
        for (int i = 0; i < 400; ++i) {
            Demand demand;
            demand.deployments = {&key, 1};
            demand.cost = Tokens(static_cast<std::int64_t>(1 + random.below(500)));
            demand.random = random.bits();
            Choice choice = Balancer().choose(fleet, demand, start);
            if (choice.reason != "fits") {
                choice.lease.cancel_unsent(start);
                continue;
            }
            promised += demand.cost.count();
            held.push_back(std::move(choice.lease));
        }
        for (Lease& lease : held)
            lease.settle({}, start);
    });
    EXPECT_LE(promised.load(), 150'000);
    EXPECT_GT(promised.load(), 140'000);
}

TEST(BalanceThreads, RequestSlotsAreNotSpentTwiceEither) {
    Fleet fleet({backend(0, 6'000)});
    std::atomic<int> fitting{0};
    run_threads([&](int index) {
        for (int i = 0; i < 2000; ++i) {
            Demand demand;
            demand.random = static_cast<std::uint64_t>(index) * 10'000 + static_cast<std::uint64_t>(i);
            Choice choice = Balancer().choose(fleet, demand, start);
            if (choice.reason == "fits") {
                ++fitting;
                choice.lease.settle({}, start);
            } else {
                choice.lease.cancel_unsent(start);
            }
        }
    });
    EXPECT_EQ(fitting.load(), 1000);
}

TEST(BalanceThreads, OneOfManyProbes) {
    Fleet fleet({backend(100'000, 0)});
    for (int i = 0; i < 2; ++i) {
        Lease lease = fleet.take(0, {}, Taking::anyway, fleet.moment(start));
        lease.fault(Fault::connect, start);
    }
    std::atomic<int> probes{0};
    std::vector<Lease> kept(thread_count);
    run_threads([&](int index) {
        kept[static_cast<std::size_t>(index)] = fleet.take(0, {}, Taking::probe, fleet.moment(start + 1s));
        if (kept[static_cast<std::size_t>(index)]) ++probes;
    });
    EXPECT_EQ(probes.load(), 1);
}

TEST(BalanceThreads, NamesAreClaimedOnce) {
    Fleet fleet({backend(1'000'000, 0)});
    run_threads([&](int) {
        for (int i = 0; i < 16; ++i) {
            const std::string name = "deployment-" + std::to_string(i);
            Lease lease =
                fleet.take(0, {fleet.key(name), Tokens(5), Tokens(0)}, Taking::anyway, fleet.moment(start));
            lease.success(start);
            lease.settle({}, start);
        }
    });
    std::int64_t charged = 0;
    std::size_t named = 0;
    for (const SlotView& slot : fleet.snapshot(start)) {
        charged += slot.charged_total;
        named += slot.deployment.starts_with("deployment-") ? 1U : 0U;
    }
    EXPECT_EQ(named, 16U);
    EXPECT_EQ(charged, 16 * 5 * thread_count);
}

TEST(BalanceThreads, ADrainedFleetBalancesToZero) {
    Fleet fleet({backend(60'000, 600), backend(90'000, 900), backend(0, 0)});
    std::atomic<std::int64_t> clock_ms{0};
    run_threads([&](int index) {
        Random random(static_cast<std::uint64_t>(index) + 1);
        const SlotKey keys[] = {fleet.key("chat"), fleet.key("new"), SlotKey{}};
        std::vector<Lease> open;
        for (int i = 0; i < 3000; ++i) {
            const Time now = start + std::chrono::milliseconds(
                                         clock_ms.fetch_add(static_cast<std::int64_t>(random.below(30))));
            const SlotKey key = random.pick(keys);
            Demand demand;
            demand.deployments = {&key, 1};
            demand.cost = Tokens(static_cast<std::int64_t>(random.below(3000)));
            demand.random = random.bits();
            open.push_back(std::move(Balancer().choose(fleet, demand, now).lease));
            if (random.chance(50)) continue;
            Lease lease = std::move(open[random.below(open.size())]);
            RateLimits limits;
            limits.limit_tokens = 60'000;
            limits.remaining_tokens = static_cast<std::int64_t>(random.below(60'000));
            Refusal refusal;
            refusal.retry_after = 50ms;
            refusal.stated = true;
            switch (random.below(5)) {
                case 0: lease.success(now), lease.observe(limits, now), lease.settle({}, now); break;
                case 1: lease.refused(refusal, now); break;
                case 2: lease.fault(random.chance(50) ? Fault::connect : Fault::server_error, now); break;
                case 3: lease.abandon(tokens_of_bytes(random.below(9999)), now); break;
                default: lease.cancel_unsent(now); break;
            }
        }
    });
    const Time end = start + std::chrono::milliseconds(clock_ms.load());
    for (const SlotView& slot : fleet.snapshot(end)) {
        EXPECT_EQ(slot.tokens_reserved, Tokens(0));
        EXPECT_EQ(slot.in_flight, 0);
        EXPECT_EQ(slot.charged_total, slot.used_total);
    }
    for (const SlotView& slot : fleet.snapshot(end + 10min)) {
        EXPECT_EQ(slot.tokens_used, Tokens(0));
        EXPECT_EQ(slot.requests_used, 0);
    }
}

} // namespace
} // namespace headroom::balance
