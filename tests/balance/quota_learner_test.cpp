// How a quota counts and forgets is found out from what its backend says is left, for every pair of rule and
// way.
#include "tests/balance/virtual_limiter.hpp"

#include <gtest/gtest.h>

#include <array>
#include <tuple>
#include <vector>

namespace headroom::balance {
namespace {

class QuotaLearning : public ::testing::TestWithParam<std::tuple<ChargeRule, Forgetting>> {};

TEST_P(QuotaLearning, FindsTheRuleWithinSixtyResponses) {
    const auto [rule, way] = GetParam();
    const auto cases = property_seeds();
    std::size_t found = 0;
    for (const std::uint64_t seed : cases) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        VirtualLimiter limiter(rule, way);
        QuotaLearner learner;
        ChargeSums sums{};
        double now = 1'000 + static_cast<double>(random.below(6'000)) / 100;
        for (int response = 0; response < 60; ++response) {
            // A bucket that has drained between any two requests tells nothing.
            const unsigned gap = way == Forgetting::bucket ? 40 : 160;
            now += 0.1 + static_cast<double>(random.below(gap)) / 100;
            const ChargeBasis basis = random_basis(random);
            const Tokens used =
                basis.prompt + Tokens(basis.cap.count() / static_cast<std::int64_t>(2 + random.below(3)));
            const auto add = [&](const ChargeSums& more) {
                std::transform(sums.begin(), sums.end(), more.begin(), sums.begin(), std::plus<>());
            };
            limiter.arrive(basis, now);
            add(sums_at_arrival(basis));
            QuotaSample sample;
            sample.tick = static_cast<std::uint32_t>(now) + 1;
            sample.at = now;
            sample.limit = limit;
            sample.used = limiter.used(now);
            sample.least = sample.most = sums;
            sample.own = sums_at_arrival(basis);
            learner.observe(sample);
            limiter.finish(basis, used, now + 0.1);
            add(sums_at_end(basis, used));
        }
        const QuotaModel& model = learner.model();
        ASSERT_TRUE(model.learned) << name_of(rule);
        // By a bucket's drain of a whole tick, characters and tokens of a prompt are alike.
        const bool alike = way == Forgetting::bucket && rule == ChargeRule::tokens_and_cap &&
                           model.rule == ChargeRule::characters_and_cap;
        if (model.rule == rule || alike) ++found;
        EXPECT_LT(model.error, 0.1);
    }
    EXPECT_GE(found + cases.size() / 16, cases.size())
        << found << " of " << cases.size() << ": " << name_of(rule);
}

std::string name_of_pair(const ::testing::TestParamInfo<QuotaLearning::ParamType>& info) {
    constexpr std::array rules{"characters_and_cap", "tokens_and_cap", "cap_only", "usage", "reserved"};
    constexpr std::array ways{"sliding", "fixed", "bucket"};
    return std::string(rules[static_cast<std::size_t>(std::get<0>(info.param))]) + "_" +
           ways[static_cast<std::size_t>(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(
    Pairs, QuotaLearning,
    ::testing::Combine(::testing::Values(ChargeRule::characters_and_cap, ChargeRule::tokens_and_cap,
                                         ChargeRule::cap_only, ChargeRule::usage, ChargeRule::reserved),
                       ::testing::Values(Forgetting::sliding, Forgetting::fixed, Forgetting::bucket)),
    name_of_pair);

class OvertakingAnswers : public ::testing::TestWithParam<Forgetting> {};

/// Heads come between a tenth of a second and three seconds after their counts, in any order, and the quota
/// is always nearly full: the rule that is true must never look wrong.
TEST_P(OvertakingAnswers, CastNoDoubtOnTheTruth) {
    struct Head {
        double at;
        QuotaSample sample;
        double sent;
    };
    for (const std::uint64_t seed : property_seeds()) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        VirtualLimiter limiter(ChargeRule::characters_and_cap, GetParam());
        QuotaLearner learner;
        ChargeSums sums{};
        std::vector<Head> heads;
        const double begin = 1'000 + static_cast<double>(random.below(6'000)) / 100;
        double worst = 0;
        const auto deliver = [&](double now) {
            std::ranges::sort(heads, {}, &Head::at);
            std::size_t count = 0;
            for (; count < heads.size() && heads[count].at <= now; ++count) {
                Head& head = heads[count];
                head.sample.tick = static_cast<std::uint32_t>(head.at) + 1;
                head.sample.at = head.at;
                head.sample.waited = head.at - head.sent;
                head.sample.age = head.sample.tick - (static_cast<std::uint32_t>(head.sent) + 1);
                head.sample.most = sums;
                learner.observe(head.sample);
                if (head.at > begin + 240) worst = std::max(worst, learner.model().error);
            }
            heads.erase(heads.begin(), heads.begin() + static_cast<std::ptrdiff_t>(count));
        };
        for (double now = begin; now < begin + 400;
             now += 0.1 + static_cast<double>(random.below(100)) / 100) {
            deliver(now);
            const ChargeBasis basis = random_basis(random);
            if (limiter.used(now) + limiter.arrival(basis) > limit) continue;
            limiter.arrive(basis, now);
            const ChargeSums own = sums_at_arrival(basis);
            std::ranges::transform(sums, own, sums.begin(), std::plus<>());
            QuotaSample sample;
            sample.limit = limit;
            sample.used = limiter.used(now);
            sample.own = own;
            sample.least = sample.sent = sums;
            heads.push_back({now + 0.1 + static_cast<double>(random.below(290)) / 100, sample, now});
        }
        EXPECT_TRUE(learner.model().learned);
        EXPECT_EQ(learner.model().rule, ChargeRule::characters_and_cap);
        EXPECT_LT(worst, 0.1);
    }
}

std::string name_of_way(const ::testing::TestParamInfo<Forgetting>& info) {
    constexpr std::array ways{"sliding", "fixed", "bucket"};
    return ways[static_cast<std::size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Ways, OvertakingAnswers, ::testing::Values(Forgetting::sliding, Forgetting::bucket),
                         name_of_way);

class SparseAnswers : public ::testing::TestWithParam<std::tuple<ChargeRule, Forgetting>> {};

/// Requests come in rushes with silence between, and end long after their answers began: most charges leave a
/// window, or are made by usage, while no answer shows it. The rule that is true must never look wrong.
TEST_P(SparseAnswers, CastNoDoubtOnTheTruth) {
    const auto [rule, way] = GetParam();
    for (const std::uint64_t seed : property_seeds()) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        VirtualLimiter limiter(rule, way);
        QuotaLearner learner;
        ChargeSums sums{};
        struct End {
            double at;
            ChargeBasis basis;
            Tokens used;
        };
        std::vector<End> ends;
        const auto change = [&](double at, const ChargeSums& more) {
            learner.begin(static_cast<std::uint32_t>(at) + 1, sums);
            std::ranges::transform(sums, more, sums.begin(), std::plus<>());
        };
        double worst = 0;
        const double begin = 1'000;
        double now = begin;
        while (now < begin + 600) {
            now += random.chance(4) ? 15 + static_cast<double>(random.below(200)) / 10
                                    : 0.1 + static_cast<double>(random.below(30)) / 100;
            std::ranges::sort(ends, {}, &End::at);
            std::size_t over = 0;
            for (; over < ends.size() && ends[over].at <= now; ++over) {
                limiter.finish(ends[over].basis, ends[over].used, ends[over].at);
                change(ends[over].at, sums_at_end(ends[over].basis, ends[over].used));
            }
            ends.erase(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(over));
            const ChargeBasis basis = random_basis(random);
            if (limiter.used(now) + limiter.arrival(basis) > limit) continue;
            limiter.arrive(basis, now);
            change(now, sums_at_arrival(basis));
            QuotaSample sample;
            sample.tick = static_cast<std::uint32_t>(now) + 1;
            sample.at = now;
            sample.alone = true;
            sample.limit = limit;
            sample.used = limiter.used(now);
            sample.own = sums_at_arrival(basis);
            sample.least = sample.most = sample.sent = sums;
            learner.observe(sample);
            const Tokens used = basis.prompt + Tokens(basis.cap.count() / 3);
            ends.push_back({now + 0.5 + static_cast<double>(random.below(200)) / 10, basis, used});
            if (now > begin + 240) worst = std::max(worst, learner.model().error);
        }
        ASSERT_TRUE(learner.model().learned);
        EXPECT_EQ(learner.model().rule, rule);
        EXPECT_EQ(learner.model().forgetting, way);
        EXPECT_LT(worst, 0.02);
    }
}

INSTANTIATE_TEST_SUITE_P(Pairs, SparseAnswers,
                         ::testing::Combine(::testing::Values(ChargeRule::characters_and_cap,
                                                              ChargeRule::usage),
                                            ::testing::Values(Forgetting::sliding, Forgetting::bucket)),
                         name_of_pair);

/// Five minutes of a limiter, with requests between `from` and `to` seconds of each.
struct Taught {
    Taught(ChargeRule rule, Forgetting way, std::uint64_t seed, double from, double to) : limiter(rule, way) {
        Random random(seed);
        for (int minute = 0; minute < 5; ++minute) {
            const double began = 1'020 + minute * 60;
            for (now = began + from; now < began + to;
                 now += 0.2 + static_cast<double>(random.below(20)) / 100)
                ask(random_basis(random));
        }
    }

    void ask(const ChargeBasis& basis) {
        if (limiter.used(now) + limiter.arrival(basis) > limit) return;
        limiter.arrive(basis, now);
        learner.begin(static_cast<std::uint32_t>(now) + 1, sums);
        const ChargeSums own = sums_at_arrival(basis);
        std::ranges::transform(sums, own, sums.begin(), std::plus<>());
        learner.observe(sample_at(now, limiter.used(now), own));
    }

    [[nodiscard]] QuotaSample sample_at(double at, std::int64_t used, const ChargeSums& own) const {
        QuotaSample sample;
        sample.tick = static_cast<std::uint32_t>(at) + 1;
        sample.at = at;
        sample.limit = limit;
        sample.used = used;
        sample.least = sample.most = sample.sent = sums;
        sample.own = own;
        return sample;
    }

    VirtualLimiter limiter;
    QuotaLearner learner;
    ChargeSums sums{};
    double now = 0;
};

ChargeSums all_sums(std::int64_t amount) {
    ChargeSums sums;
    sums.fill(amount);
    return sums;
}

/// Requests come in the middle of every minute only, so that no answer shows how the count falls; the refusal
/// of a large one says when.
TEST(QuotaLearner, ARefusalSaysWhenAFixedMinuteBegins) {
    for (const std::uint64_t seed : seeds(16)) {
        SCOPED_TRACE(seed_note(seed));
        Taught taught(ChargeRule::tokens_and_cap, Forgetting::fixed, seed, 10, 20);
        EXPECT_NE(taught.learner.model().forgetting, Forgetting::fixed);
        QuotaSample refused = taught.sample_at(taught.now, taught.limiter.used(taught.now), all_sums(limit));
        refused.refused = true;
        refused.opens = 1'320;
        const QuotaModel& model = taught.learner.observe(refused);
        ASSERT_TRUE(model.learned);
        EXPECT_EQ(model.forgetting, Forgetting::fixed);
        EXPECT_EQ(model.phase, (1'320 + 1) % 60);
    }
}

/// What is refused although so much was left is charged more than that: the rules by which it would have
/// fitted are wrong.
TEST(QuotaLearner, ARefusalSaysWhatIsChargedAtLeast) {
    for (const std::uint64_t seed : seeds(16)) {
        SCOPED_TRACE(seed_note(seed));
        Taught taught(ChargeRule::tokens_and_cap, Forgetting::sliding, seed, 0, 40);
        ASSERT_EQ(taught.learner.model().rule, ChargeRule::tokens_and_cap);
        const auto refuse = [&](double later, const ChargeSums& asked) {
            QuotaSample refused = taught.sample_at(taught.now + later, limit - 5'000, asked);
            refused.refused = true;
            return taught.learner.observe(refused);
        };
        for (int i = 0; i < 3; ++i)
            refuse(30 + i, {4'000, 4'000, 1'000, 0, 128'000, 3'000, 1'000});
        EXPECT_NE(taught.learner.model().rule, ChargeRule::tokens_and_cap);
        const double error = taught.learner.model().error;
        EXPECT_LE(refuse(33, all_sums(4'000)).error, error + 0.01)
            << "what no rule explains says nothing of them";
    }
}

/// That everything is used up is foretold by whoever counts too much.
TEST(QuotaLearner, WhatIsUsedUpProvesNobodyRight) {
    for (const std::uint64_t seed : seeds(16)) {
        SCOPED_TRACE(seed_note(seed));
        Taught taught(ChargeRule::cap_only, Forgetting::sliding, seed, 0, 50);
        ASSERT_EQ(taught.learner.model().rule, ChargeRule::cap_only);
        const ChargeSums own = all_sums(5'000);
        for (int i = 1; i < 300; ++i) {
            std::ranges::transform(taught.sums, own, taught.sums.begin(), std::plus<>());
            taught.learner.observe(taught.sample_at(taught.now + i, limit, own));
        }
        EXPECT_EQ(taught.learner.model().rule, ChargeRule::cap_only);
    }
}

/// A bucket that saves 20 s tells 60 s of limit and at most 20 s of it as left.
TEST(QuotaLearner, FindsWhatABucketDoesNotSave) {
    for (const std::uint64_t seed : seeds(16)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        VirtualLimiter limiter(ChargeRule::tokens_and_cap, Forgetting::bucket);
        QuotaLearner learner;
        ChargeSums sums{};
        for (double now = 1'000; now < 1'060; now += 0.1 + static_cast<double>(random.below(90)) / 100) {
            const ChargeBasis basis = random_basis(random);
            if (limiter.used(now) + limiter.arrival(basis) > limit / 3) continue;
            limiter.arrive(basis, now);
            const ChargeSums own = sums_at_arrival(basis);
            std::ranges::transform(sums, own, sums.begin(), std::plus<>());
            QuotaSample sample;
            sample.tick = static_cast<std::uint32_t>(now) + 1;
            sample.at = now;
            sample.limit = limit;
            sample.used = limit - limit / 3 + limiter.used(now);
            sample.least = sample.most = sample.sent = sums;
            sample.own = own;
            learner.observe(sample);
        }
        EXPECT_EQ(learner.model().forgetting, Forgetting::bucket);
        EXPECT_NEAR(static_cast<double>(learner.unsaved()), limit - limit / 3, limit / 50);
    }
}

TEST(QuotaModel, SurvivesItsWord) {
    QuotaModel model;
    model.learned = true;
    model.rule = ChargeRule::fitted;
    model.forgetting = Forgetting::bucket;
    model.prompt_factor = 1.25;
    model.cap_factor = 0.5;
    model.phase = 59;
    model.samples = 60;
    const QuotaModel read = QuotaModel::unpacked(model.packed());
    EXPECT_EQ(read.rule, model.rule);
    EXPECT_EQ(read.forgetting, model.forgetting);
    EXPECT_EQ(read.prompt_factor, model.prompt_factor);
    EXPECT_EQ(read.cap_factor, model.cap_factor);
    EXPECT_EQ(read.phase, 59U);
    EXPECT_EQ(read.samples, 60U);
}

} // namespace
} // namespace headroom::balance
