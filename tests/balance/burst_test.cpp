// What refusals tell of a limiter that drains evenly: its rate, what it saves up, and whether it is one at
// all.
#include "balance/burst.hpp"

#include "balance/balancer.hpp"
#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

/// A bucket of 10,000 that drains 1,000 a second, of which 60,000 a minute are known.
BurstSample refusal(double at_s, double cost, double level, double charged, double wait_s) {
    BurstSample sample;
    sample.at_s = sample.sent_s = at_s;
    sample.cost = cost;
    sample.level = level;
    sample.charged = charged;
    sample.wait_s = wait_s;
    sample.window = level + cost;
    sample.known = sample.limit = 60'000;
    return sample;
}

TEST(Burst, FindsTheDepthByWhatIsMissing) {
    Burst burst;
    // 7,000 are in it, 5,000 are asked for: 2,000 are missing, which takes 2 s.
    EXPECT_EQ(burst.refused(refusal(100, 5'000, 7'000, 7'000, 2)), Burst::Verdict::nothing)
        << "one refusal may have any reason";
    EXPECT_EQ(burst.depth(), 0);
    // A second later 6,000, and 3,000 more; of 3,000 asked for 2,000 are missing again.
    EXPECT_EQ(burst.refused(refusal(101, 3'000, 9'000, 10'000, 2)), Burst::Verdict::depth);
    EXPECT_EQ(burst.depth(), 10'000);
    EXPECT_EQ(burst.rate(), 60'000) << "3,000 charged, 2,000 fewer asked for, 1 s";
    EXPECT_EQ(burst.room(3'000, 2), 1'000);
    EXPECT_FALSE(burst.certain());
}

TEST(Burst, FindsTheRateAgainstWhatIsKnown) {
    Burst burst;
    double charged = 0;
    double at = 100;
    // It drains half of what is known: 30,000 a minute. Always full; each wait is of 1,000 tokens.
    for (int i = 0; i < 40; ++i) {
        BurstSample sample = refusal(at, 1'500, 5'000, charged, 2);
        burst.refused(sample);
        at += 4;
        charged += 2'000;
    }
    EXPECT_EQ(burst.refused(refusal(at, 1'500, 5'000, charged, 2)), Burst::Verdict::depth);
    // Pairs of 4 s, each newest one weighs a tenth: 16 / 0.1 beside 100 of what is known.
    EXPECT_NEAR(static_cast<double>(burst.rate()), 60 * (1'000.0 * 100 + 500.0 * 160) / 260, 700);
}

TEST(Burst, ARefusalNearTheKnownLimitIsAWindows) {
    Burst burst;
    for (int i = 0; i < 4; ++i) {
        BurstSample sample = refusal(100 + i, 3'000, 9'000, 10'000, 2);
        sample.window = 58'000;
        EXPECT_EQ(burst.refused(sample), Burst::Verdict::limit);
    }
    EXPECT_EQ(burst.depth(), 0);
}

TEST(Burst, AWaitForMoreThanWasAskedForIsAWindows) {
    Burst burst;
    // Thirty seconds drain 30,000: no bucket is so much too full for 3,000.
    for (int i = 0; i < 4; ++i)
        EXPECT_EQ(burst.refused(refusal(100 + i, 3'000, 9'000, 10'000, 30)), Burst::Verdict::limit);
    EXPECT_EQ(burst.depth(), 0);
}

TEST(Burst, OfABurstThatIsRefusedTheFirstCounts) {
    Burst burst;
    burst.refused(refusal(100, 5'000, 7'000, 7'000, 2));
    BurstSample same = refusal(100.5, 5'000, 20'000, 30'000, 2);
    same.sent_s = 99.9;
    EXPECT_EQ(burst.refused(same), Burst::Verdict::nothing) << "it was on its way already";
    EXPECT_EQ(burst.refused(refusal(101, 3'000, 9'000, 10'000, 2)), Burst::Verdict::depth);
    EXPECT_EQ(burst.depth(), 10'000);
}

TEST(Burst, WithoutAnythingKnownItSaysNothingAtFirst) {
    Burst burst;
    BurstSample sample = refusal(100, 5'000, 7'000, 7'000, 2);
    sample.known = sample.limit = 0;
    EXPECT_EQ(burst.refused(sample), Burst::Verdict::nothing);
    sample.at_s = sample.sent_s = 200;
    sample.sustained = true;
    sample.wait_s.reset();
    EXPECT_EQ(burst.refused(sample), Burst::Verdict::nothing) << "it may never fit, whatever the limit";
}

TEST(Burst, WhatIsLetInBeyondTheDepthRaisesIt) {
    Burst burst;
    burst.refused(refusal(100, 5'000, 7'000, 7'000, 2));
    burst.refused(refusal(101, 3'000, 9'000, 10'000, 2));
    burst.admitted(4'000, 6'000);
    EXPECT_EQ(burst.depth(), 10'000);
    EXPECT_GT(burst.rate(), 60'000) << "that it drains faster must be tried";
    EXPECT_LT(burst.rate(), 60'100);
    burst.admitted(4'000, 8'000);
    EXPECT_EQ(burst.depth(), 10'250) << "an eighth of what it was beyond";
}

TEST(Burst, HeaderFieldsAreNotGuessedAt) {
    Burst burst;
    burst.told(20'000);
    EXPECT_TRUE(burst.certain());
    burst.admitted(30'000, 10'000);
    EXPECT_EQ(burst.depth(), 20'000);
    burst.told(0);
    EXPECT_FALSE(burst.certain());
}

/// A bucket that counts `weight` times what we do.
struct Bucket {
    double rate = 0; ///< Per second.
    double depth = 0;
    double weight = 1;
    double level = 0;
    double at = 0;
    double admitted = 0;

    void advance(double now) {
        level = std::max(0.0, level - rate * (now - at));
        at = now;
    }
    /// Seconds until it fits; 0: it is in.
    double take(double cost, double now) {
        advance(now);
        const double over = level + cost * weight - depth;
        if (over > 0) return over / rate;
        level += cost * weight;
        admitted += cost * weight;
        return 0;
    }
};

/// More is asked for than there is: whatever is known beforehand, the bucket must be used nearly whole, with
/// few refusals, and what it saves up found out.
TEST(Burst, UsesABucketOfAnyDepthWhole) {
    double all_sent = 0;
    double all_refused = 0;
    for (const std::uint64_t seed : seeds(60)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        Bucket bucket;
        bucket.rate = 500 + static_cast<double>(random.below(3'000));
        bucket.depth = bucket.rate * (4 + static_cast<double>(random.below(25)));
        bucket.weight = 0.8 + static_cast<double>(random.below(10)) / 10;
        constexpr double known_factors[] = {0, 1, 1, 1, 2};
        const double known = bucket.rate * 60 * known_factors[random.below(5)];
        BackendSpec spec;
        spec.tpm = Tokens(std::llround(known));
        spec.rpm = 1'000'000;
        Fleet fleet({spec}, {seed, 1s});
        int sent = 0;
        int refused = 0;
        double before = 0;
        for (int step = 0; step < 12'000; ++step) {
            const Time now = Time(1h) + 50ms * step;
            const double at = 0.05 * step;
            if (step == 6'000) before = bucket.admitted, sent = refused = 0;
            Demand demand;
            demand.cost =
                Tokens(static_cast<std::int64_t>(100 + random.below(random.chance(10) ? 4'000 : 900)));
            demand.random = random.bits();
            demand.patience = 30s;
            Choice choice = Balancer().choose(fleet, demand, now);
            if (choice.kind != Choice::Kind::send) continue;
            ++sent;
            const double wait = bucket.take(static_cast<double>(demand.cost.count()), at);
            if (wait == 0) {
                choice.lease.success(now);
                choice.lease.settle({demand.cost, Tokens(0), demand.cost, Tokens(0), Tokens(0)}, now);
                continue;
            }
            ++refused;
            Refusal refusal;
            refusal.kind = Refusal::Kind::tokens;
            refusal.stated = true;
            refusal.retry_after = std::clamp<Duration>(
                std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(wait)),
                refusal_wait_min, refusal_wait_max);
            choice.lease.refused(refusal, now);
        }
        SCOPED_TRACE(std::to_string(bucket.rate) + " a second, " +
                     std::to_string(bucket.depth / bucket.rate) + " s, weight " +
                     std::to_string(bucket.weight) + ", known " + std::to_string(known / 60));
        EXPECT_GT((bucket.admitted - before) / (bucket.rate * 300), 0.92);
        EXPECT_LT(static_cast<double>(refused), 0.5 * sent) << refused << " of " << sent;
        all_sent += sent;
        all_refused += refused;
    }
    if (all_sent > 50'000) EXPECT_LT(all_refused, 0.12 * all_sent);
}

} // namespace
} // namespace headroom::balance
