// The arithmetic of a request's two costs.
#include "balance/request_facts.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::balance {
namespace {

RequestFacts facts_of(std::string_view body) {
    RequestScan scan;
    scan.feed(body);
    return scan.finish();
}

Cost cost_of(std::string_view body, Operation operation) {
    return estimate(facts_of(body), operation);
}

TEST(Cost, ReservesTheCapAndExpectsLess) {
    const std::string body =
        R"({"messages":[{"content":")" + std::string(393, 'x') + R"("}],"max_tokens":1000})";
    const Cost cost = cost_of(body, Operation::chat);
    EXPECT_EQ(cost.prompt, Tokens(103)) << "400 bytes with the name, 4 a token, 3 for the request";
    EXPECT_EQ(cost.charge, Tokens(1103));
    EXPECT_EQ(cost.expected, cost.prompt + output_expected_default);
}

TEST(Cost, WithoutACapTheDefaultIsReserved) {
    const Cost cost = cost_of(R"({"messages":[]})", Operation::chat);
    EXPECT_EQ(cost.charge, Tokens(3) + output_expected_default);
    EXPECT_EQ(cost_of(R"({"prompt":""})", Operation::completions).charge, Tokens(3 + 16));
}

TEST(Cost, MultipliesByChoices) {
    EXPECT_EQ(cost_of(R"({"max_tokens":100,"n":3})", Operation::chat).charge, Tokens(303));
    EXPECT_EQ(cost_of(R"({"max_tokens":100,"n":2,"best_of":5})", Operation::completions).charge, Tokens(503));
    EXPECT_EQ(cost_of(R"({"max_tokens":100,"n":0})", Operation::chat).charge, Tokens(103));
    EXPECT_EQ(cost_of(R"({"max_tokens":100,"n":2,"best_of":5})", Operation::completions).expected,
              Tokens(203));
}

TEST(Cost, TakesTheCapOfTheOperation) {
    constexpr std::string_view all = R"({"max_tokens":10,"max_completion_tokens":20,"max_output_tokens":30})";
    EXPECT_EQ(cost_of(all, Operation::chat).charge, Tokens(23));
    EXPECT_EQ(cost_of(all, Operation::responses).charge, Tokens(33));
    EXPECT_EQ(cost_of(all, Operation::completions).charge, Tokens(13));
}

TEST(Cost, EmbeddingsHaveNoOutputAndTokenArraysCountThemselves) {
    const Cost text = cost_of(R"({"input":["abcdefgh","abcdefgh"]})", Operation::embeddings);
    EXPECT_EQ(text.charge, Tokens(4 + 3));
    EXPECT_EQ(text.expected, text.charge);
    EXPECT_EQ(cost_of(R"({"input":[[1,2,3],[4,5]]})", Operation::embeddings).charge, Tokens(5 + 3));
}

TEST(Cost, ImagesCountByTheirNumber) {
    const std::string image = R"({"url":"data:image/png;base64,)" + std::string(100'000, 'A') + R"("})";
    const Cost cost = cost_of(R"({"messages":[)" + image + "," + image + "]}", Operation::chat);
    EXPECT_GT(cost.prompt, Tokens(1500));
    EXPECT_LT(cost.prompt, Tokens(1600));
}

TEST(Cost, OtherOperationsCostNoTokens) {
    for (const Operation operation :
         {Operation::audio, Operation::images, Operation::files, Operation::models, Operation::other}) {
        EXPECT_EQ(cost_of(R"({"input":"some text","max_tokens":5})", operation).charge, Tokens(0));
    }
}

TEST(Cost, BodiesThatAreNoJsonCountTheirBytes) {
    EXPECT_EQ(cost_of(std::string(400, 'x'), Operation::chat).prompt, Tokens(103));
    EXPECT_GT(cost_of(R"({"messages":[)" + std::string(400, '}'), Operation::chat).prompt, Tokens(90));
    EXPECT_EQ(estimate(RequestFacts{}, Operation::chat).prompt, Tokens(3));
}

TEST(Cost, IsBounded) {
    EXPECT_EQ(cost_of(R"({"max_tokens":1e300,"n":1e300,"best_of":1e300})", Operation::chat).charge,
              request_cost_max);
    RequestFacts facts;
    facts.object = true;
    facts.text_bytes = ~std::uint64_t{0};
    facts.numbers = ~std::uint64_t{0};
    facts.media_count = ~std::uint32_t{0};
    const Cost cost = estimate(facts, Operation::embeddings);
    EXPECT_EQ(cost.charge, request_cost_max);
    EXPECT_EQ(cost.prompt, request_cost_max);
}

} // namespace
} // namespace headroom::balance
