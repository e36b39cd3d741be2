// Estimates: exact where the body can be read, better with every response, and never in the way of a request.
#include "core/estimator.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace headroom::core {
namespace {

using balance::Operation;
using balance::Tokens;

constexpr std::uint64_t chat = 1;

class EstimatorTest : public ::testing::Test {
  protected:
    /// In pieces of `piece_bytes`, each in a block of its own.
    balance::RequestCost estimate(const std::string& json, Operation operation = Operation::chat,
                                  std::string_view deployment = "chat", std::size_t piece_bytes = 8192) {
        RequestBody body(pool_);
        balance::RequestScan scan;
        for (std::size_t at = 0; at < json.size(); at += piece_bytes) {
            const std::string_view part = std::string_view(json).substr(at, piece_bytes);
            net::Slice piece = pool_.acquire_slice(net::BlockSize::small);
            piece.append(part);
            EXPECT_TRUE(body.append(std::move(piece)));
            scan.feed(part);
        }
        return estimator_->estimate(body, scan.finish(), operation, deployment, chat);
    }

    void learn(const balance::RequestCost& cost, std::int64_t prompt, std::int64_t completion,
               std::string_view model = {}, std::uint64_t id = 0) {
        const balance::Usage usage{
            .prompt = Tokens(prompt), .completion = Tokens(completion), .total = Tokens(prompt + completion)};
        estimator_->learn(cost, chat, {usage, model, id}, errors_);
    }

    static const EstimatorBasis& basis() {
        static const EstimatorBasis shared;
        return shared;
    }

    net::BufferPool pool_{std::size_t{64} << 20U};
    std::vector<ModelConfig> models_;
    std::unique_ptr<Estimator> estimator_ = std::make_unique<Estimator>(basis(), models_, 7);
    std::array<EstimateCounters, balance::operation_count> errors_;
};

const std::string hello =
    R"({"messages":[{"role":"user","content":"hello world, hello world"}],"max_tokens":20})";

// 3 for priming, 3 for the message, 1 for its role, 5 of text.
TEST_F(EstimatorTest, CountsExactlyHoweverTheBodyArrived) {
    for (const std::size_t piece : {1U, 7U, 64U, 8192U}) {
        const balance::RequestCost cost = estimate(hello, Operation::chat, "chat", piece);
        EXPECT_TRUE(cost.read);
        EXPECT_TRUE(cost.exact);
        EXPECT_EQ(cost.counted, 12U) << piece;
        EXPECT_EQ(cost.cost().charge, Tokens(32));
    }
}

TEST_F(EstimatorTest, EstimatesWhatItCannotReadByItsBytes) {
    const balance::RequestCost broken = estimate(R"({"messages":[{"role":"user","content":"hello)");
    EXPECT_FALSE(broken.read);
    EXPECT_GT(broken.prompt, Tokens(0));
    std::string text;
    while (text.size() < Estimator::read_bytes_max)
        text += "so many words ";
    const std::string large = R"({"messages":[{"role":"user","content":")" + text + "\"}]}";
    const balance::RequestCost cost = estimate(large);
    EXPECT_FALSE(cost.read);
    EXPECT_GT(cost.prompt, Tokens(1'000'000));
    EXPECT_EQ(estimate("{}", Operation::files).cost().charge, Tokens(0));
}

TEST_F(EstimatorTest, LearnsTheModelFromResponses) {
    // what o200k_base has in one token takes cl100k_base two and more
    const std::string greek =
        R"({"messages":[{"role":"user","content":"Καλημέρα κόσμε, τι κάνεις σήμερα;"}]})";
    const balance::RequestCost before = estimate(greek);
    learn(before, static_cast<std::int64_t>(before.counted), 5, "gpt-4-0613");
    const balance::RequestCost after = estimate(greek);
    EXPECT_GT(after.counted, before.counted);
    EXPECT_TRUE(after.exact);
    learn(after, static_cast<std::int64_t>(after.counted), 5, "gpt-4o-2024-11-20");
    EXPECT_EQ(estimate(greek).counted, before.counted);
}

TEST_F(EstimatorTest, BelievesTheConfigurationMoreThanResponses) {
    models_ = {{"chat", "gpt-4"}};
    estimator_ = std::make_unique<Estimator>(basis(), models_, 7);
    const std::string text = R"({"messages":[{"role":"user","content":"Καλημέρα κόσμε"}]})";
    const std::uint64_t counted = estimate(text).counted;
    learn(estimate(text), static_cast<std::int64_t>(counted), 5, "gpt-4o");
    EXPECT_EQ(estimate(text).counted, counted);
    models_.clear();
    estimator_ = std::make_unique<Estimator>(basis(), models_, 7);
    EXPECT_LT(estimate(text).counted, counted);
    // a deployment that is called as a model is taken for it
    EXPECT_EQ(estimator_->counting("gpt-4", 99).count("Καλημέρα κόσμε").tokens, counted - 7);
}

TEST_F(EstimatorTest, CorrectsTheEstimatesOfAForeignModel) {
    std::string text;
    for (int i = 0; i < 200; ++i)
        text += "All happy families are alike; number " + std::to_string(i) + ". ";
    const std::string body = R"({"messages":[{"role":"user","content":")" + text + "\"}]}";
    learn(estimate(body), 1000, 5, "mistral-large-2411");
    EXPECT_FALSE(estimate(body).exact);
    for (int i = 0; i < 60; ++i)
        learn(estimate(body), 3000, 5, "mistral-large-2411");
    EXPECT_NEAR(static_cast<double>(estimate(body).prompt.count()), 3000, 60);
}

TEST_F(EstimatorTest, LearnsWhatToolsAndHistoryAdd) {
    const std::string tools =
        R"({"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}]})";
    const balance::RequestCost first = estimate(tools);
    learn(first, first.prompt.count() + 40, 5);
    EXPECT_EQ(estimate(tools).prompt, first.prompt + Tokens(40));

    const std::string turn = R"({"input":"and now?","previous_response_id":"resp_7"})";
    const balance::RequestCost unknown = estimate(turn, Operation::responses);
    learn(estimate(R"({"input":"hello"})", Operation::responses), 500, 100, {},
          balance::response_hash("resp_7"));
    EXPECT_GE(estimate(turn, Operation::responses).prompt, unknown.prompt + Tokens(500));
}

TEST_F(EstimatorTest, SaysHowFarItWasOff) {
    const balance::RequestCost cost = estimate(hello);
    learn(cost, cost.prompt.count() + 3, cost.output.count() - 2);
    const EstimateCounters& counters = errors_[static_cast<std::size_t>(Operation::chat)];
    EXPECT_EQ(counters.requests.get(), 1U);
    EXPECT_EQ(counters.prompt_error.get(), 3U);
    EXPECT_EQ(counters.output_error.get(), 2U);
    EXPECT_EQ(counters.prompt_tokens.get(), static_cast<std::uint64_t>(cost.prompt.count() + 3));
}

} // namespace
} // namespace headroom::core
