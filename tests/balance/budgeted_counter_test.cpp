// A request's first texts are counted exactly; very long requests nearly so, for a fraction of the work.
#include "balance/prompt/budgeted_counter.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::balance {
namespace {

constexpr std::string_view snippets[][8] = {
    {"the request ", "of a client ", "is answered ", "by another backend, ", "when its quota ",
     "is used up. ", "Nobody notices ", "except for some latency. "},
    {"\"id\": 1042, ", "{\"name\": \"x\"}, ", "[1.25, 3.5, 17], ", "\"2026-01-02T03:04:05Z\", ", "null, ",
     "{\"on\": true}, ", "\"a8f03c\", ", "\"total_tokens\": 77, "},
    {"Die Anfrage ", "wird von einem ", "anderen Dienst ", "beantwortet, ", "sobald das Kontingent ",
     "erschöpft ist. ", "Niemand ", "bemerkt es. "},
    {"请求由另一个", "后端回答，", "当配额", "用完的时候。", "没有人", "注意到，", "除了一些", "延迟。"},
    {"for (const auto& x : xs) {\n", "    total += x.size();\n", "}\n", "return std::move(out);\n",
     "if (!done) continue;\n", "// Why not?\n", "auto it = map.find(key);\n", "std::string text;\n"},
};

std::string message(Random& random, std::size_t kind, std::size_t bytes) {
    std::string text;
    while (text.size() < bytes)
        text += random.pick(snippets[kind]);
    return text;
}

class BudgetedCounterTest : public testing::Test {
  protected:
    static TokenCounter& counter() {
        static const Vocabulary vocabulary;
        static TokenCounter one(vocabulary, Encoding::o200k_base);
        return one;
    }
    static std::uint64_t exactly(std::string_view text) {
        WorkBudget budget{1 << 30};
        const TextCount found = counter().count(text, budget);
        EXPECT_TRUE(found.exact);
        return found.tokens;
    }
};

TEST_F(BudgetedCounterTest, TheFirstTextsAreExact) {
    Random random(1);
    BudgetedCounter counting(counter(), Encoding::o200k_base, 7);
    std::size_t bytes = 0;
    for (std::size_t i = 0;; ++i) {
        const std::string text = message(random, i % std::size(snippets), 1000);
        bytes += text.size();
        if (bytes > BudgetedCounter::exact_bytes_max) break;
        EXPECT_EQ(counting.count(text), (CountedText{exactly(text), true}));
    }
}

TEST_F(BudgetedCounterTest, LongRequestsAreNearlyExact) {
    double worst = 0;
    for (const std::uint64_t seed : seeds(10)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        BudgetedCounter counting(counter(), Encoding::o200k_base, random.bits());
        double estimated = 0;
        double exact = 0;
        unsigned exact_texts = 0;
        for (int i = 0; i < 250; ++i) {
            const std::string text =
                message(random, random.below(std::size(snippets)), 500 + random.below(3000));
            const CountedText found = counting.count(text);
            if (found.exact) EXPECT_EQ(found.tokens, exactly(text));
            exact_texts += found.exact ? 1 : 0;
            estimated += static_cast<double>(found.tokens);
            exact += static_cast<double>(exactly(text));
        }
        const double error = std::abs(estimated / exact - 1);
        worst = std::max(worst, error);
        // Five kinds of text in random order, of which one message in eight is looked at.
        EXPECT_LT(error, 0.06);
        EXPECT_LT(exact_texts, 125U);
    }
    RecordProperty("worst_error", std::to_string(worst));
}

TEST_F(BudgetedCounterTest, LongTextsAreSampledInside) {
    Random random(3);
    const std::string text = message(random, 0, 300'000);
    BudgetedCounter counting(counter(), Encoding::o200k_base, 7);
    const CountedText found = counting.count(text);
    EXPECT_FALSE(found.exact);
    const auto exact = static_cast<double>(exactly(text));
    EXPECT_NEAR(static_cast<double>(found.tokens), exact, exact * 0.03);
    // The bytes that are counted exactly are still there for the others.
    EXPECT_TRUE(counting.count("a short text").exact);
}

TEST_F(BudgetedCounterTest, TheBudgetIsTheRequests) {
    std::string noise;
    Random random(5);
    for (int i = 0; i < 20'000; ++i)
        noise += static_cast<char>('a' + random.below(26));
    WorkBudget budget{1 << 30};
    static_cast<void>(counter().count(noise, budget));
    const std::uint64_t steps = (1 << 30) - budget.steps;
    ASSERT_GT(steps, 1000U);
    // Enough for one such text, not for two.
    budget.steps = steps * 3 / 2;
    BudgetedCounter counting(counter(), Encoding::o200k_base, 7, budget);
    noise[0] = '-';
    EXPECT_TRUE(counting.count(noise).exact);
    noise[0] = '+';
    EXPECT_FALSE(counting.count(noise).exact);
    EXPECT_EQ(counting.budget().steps, 0U);
    BudgetedCounter another(counter(), Encoding::o200k_base, 7, budget);
    EXPECT_TRUE(another.count(noise).exact);
}

} // namespace
} // namespace headroom::balance
