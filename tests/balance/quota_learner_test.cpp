// How a quota counts and forgets is found out from what its backend says is left, for every pair of rule and
// way.
#include "balance/quota_learner.hpp"

#include "balance/fleet.hpp"
#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <tuple>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t limit = 120'000;

/// A limiter on virtual seconds that charges by one rule and forgets in one way.
class Limiter {
  public:
    Limiter(ChargeRule rule, Forgetting way) : rule_(rule), way_(way) {}

    void arrive(const ChargeBasis& basis, double now) { add(arrival(basis), now); }
    void finish(const ChargeBasis& basis, Tokens used, double now) {
        if (rule_ == ChargeRule::usage) add(used.count(), now);
        if (rule_ == ChargeRule::reserved) add(used.count() - basis.reserved.count(), now);
    }
    std::int64_t used(double now) {
        forget(now);
        double sum = way_ == Forgetting::bucket ? level_ : 0;
        for (const auto& [at, amount] : log_)
            sum += static_cast<double>(amount);
        return std::clamp<std::int64_t>(static_cast<std::int64_t>(sum), 0, limit);
    }
    [[nodiscard]] std::int64_t arrival(const ChargeBasis& basis) const {
        QuotaModel model;
        model.learned = true;
        model.rule = rule_;
        return rule_ == ChargeRule::usage ? 0 : model.charge(basis, Tokens(0)).count();
    }

  private:
    void add(std::int64_t amount, double now) {
        forget(now);
        if (way_ == Forgetting::bucket) {
            level_ = std::max(0.0, level_ + static_cast<double>(amount));
        } else {
            log_.emplace_back(now, amount);
        }
    }
    void forget(double now) {
        level_ = std::max(0.0, level_ - (now - level_at_) * limit / 60);
        level_at_ = now;
        const double since = way_ == Forgetting::fixed
                                 ? static_cast<double>(static_cast<std::int64_t>(now) / 60 * 60)
                                 : now - 60;
        while (!log_.empty() && log_.front().first < since)
            log_.pop_front();
    }

    ChargeRule rule_;
    Forgetting way_;
    std::deque<std::pair<double, std::int64_t>> log_;
    double level_ = 0;
    double level_at_ = 0;
};

ChargeBasis request(Random& random) {
    ChargeBasis basis;
    basis.prompt = Tokens(static_cast<std::int64_t>(100 + random.below(1'500)));
    basis.characters = Tokens(basis.prompt.count() * static_cast<std::int64_t>(80 + random.below(60)) / 100);
    basis.cap = basis.capped = Tokens(static_cast<std::int64_t>(50 + random.below(1'000)));
    basis.expected = basis.prompt + Tokens(200);
    basis.reserved = basis.prompt + basis.cap;
    return basis;
}

class QuotaLearning : public ::testing::TestWithParam<std::tuple<ChargeRule, Forgetting>> {};

TEST_P(QuotaLearning, FindsTheRuleWithinSixtyResponses) {
    const auto [rule, way] = GetParam();
    const auto cases = property_seeds();
    std::size_t found = 0;
    for (const std::uint64_t seed : cases) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        Limiter limiter(rule, way);
        QuotaLearner learner;
        ChargeSums sums{};
        double now = 1'000 + static_cast<double>(random.below(6'000)) / 100;
        for (int response = 0; response < 60; ++response) {
            // A bucket that has drained between any two requests tells nothing.
            const unsigned gap = way == Forgetting::bucket ? 40 : 160;
            now += 0.1 + static_cast<double>(random.below(gap)) / 100;
            const ChargeBasis basis = request(random);
            const Tokens used =
                basis.prompt + Tokens(basis.cap.count() / static_cast<std::int64_t>(2 + random.below(3)));
            const auto add = [&](const ChargeSums& more) {
                std::transform(sums.begin(), sums.end(), more.begin(), sums.begin(), std::plus<>());
            };
            limiter.arrive(basis, now);
            add(sums_at_arrival(basis));
            QuotaSample sample;
            sample.tick = static_cast<std::uint32_t>(now) + 1;
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
        Limiter limiter(ChargeRule::characters_and_cap, GetParam());
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
            const ChargeBasis basis = request(random);
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

/// A bucket that saves 20 s tells 60 s of limit and at most 20 s of it as left.
TEST(QuotaLearner, FindsWhatABucketDoesNotSave) {
    for (const std::uint64_t seed : seeds(16)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        Limiter limiter(ChargeRule::tokens_and_cap, Forgetting::bucket);
        QuotaLearner learner;
        ChargeSums sums{};
        for (double now = 1'000; now < 1'060; now += 0.1 + static_cast<double>(random.below(90)) / 100) {
            const ChargeBasis basis = request(random);
            if (limiter.used(now) + limiter.arrival(basis) > limit / 3) continue;
            limiter.arrive(basis, now);
            const ChargeSums own = sums_at_arrival(basis);
            std::ranges::transform(sums, own, sums.begin(), std::plus<>());
            QuotaSample sample;
            sample.tick = static_cast<std::uint32_t>(now) + 1;
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
