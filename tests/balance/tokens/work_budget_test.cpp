// Texts made to be expensive: what they may cost is bounded by the budget, and what was left out is
// estimated.
#include "balance/tokens/token_counter.hpp"
#include "tests/balance/random.hpp"
#include "tests/balance/tokens/plain_bpe.hpp"
#include "tests/balance/tokens/text_pools.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace headroom::balance {
namespace {

struct Expensive {
    const char* name;
    std::string text;
    bool cheap; ///< Counted exactly within the budget of one request.
};

std::string repeated(std::string_view unit, std::size_t bytes) {
    std::string text;
    text.reserve(bytes + unit.size());
    while (text.size() < bytes)
        text += unit;
    return text;
}

std::string random_points(Random& random, std::size_t bytes, std::uint32_t first, std::uint32_t count) {
    std::string text;
    while (text.size() < bytes)
        append_utf8(text, first + static_cast<std::uint32_t>(random.below(count)));
    return text;
}

std::vector<Expensive> expensive_texts(std::size_t bytes, Random& random) {
    std::vector<Expensive> all;
    for (const std::string_view unit : {"a", " ", "\n", "=", "-", "#", ".", "_", "\t", "0", "中", "\u3000",
                                        "\u00a0", "😀", "ab", "e\u0301", "\x80", "aB", "the "})
        all.push_back({unit.data(), repeated(unit, bytes), true});
    all.push_back({"random letters in one piece", random_points(random, bytes, 'a', 26), false});
    all.push_back({"two letters in one piece", random_points(random, bytes, 'a', 2), false});
    all.push_back({"random punctuation in one piece", random_points(random, bytes, '!', 15), false});
    all.push_back({"random Han in one piece", random_points(random, bytes, 0x4e00, 0x5200), false});
    all.push_back({"random Cyrillic in one piece", random_points(random, bytes, 0x430, 32), false});
    all.push_back({"random emoji", random_points(random, bytes, 0x1f300, 0x350), false});
    all.push_back({"random digits", random_points(random, bytes, '0', 10), true});
    all.push_back({"random ASCII", random_points(random, bytes, ' ', 95), false});
    all.push_back({"random bytes", random_bytes(random, bytes), false});
    return all;
}

class WorkBudgetOf : public testing::TestWithParam<Encoding> {
  protected:
    TextCount count(std::string_view text, WorkBudget& budget) {
        return TokenCounter(shared_vocabulary(), GetParam()).count(text, budget);
    }
};

INSTANTIATE_TEST_SUITE_P(Tokens, WorkBudgetOf, testing::ValuesIn(both_encodings), [](const auto& info) {
    return info.param == Encoding::o200k_base ? "o200k" : "cl100k";
});

TEST_P(WorkBudgetOf, BoundsWhatExpensiveTextsCost) {
    const std::uint64_t seed = seeds(1).front();
    SCOPED_TRACE(seed_note(seed));
    Random random(seed);
    for (const Expensive& expensive : expensive_texts(500'000, random)) {
        SCOPED_TRACE(expensive.name);
        WorkBudget unlimited{~std::uint64_t{0}};
        const TextCount exact = count(expensive.text, unlimited);
        const std::uint64_t steps = ~std::uint64_t{0} - unlimited.steps;
        EXPECT_TRUE(exact.exact);
        // Linear, whatever the text.
        EXPECT_LE(steps, 4 * expensive.text.size());

        WorkBudget budget;
        const TextCount bounded = count(expensive.text, budget);
        EXPECT_EQ(bounded.exact, expensive.cheap) << steps;
        if (bounded.exact) {
            EXPECT_EQ(bounded.tokens, exact.tokens);
            EXPECT_EQ(WorkBudget{}.steps - budget.steps, steps);
        } else {
            EXPECT_EQ(budget.steps, 0U);
            EXPECT_GE(bounded.tokens, exact.tokens * 7 / 10);
            EXPECT_LE(bounded.tokens, exact.tokens * 13 / 10);
        }
    }
}

TEST_P(WorkBudgetOf, CostsOfRepetitionsDoNotGrowWithTheirLength) {
    const std::uint64_t seed = seeds(1).front();
    SCOPED_TRACE(seed_note(seed));
    Random random(seed);
    std::vector<std::uint64_t> left;
    for (const std::size_t bytes : {std::size_t{100'000}, std::size_t{1'000'000}}) {
        std::vector<Expensive> texts = expensive_texts(bytes, random);
        for (std::size_t i = 0; i < texts.size(); ++i) {
            SCOPED_TRACE(texts[i].name);
            WorkBudget budget;
            const TextCount bounded = count(texts[i].text, budget);
            EXPECT_EQ(bounded.exact, texts[i].cheap);
            EXPECT_LE(bounded.tokens, texts[i].text.size());
            if (left.size() < texts.size()) {
                left.push_back(budget.steps);
            } else if (texts[i].cheap) {
                // What is left of a repetition at its end differs by a little more than one period.
                EXPECT_NEAR(static_cast<double>(budget.steps), static_cast<double>(left[i]), 2'000);
            }
        }
    }
}

TEST_P(WorkBudgetOf, AnEmptyBudgetStillAnswers) {
    const std::string text = "Zxqv wkjq plmq " + std::string(400, 'q') + "rq zkkw. \xff\xfe";
    WorkBudget none{0};
    const TextCount estimated = count(text, none);
    EXPECT_FALSE(estimated.exact);
    EXPECT_GT(estimated.tokens, 4U);
    EXPECT_LE(estimated.tokens, text.size());
    // What is known costs nothing.
    const TextCount known = count("the same", none);
    EXPECT_TRUE(known.exact);
    EXPECT_EQ(known.tokens, 2U);
    EXPECT_EQ(count("", none).tokens, 0U);
}

TEST_P(WorkBudgetOf, IsTakenFromStepByStep) {
    TokenCounter counter(shared_vocabulary(), GetParam());
    WorkBudget budget{1'000};
    EXPECT_TRUE(counter.count("Xyzzyplugh", budget).exact);
    EXPECT_EQ(budget.steps, 990U);
    EXPECT_TRUE(counter.count("Xyzzyplugh", budget).exact);
    EXPECT_EQ(budget.steps, 990U) << "what was counted once is remembered";
    std::uint64_t before = budget.steps;
    for (int i = 0; i < 400 && budget.steps > 0; ++i) {
        static_cast<void>(
            counter.count(std::string(20, static_cast<char>('a' + i % 26)) + std::to_string(i), budget));
        EXPECT_LE(budget.steps, before);
        before = budget.steps;
    }
}

} // namespace
} // namespace headroom::balance
