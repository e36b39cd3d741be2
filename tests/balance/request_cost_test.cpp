// Whole requests to costs: caps, choices, predictions, bodies that cannot be read; and what is learned back.
#include "balance/prompt/request_cost.hpp"

#include "tests/balance/prompt_counting.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace headroom::balance {
namespace {

class RequestCostTest : public testing::Test {
  protected:
    RequestCost cost(std::string_view body, Operation operation = Operation::chat) {
        RequestScan scan;
        scan.feed(body);
        const RequestFacts& facts = scan.finish();
        return request_cost(facts, operation, parts_of(body, operation, counter), 1, overheads, forecast);
    }
    void answer(const RequestCost& asked, std::int64_t prompt, std::int64_t output) {
        const Usage usage{Tokens(prompt), Tokens(output), Tokens(prompt + output), {}, {}};
        errors.add(asked, usage);
        learn(asked, usage, overheads, forecast);
    }

    WordCounter counter;
    Overheads overheads;
    OutputForecast forecast;
    EstimateErrors errors;
};

constexpr std::string_view hello = R"({"messages":[{"role":"user","content":"hello caf\u00e9"}]})";

TEST_F(RequestCostTest, TellsUsageAndRegressors) {
    const RequestCost asked = cost(hello);
    EXPECT_EQ(asked.prompt, Tokens(3 + 3 + 1 + 2));
    EXPECT_EQ(asked.counted, 9U);
    EXPECT_EQ(asked.characters, 4U + 10);
    EXPECT_EQ(asked.bytes, 4U + 11);
    EXPECT_EQ(asked.output, Tokens(256));
    EXPECT_EQ(asked.output_high, Tokens(768));
    EXPECT_EQ(asked.cap, std::nullopt);
    EXPECT_TRUE(asked.read && asked.exact);
    EXPECT_EQ(asked.cost().prompt, asked.prompt);
    EXPECT_EQ(asked.cost().expected, Tokens(9 + 256));
    EXPECT_EQ(asked.cost().charge, Tokens(9 + 256));
}

TEST_F(RequestCostTest, CapsLimitAndChoicesMultiply) {
    const RequestCost asked = cost(R"({"messages":[],"max_tokens":1000,"max_completion_tokens":100,"n":3})");
    EXPECT_EQ(asked.cap, Tokens(100));
    EXPECT_EQ(asked.answers, 3U);
    EXPECT_EQ(asked.output, Tokens(300));
    EXPECT_EQ(asked.output_high, Tokens(300));
    EXPECT_EQ(asked.cost().charge, Tokens(3 + 300));
    const RequestCost wide = cost(R"({"messages":[],"max_tokens":4000})");
    EXPECT_EQ(wide.output, Tokens(256));
    EXPECT_EQ(wide.cost().charge, Tokens(3 + 4000));
    const RequestCost responses =
        cost(R"({"input":"x","max_output_tokens":50,"max_tokens":7})", Operation::responses);
    EXPECT_EQ(responses.cap, Tokens(50));
}

TEST_F(RequestCostTest, CompletionsHaveADefaultCapAndManyTries) {
    const RequestCost asked = cost(R"({"prompt":["a b","c"],"n":2,"best_of":5})", Operation::completions);
    EXPECT_EQ(asked.prompt, Tokens(3));
    EXPECT_EQ(asked.cap, Tokens(16));
    EXPECT_EQ(asked.answers, 4U);
    EXPECT_EQ(asked.tries, 10U);
    EXPECT_EQ(asked.output, Tokens(160));
}

TEST_F(RequestCostTest, EmbeddingsHaveNoOutput) {
    const RequestCost asked = cost(R"({"input":["a b","c"],"max_tokens":9})", Operation::embeddings);
    EXPECT_EQ(asked.prompt, Tokens(3));
    EXPECT_EQ(asked.output, Tokens(0));
    EXPECT_EQ(asked.cost().charge, Tokens(3));
}

TEST_F(RequestCostTest, PredictionsRaiseTheOutput) {
    std::string words;
    for (int i = 0; i < 500; ++i)
        words += "word ";
    EXPECT_EQ(cost(R"({"messages":[],"prediction":{"type":"content","content":")" + words + R"("}})").output,
              Tokens(500));
}

TEST_F(RequestCostTest, HugeNumbersAreBounded) {
    const RequestCost asked = cost(R"({"messages":[],"max_tokens":1e300,"n":1e12,"best_of":9e99})");
    EXPECT_LE(asked.output, request_cost_max);
    EXPECT_LE(asked.cost().charge, request_cost_max);
    EXPECT_EQ(asked.tries, 128U);
}

TEST_F(RequestCostTest, UnreadableBodiesGoByBytes) {
    RequestScan scan;
    scan.feed(hello);
    const RequestFacts& facts = scan.finish();
    const RequestCost asked = request_cost(facts, Operation::chat, {}, 1, overheads, forecast);
    EXPECT_FALSE(asked.read || asked.exact);
    EXPECT_EQ(asked.prompt, estimate(facts, Operation::chat).prompt);
    EXPECT_EQ(asked.bytes, facts.text_bytes);
    // simdjson skips what nobody asks for, defects and all; the backend will refuse it.
    const RequestCost odd = cost(R"({"messages":[],"unknown":[1 2 tru]})");
    EXPECT_FALSE(odd.read);
    const RequestCost broken = cost(R"({"messages":[{"role":)");
    EXPECT_FALSE(broken.read);
    EXPECT_GT(broken.prompt, Tokens(0));
}

TEST_F(RequestCostTest, UnchargedOperationsCostNothing) {
    const RequestCost asked = cost(R"({"input":"speak this"})", Operation::audio);
    EXPECT_EQ(asked.prompt + asked.output, Tokens(0));
    EXPECT_EQ(asked.cost().charge, Tokens(0));
    answer(asked, 50, 50);
    EXPECT_EQ(cost(hello).prompt, Tokens(9));
}

TEST_F(RequestCostTest, LearnsWhatToolsCost) {
    const std::string tools =
        R"("tools":[{"function":{"name":"f","description":"Does it.","parameters":{}}}])";
    const RequestCost first = cost("{" + tools + R"(,"messages":[{"role":"user","content":"a"}]})");
    answer(first, first.prompt.count() + 41, 10);
    const RequestCost second = cost(R"({"messages":[{"role":"user","content":"a b c d"}],)" + tools + "}");
    EXPECT_EQ(second.prompt, first.prompt + Tokens(41 + 3));
    EXPECT_EQ(cost(hello).prompt, Tokens(9));
}

TEST_F(RequestCostTest, LearnsOutputsByTheAnswer) {
    for (int i = 0; i < 2000; ++i)
        answer(cost(R"({"messages":[{"content":"x"}],"n":4})"), 7, 400);
    EXPECT_NEAR(static_cast<double>(cost(R"({"messages":[{"content":"x"}]})").output.count()), 100, 3);
    EXPECT_NEAR(static_cast<double>(cost(R"({"messages":[{"content":"x"}],"n":2})").output.count()), 200, 6);
}

TEST_F(RequestCostTest, ErrorsAddUp) {
    answer(cost(hello), 10, 200);
    answer(cost(R"({"messages":[]})"), 3, -7);
    EXPECT_EQ(errors.requests, 2U);
    EXPECT_EQ(errors.prompt_tokens, 13U);
    // Off by 1, and then by the 1 that was learned.
    EXPECT_EQ(errors.prompt_error, 2U);
    EXPECT_EQ(errors.output_tokens, 200U);
    EXPECT_GT(errors.output_error, 56U);
}

} // namespace
} // namespace headroom::balance
