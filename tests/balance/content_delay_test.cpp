// What is late is exceeded as often as it should be, also when whoever is late is given up; sizes are apart.
#include "balance/content_delay.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

constexpr Tokens small_prompt{100};

/// Log-normal, as times to the first content are: a median of 300 ms.
Duration draw(Random& random, double factor = 1) {
    const auto unit = [&] { return (static_cast<double>(random.below(1'000'000)) + 0.5) / 1e6; };
    const double normal = std::sqrt(-2 * std::log(unit())) * std::cos(2 * 3.14159265358979 * unit());
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(0.3 * factor * std::exp(0.5 * normal)));
}

void teach(ContentDelay& delay, Duration waited, Tokens prompt = small_prompt, int answers = 32) {
    for (int i = 0; i < answers; ++i)
        delay.observe(waited, prompt, 0.99);
}

/// Share of `answers` that are late; those are given up and told as such when `hedging`.
double late_share(ContentDelay& delay, Random& random, double quantile, int answers, bool hedging) {
    int late = 0;
    for (int i = 0; i < answers; ++i) {
        const Duration waited = draw(random);
        const std::optional<Duration> limit = delay.late_after(small_prompt);
        const bool is_late = limit && waited > *limit;
        late += is_late ? 1 : 0;
        if (is_late && hedging) {
            delay.observe_open(*limit + 20ms, small_prompt, quantile);
        } else {
            delay.observe(waited, small_prompt, quantile);
        }
    }
    return static_cast<double>(late) / answers;
}

TEST(ContentDelay, NothingIsLateBeforeEnoughIsKnown) {
    ContentDelay delay;
    EXPECT_FALSE(delay.late_after(small_prompt));
    teach(delay, 300ms, small_prompt, 31);
    EXPECT_FALSE(delay.late_after(small_prompt));
    teach(delay, 200ms, small_prompt, 1);
    ASSERT_TRUE(delay.late_after(small_prompt));
    EXPECT_NEAR(std::chrono::duration<double>(*delay.late_after(small_prompt)).count(), 0.3, 0.001)
        << "the greatest of few";
}

TEST(ContentDelay, IsExceededAsOftenAsItShouldBe) {
    for (const std::uint64_t seed : seeds(20)) {
        for (const double quantile : {0.5, 0.9, 0.99}) {
            for (const bool hedging : {false, true}) {
                SCOPED_TRACE(seed_note(seed) + (hedging ? ", hedging" : ""));
                Random random(seed);
                ContentDelay delay;
                late_share(delay, random, quantile, 5'000, hedging);
                const double share = late_share(delay, random, quantile, 40'000, hedging);
                EXPECT_NEAR(share, 1 - quantile, (1 - quantile) * 0.25) << quantile;
            }
        }
    }
}

TEST(ContentDelay, AWaitThatEndsBelowSaysNothing) {
    ContentDelay delay;
    teach(delay, 300ms);
    const auto before = delay.late_after(small_prompt);
    for (int i = 0; i < 1000; ++i)
        delay.observe_open(250ms, small_prompt, 0.99);
    EXPECT_EQ(delay.late_after(small_prompt), before);
    delay.observe_open(301ms, small_prompt, 0.99);
    EXPECT_GT(delay.late_after(small_prompt), before);
    ContentDelay unknown;
    for (int i = 0; i < 100; ++i)
        unknown.observe_open(1h, small_prompt, 0.99);
    EXPECT_FALSE(unknown.late_after(small_prompt)) << "no answer has been seen";
}

TEST(ContentDelay, ABackendThatSlowsDownIsSoonNotLateAnyMore) {
    ContentDelay delay;
    Random random(7);
    late_share(delay, random, 0.99, 5'000, false);
    int slow = 0;
    for (; *delay.late_after(small_prompt) < 3s; ++slow)
        delay.observe(draw(random, 10), small_prompt, 0.99);
    EXPECT_LT(slow, 25);
    int fast = 0;
    for (; *delay.late_after(small_prompt) > 1500ms; ++fast)
        delay.observe(draw(random), small_prompt, 0.99);
    EXPECT_LT(fast, 1000);
}

TEST(ContentDelay, SizesAreApartAndLongerPromptsStandInForShorterOnes) {
    ContentDelay delay;
    teach(delay, 5s, Tokens(20'000));
    EXPECT_FALSE(delay.late_after(Tokens(70'000))) << "a shorter one's is too soon";
    EXPECT_EQ(delay.late_after(small_prompt), delay.late_after(Tokens(20'000)));
    EXPECT_EQ(delay.late_after(Tokens(16'385)), delay.late_after(Tokens(65'536)));
    teach(delay, 300ms, Tokens(1024));
    EXPECT_LT(delay.late_after(Tokens(0)), 400ms);
    EXPECT_GT(delay.late_after(Tokens(1025)), 4s);
    EXPECT_FALSE(delay.late_after(request_cost_max));
    teach(delay, 60s, request_cost_max);
    EXPECT_GT(delay.late_after(Tokens(300'000)), 59s);
}

TEST(ContentDelay, WhatIsKnownIsToldBySize) {
    ContentDelay delay;
    EXPECT_EQ(delay.known(), ContentDelay::BySize{});
    for (std::size_t size = 0; size < ContentDelay::sizes; ++size) {
        const std::optional<Tokens> most = ContentDelay::prompt_max(size);
        EXPECT_EQ(most.has_value(), size + 1 < ContentDelay::sizes);
        teach(delay, std::chrono::seconds(size + 1), most.value_or(Tokens(300'000)));
        for (std::size_t other = 0; other < ContentDelay::sizes; ++other)
            EXPECT_EQ(delay.known()[other].has_value(), other <= size) << size << ", " << other;
        if (most) EXPECT_EQ(delay.late_after(*most), delay.known()[size]);
    }
    EXPECT_EQ(ContentDelay::prompt_max(0), Tokens(1024));
    EXPECT_EQ(ContentDelay::prompt_max(4), Tokens(262'144));
}

TEST(ContentDelay, AbsurdTimesStayWithinReason) {
    ContentDelay delay;
    teach(delay, Duration::min());
    EXPECT_GT(delay.late_after(small_prompt), 0s);
    teach(delay, Duration::max(), small_prompt, 1000);
    EXPECT_LE(delay.late_after(small_prompt), 601s);
}

TEST(ContentDelayThreads, ManyShardsTeachOneDelay) {
    ContentDelay delay;
    std::vector<std::thread> shards;
    shards.reserve(3);
    for (std::uint64_t shard = 0; shard < 3; ++shard) {
        shards.emplace_back([&delay, shard] {
            Random random(shard + 1);
            for (int i = 0; i < 20'000; ++i) {
                delay.observe(draw(random), small_prompt, 0.9);
                delay.observe_open(2s, small_prompt, 0.9);
                EXPECT_NE(delay.late_after(small_prompt), 0s);
            }
        });
    }
    for (std::thread& shard : shards)
        shard.join();
    ASSERT_TRUE(delay.late_after(small_prompt));
    EXPECT_GT(*delay.late_after(small_prompt), 300ms);
}

} // namespace
} // namespace headroom::balance
