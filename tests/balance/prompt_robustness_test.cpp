// Bodies of odd shapes, broken, deep, large, split anywhere: never a failure, always the same answer.
#include "balance/prompt/prompt_reader.hpp"
#include "tests/balance/prompt_counting.hpp"
#include "tests/balance/random_json.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace headroom::balance {
namespace {

class PromptRobustness : public testing::Test {
  protected:
    PromptParts chat(std::string_view body) { return parts_of(body, Operation::chat, counter); }
    static std::uint64_t tokens(const PromptParts& parts, PromptPart part) { return parts.of(part).tokens; }

    WordCounter counter;
};

TEST_F(PromptRobustness, OddShapesCountByTheirBytes) {
    const PromptParts parts = chat(
        R"({"messages":[{"role":7,"content":{"a":1},"tool_calls":5,"name":[]},"hello you",3,{"content":[1234567,["x"]]}],)"
        R"("tools":{"a":1},"response_format":"text","tool_choice":3,"prediction":[]})");
    ASSERT_TRUE(parts.read);
    EXPECT_FALSE(parts.exact);
    EXPECT_EQ(tokens(parts, PromptPart::text), 2U);
    EXPECT_EQ(tokens(parts, PromptPart::other), 1U + 2 + 2);
}

TEST_F(PromptRobustness, DeepNestingIsBounded) {
    std::string deep(50'000, '[');
    deep += std::string(50'000, ']');
    const PromptParts parts =
        parts_of(R"({"input":[{"type":"odd","queries":)" + deep + "}]}", Operation::responses, counter);
    ASSERT_TRUE(parts.read);
    EXPECT_EQ(tokens(parts, PromptPart::other), 25'000U - 12);
    std::string schema;
    for (int i = 0; i < 10'000; ++i)
        schema += R"({"items":)";
    schema += "{}" + std::string(10'000, '}');
    EXPECT_TRUE(chat(R"({"tools":[{"name":"f","parameters":)" + schema + "}]}").read);
}

TEST_F(PromptRobustness, ManyTextsAreBounded) {
    std::string body = R"({"input":[)";
    for (int i = 0; i < 30'000; ++i)
        body += R"("a word",)";
    const PromptParts parts = parts_of(body + "[]]}", Operation::embeddings, counter);
    EXPECT_EQ(counter.texts.size(), 20'000U);
    EXPECT_FALSE(parts.exact);
    EXPECT_EQ(tokens(parts, PromptPart::text), 60'000U);
    EXPECT_EQ(parts.of(PromptPart::text).items, 30'000U);
}

TEST_F(PromptRobustness, WhatIsNoBodyIsNotRead) {
    for (const std::string_view body :
         {"", " ", "[]", "{", "}", "\"x\"", "nul", R"({"messages":[)", R"({"messages":[}]})",
          "{\"a\":\"\xff\"}", R"({"messages":[{"role":"user" "content":"x"}]})", "\xef\xbb\xbf"}) {
        const PromptParts parts = chat(body);
        EXPECT_FALSE(parts.read) << body;
        EXPECT_EQ(parts, PromptParts{}) << body;
    }
    EXPECT_FALSE(parts_of(R"({"input":"x"})", Operation::audio, counter).read);
    EXPECT_TRUE(chat("\xef\xbb\xbf{}").read);
}

TEST_F(PromptRobustness, LargeBodiesAreNotRead) {
    PromptReader reader(1000, {});
    const std::string head = R"({"messages":[{"content":")";
    const std::string tail = R"("}]})";
    const auto body = [&](std::size_t size) {
        return head + std::string(size - head.size() - tail.size(), 'x') + tail;
    };
    EXPECT_TRUE(parts_of(reader, body(1000), Operation::chat, counter).read);
    EXPECT_FALSE(parts_of(reader, body(1001), Operation::chat, counter).read);
    EXPECT_TRUE(parts_of(reader, body(1000), Operation::chat, counter).read);
}

TEST_F(PromptRobustness, WhereTheBodyLiesDoesNotMatter) {
    PromptReader reader(1 << 20, {});
    const ModelRules rules = rules_of_model("gpt-4o");
    for (const std::uint64_t seed : seeds(300)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        RandomJson json(random);
        const std::string inner = json.request();
        const std::string body = R"({"messages":[{"role":"user","content":"caf\u00e9"},)" + inner +
                                 R"(],"tools":[)" + inner + R"(],"input":[)" + inner + R"(,"x"]})";
        const auto operation = random.pick({Operation::chat, Operation::responses, Operation::embeddings});
        const PromptParts expected = parts_of(reader, body, operation, counter);
        ASSERT_TRUE(expected.read);
        // Bytes behind the body, whatever they are.
        const std::string behind = body + std::string(64, random.pick("}]\",: x"));
        const std::string_view whole[] = {std::string_view(behind).substr(0, body.size())};
        EXPECT_EQ(reader.read({whole, 64}, operation, "gpt-4o", rules, counter), expected);
        std::vector<std::string> copies;
        for (std::size_t at = 0; at < body.size();) {
            const std::size_t size = random.below(40);
            copies.push_back(body.substr(at, size));
            at += size;
        }
        const std::vector<std::string_view> pieces(copies.begin(), copies.end());
        EXPECT_EQ(reader.read({pieces, random.below(100)}, operation, "gpt-4o", rules, counter), expected);
    }
}

TEST_F(PromptRobustness, AnyBodyIsAccepted) {
    PromptReader reader(1 << 20, {});
    unsigned read = 0;
    for (const std::uint64_t seed : seeds(2000)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        std::string body = random.pick(
            {R"({"messages":[{"role":"user","content":[{"type":"text","text":"a\n\u00e9"},{"image_url":{"url":"data:image/png;base64,iVBO","detail":"low"}}]}]})",
             R"({"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"a":{"type":"string","enum":["x",1]}}}}}]})",
             R"({"input":[{"role":"user","content":"x"},{"type":"function_call_output","output":[{"text":"y"}]}],"text":{"format":{"schema":{}}}})"});
        for (std::uint64_t i = random.below(4); i > 0; --i) {
            const std::size_t at = random.below(body.size());
            switch (random.below(3)) {
                case 0: body[at] = random.pick("{}[]\",:\\0e-tn x\x01\xff"); break;
                case 1: body.erase(at, random.below(5)); break;
                default: body.insert(at, 1, random.pick("{}[]\",:\\0")); break;
            }
        }
        for (const Operation operation : {Operation::chat, Operation::responses, Operation::embeddings}) {
            const PromptParts parts = parts_of(reader, body, operation, counter);
            read += parts.read ? 1 : 0;
            EXPECT_LE(parts.sum().bytes, 3 * body.size());
        }
    }
    EXPECT_GT(read, 1000U);
    EXPECT_LT(read, 6000U);
}

} // namespace
} // namespace headroom::balance
