// The mock's answers: repeatable, capped, steered by marks.
#include "tools/mock_azure/text_plan.hpp"

#include "tools/mock_azure/prompt_cache.hpp"

#include <gtest/gtest.h>

namespace headroom::mock {
namespace {

TextWish wish(std::uint64_t seed, std::optional<std::int64_t> max_tokens, std::string_view prompt = {}) {
    TextWish one;
    one.seed = seed;
    one.max_tokens = max_tokens;
    one.marks = find_marks(prompt);
    one.last_user_text = prompt;
    return one;
}

TEST(MockTextPlan, TheSameSeedSaysTheSame) {
    EXPECT_EQ(plan_text(wish(7, {})).text(), plan_text(wish(7, {})).text());
    EXPECT_NE(plan_text(wish(7, {})).text(), plan_text(wish(8, {})).text());
}

TEST(MockTextPlan, LengthsSpreadAroundTheMean) {
    double sum = 0;
    for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
        const auto tokens = plan_text(wish(seed, {})).tokens.size();
        EXPECT_GE(tokens, 30U);
        EXPECT_LE(tokens, 480U);
        sum += static_cast<double>(tokens);
    }
    EXPECT_NEAR(sum / 2'000, 140, 15);
}

TEST(MockTextPlan, ACapCutsAndSaysLength) {
    const TextPlan cut = plan_text(wish(7, 5));
    EXPECT_EQ(cut.tokens.size(), 5U);
    EXPECT_EQ(cut.finish_reason, "length");
    const TextPlan exact = plan_text(wish(7, 5, "[[tokens=5]]"));
    EXPECT_EQ(exact.tokens.size(), 5U);
    EXPECT_EQ(exact.finish_reason, "stop");
}

TEST(MockTextPlan, EchoRepeatsTheTextWithoutMarksInWholeCharacters) {
    const TextPlan plan = plan_text(wish(7, {}, "[[echo]]日本語 naïve [[tokens=3]]🙂"));
    EXPECT_EQ(plan.text(), "日本語 naïve 🙂");
    for (const std::string& token : plan.tokens)
        EXPECT_NE(static_cast<unsigned char>(token.front()) & 0xc0U, 0x80U);
}

TEST(MockTextPlan, AFilteredAnswerStopsHalfway) {
    const TextPlan plan = plan_text(wish(7, {}, "[[filter_output]][[tokens=10]]"));
    EXPECT_EQ(plan.tokens.size(), 5U);
    EXPECT_EQ(plan.finish_reason, "content_filter");
}

TEST(MockMarks, ReadsWhatItKnowsAndIgnoresTheRest) {
    const Marks marks =
        find_marks("a [[tokens=50]] [[ttft=200]] [[token_ms=x]] [[what]] [[content_filter]] [[");
    EXPECT_EQ(marks.output_tokens, 50);
    EXPECT_EQ(marks.ttft_ms, 200);
    EXPECT_FALSE(marks.token_ms.has_value());
    EXPECT_TRUE(marks.content_filter);
    EXPECT_FALSE(marks.context_length);
}

TEST(MockPromptCache, KnowsLongPrefixesInStepsAndForgetsIdleOnes) {
    using namespace std::chrono_literals;
    PromptCache cache;
    const std::string prefix(4 * 1'280, 'a');
    EXPECT_EQ(cache.lookup(std::string(4'000, 'b'), 0s), 0);
    EXPECT_EQ(cache.lookup(std::string(4'000, 'b'), 1s), 0) << "below 1,024 tokens nothing is cached";
    EXPECT_EQ(cache.lookup(prefix, 0s), 0);
    EXPECT_EQ(cache.lookup(prefix + std::string(4'000, 'c'), 60s), 1'280);
    EXPECT_EQ(cache.lookup(prefix, 20min), 0);
}

} // namespace
} // namespace headroom::mock
