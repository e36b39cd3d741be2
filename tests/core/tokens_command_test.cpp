// headroom tokens: a text, a body with its parts, and files that are not there.
#include "core/tokens_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace headroom::core {
namespace {

using ::testing::HasSubstr;

struct Said {
    int code = 0;
    std::string out;
    std::string err;
};

Said tokens(std::string_view input, bool json = false, std::string model = {}, std::string file = "-") {
    Options options;
    options.command = Command::tokens;
    options.file = std::move(file);
    options.json = json;
    options.model = std::move(model);
    std::istringstream in{std::string(input)};
    std::ostringstream out;
    std::ostringstream err;
    const int code = run_tokens(options, in, out, err);
    return {code, out.str(), err.str()};
}

TEST(TokensCommand, CountsAText) {
    EXPECT_EQ(tokens("hello world").out, "2 tokens (o200k_base; 11 bytes)\n");
    EXPECT_EQ(tokens("").out, "0 tokens (o200k_base; 0 bytes)\n");
    EXPECT_THAT(tokens("hello world", false, "gpt-4").out, HasSubstr("cl100k_base"));
    EXPECT_THAT(tokens("hello world", false, "mistral-large").out, HasSubstr("not exact"));
    EXPECT_EQ(tokens("hello world", true, "a\"b").out,
              "{\"kind\":\"text\",\"model\":\"a\\\"b\",\"encoding\":\"unknown, counted as "
              "o200k_base\",\"tokens\":2,"
              "\"exact\":false,\"bytes\":11}\n");
    EXPECT_THAT(tokens(R"({"a":"JSON that is no request"})").out, HasSubstr("tokens (o200k_base"));
}

TEST(TokensCommand, CountsABodyPartByPart) {
    const std::string body =
        R"({"model":"gpt-4o","max_tokens":50,"n":2,"messages":[{"role":"user","content":"hello world"}]})";
    const Said said = tokens(body);
    EXPECT_EQ(said.code, 0);
    EXPECT_THAT(said.out, HasSubstr("9 prompt tokens (chat, o200k_base)"));
    EXPECT_THAT(said.out, HasSubstr("at most 100 tokens of output, 2 answers of 50"));
    EXPECT_THAT(said.out, HasSubstr("is charged 109"));
    const Said json = tokens(body, true);
    EXPECT_THAT(json.out, HasSubstr(R"("tokens":9,"exact":true)"));
    EXPECT_THAT(json.out, HasSubstr(R"("text":{"items":1,"tokens":2,"characters":11,"bytes":11})"));
    EXPECT_THAT(json.out, HasSubstr(R"("cap":50,"answers":2,"tries":2,"charge":109})"));
}

TEST(TokensCommand, TellsTheOperationsApart) {
    EXPECT_THAT(tokens(R"({"model":"text-embedding-3-small","input":"hello world"})").out,
                HasSubstr("2 prompt tokens (embeddings, cl100k_base)"));
    EXPECT_THAT(tokens(R"({"model":"gpt-5","input":"hello world"})").out,
                HasSubstr("(responses, o200k_base)"));
    EXPECT_THAT(tokens(R"({"prompt":"hello world"})").out, HasSubstr("(completions, o200k_base)"));
}

TEST(TokensCommand, SaysWhatItCannotRead) {
    const Said said = tokens("", false, {}, "/no/such/file");
    EXPECT_EQ(said.code, 2);
    EXPECT_EQ(said.err, "headroom tokens: cannot read /no/such/file\n");
}

} // namespace
} // namespace headroom::core
