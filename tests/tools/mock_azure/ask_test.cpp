// Requests as the mock reads them, and the errors it gives for the ones it cannot read.
#include "tools/mock_azure/ask.hpp"

#include "tools/mock_azure/multipart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::mock {
namespace {

using testing::HasSubstr;

std::string problem_of(Operation operation, std::string_view body) {
    const AskOrProblem read = read_ask(operation, body, 1'000);
    return read.problem ? std::to_string(read.problem->status) + " " + read.problem->body : "none";
}

TEST(MockAsk, ReadsAChatRequest) {
    const AskOrProblem read =
        read_ask(Operation::chat,
                 R"({"model":"chat","stream":true,"stream_options":{"include_usage":true},"max_tokens":50,
      "n":2,"seed":3,"messages":[{"role":"system","content":"be"},{"role":"user","content":[{"type":"text","text":"héllo"},
      {"type":"image_url","image_url":{"url":"data:,"}}]}]})",
                 128'000);
    ASSERT_TRUE(read.ask);
    EXPECT_EQ(read.ask->model, "chat");
    EXPECT_TRUE(read.ask->stream && read.ask->include_usage);
    EXPECT_EQ(read.ask->max_tokens, 50);
    EXPECT_EQ(read.ask->choices, 2);
    EXPECT_EQ(read.ask->prompt_characters, 7) << "characters, not bytes";
    EXPECT_EQ(read.ask->prompt_tokens_estimate(), 2);
    EXPECT_EQ(read.ask->prompt_tokens_billed(), 7 * 5 / 22 + 8 + 3);
    EXPECT_EQ(read.ask->last_user_text, "héllo");
}

TEST(MockAsk, EveryCapFieldCounts) {
    EXPECT_EQ(read_ask(Operation::chat,
                       R"({"messages":[{"role":"user","content":"x"}],"max_completion_tokens":9})", 1'000)
                  .ask->max_tokens,
              9);
    EXPECT_EQ(
        read_ask(Operation::responses, R"({"input":"x","max_output_tokens":19})", 1'000).ask->max_tokens, 19);
    EXPECT_EQ(
        read_ask(Operation::completions, R"({"prompt":["x","y"],"max_tokens":8})", 1'000).ask->max_tokens, 8);
}

TEST(MockAsk, MistakesGetTheServicesWords) {
    EXPECT_THAT(problem_of(Operation::chat, "{"),
                HasSubstr("400 {\"error\":{\"message\":\"We could not parse"));
    EXPECT_THAT(problem_of(Operation::chat, "[]"), HasSubstr("We could not parse"));
    EXPECT_THAT(problem_of(Operation::chat, "{}"), HasSubstr("Missing required parameter: 'messages'."));
    EXPECT_THAT(problem_of(Operation::chat, R"({"messages":"hi"})"), HasSubstr("invalid_type"));
    EXPECT_THAT(problem_of(Operation::chat, R"({"messages":[]})"), HasSubstr("empty_array"));
    EXPECT_THAT(
        problem_of(Operation::chat, R"({"messages":[{"role":"user","content":"x"}],"max_tokens":"many"})"),
        HasSubstr("Invalid type for 'max_tokens'"));
    EXPECT_THAT(problem_of(Operation::chat,
                           R"({"model":"o3","messages":[{"role":"user","content":"x"}],"max_tokens":5})"),
                HasSubstr("max_completion_tokens"));
    EXPECT_THAT(problem_of(Operation::responses, R"({"input":"x","max_output_tokens":3})"),
                HasSubstr("integer_below_min_value"));
    EXPECT_THAT(problem_of(Operation::embeddings, R"({"input":[]})"), HasSubstr("Invalid type for 'input'"));
}

TEST(MockAsk, FilterAndContextErrorsCanBeOrdered) {
    EXPECT_THAT(
        problem_of(Operation::chat, R"({"messages":[{"role":"user","content":"[[content_filter]]"}]})"),
        HasSubstr("ResponsibleAIPolicyViolation"));
    EXPECT_THAT(problem_of(Operation::responses, R"({"input":"[[context_length]]"})"),
                HasSubstr("context_length_exceeded"));
    EXPECT_THAT(
        problem_of(Operation::chat, R"({"messages":[{"role":"user","content":"x"}],"max_tokens":999})"),
        HasSubstr("context_length_exceeded"))
        << "prompt and completion together are too long";
}

TEST(MockAsk, EmbeddingInputsOfAllKinds) {
    const auto count = [](std::string_view body) {
        return read_ask(Operation::embeddings, body, 1'000).ask->inputs.size();
    };
    EXPECT_EQ(count(R"({"input":"hello"})"), 1U);
    EXPECT_EQ(count(R"({"input":["a","b"]})"), 2U);
    EXPECT_EQ(count(R"({"input":[1,2,3]})"), 1U);
    EXPECT_EQ(count(R"({"input":[[1,2],[3]],"encoding_format":"base64"})"), 2U);
    EXPECT_EQ(
        read_ask(Operation::embeddings, R"({"input":[[1,2],[3]]})", 1'000).ask->prompt_tokens_estimate(), 3);
    EXPECT_EQ(read_ask(Operation::embeddings, R"({"input":"12345"})", 1'000).ask->prompt_tokens_estimate(),
              2);
}

TEST(MockAsk, LimitsOfTheService) {
    std::string messages = R"({"messages":[)";
    for (int i = 0; i < 2'049; ++i)
        messages += std::string(i ? "," : "") + R"({"role":"user","content":"x"})";
    EXPECT_THAT(problem_of(Operation::chat, messages + "]}"), HasSubstr("array_above_max_length"));
    const std::string text(1'048'577, 'x');
    EXPECT_THAT(problem_of(Operation::chat, R"({"messages":[{"role":"user","content":")" + text + R"("}]})"),
                HasSubstr("string_above_max_length"));
}

TEST(MockMultipart, FindsFieldsAndTheFile) {
    const std::string body =
        "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n"
        "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: "
        "audio/wav\r\n\r\n\r\n\x01\x02\r\n"
        "--B--\r\n";
    const auto parts = read_multipart("multipart/form-data; boundary=B", body);
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_EQ(form_value(parts, "model"), "whisper");
    ASSERT_NE(form_file(parts), nullptr);
    EXPECT_EQ(form_file(parts)->filename, "a.wav");
    EXPECT_EQ(form_file(parts)->content, "\r\n\x01\x02");
    EXPECT_TRUE(read_multipart("application/json", body).empty());
}

} // namespace
} // namespace headroom::mock
