// Usage and model read from every kind of response, whole, byte by byte and at every split.
#include "balance/usage_meter.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::balance {
namespace {

using Kind = UsageMeter::Kind;

Usage usage(std::int64_t prompt, std::int64_t completion, std::int64_t total, std::int64_t cached = 0,
            std::int64_t reasoning = 0) {
    return {Tokens(prompt), Tokens(completion), Tokens(total), Tokens(cached), Tokens(reasoning)};
}

struct Reading {
    std::optional<Usage> usage;
    std::string model;
    Tokens estimate;

    friend bool operator==(const Reading&, const Reading&) = default;
};

Reading reading(const UsageMeter& meter) {
    return {meter.finish(), std::string(meter.model()), meter.output_estimate()};
}

/// What a meter reads, after checking that no split changes it.
Reading read(Kind kind, std::string_view body) {
    UsageMeter whole(kind);
    whole.feed(body);
    const Reading expected = reading(whole);
    for (std::size_t split = 0; split <= body.size(); ++split) {
        const std::string first(body.substr(0, split));
        const std::string second(body.substr(split));
        UsageMeter meter(kind);
        meter.feed(first);
        meter.feed(second);
        EXPECT_EQ(reading(meter), expected) << "split at " << split;
    }
    UsageMeter bytes(kind);
    for (const char& byte : body)
        bytes.feed({&byte, 1});
    EXPECT_EQ(reading(bytes), expected);
    return expected;
}

TEST(UsageMeter, ReadsAChatCompletion) {
    const Reading found = read(
        Kind::json,
        R"({"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-2024-08-06","choices":[{"message":)"
        R"({"role":"assistant","content":"Say \"usage\": {\"total_tokens\":99}"}}],"usage":{"prompt_tokens":12,)"
        R"("completion_tokens":7,"total_tokens":19,"prompt_tokens_details":{"cached_tokens":3,"audio_tokens":0},)"
        R"("completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":1}},"system_fingerprint":"fp"})");
    EXPECT_EQ(found.usage, usage(12, 7, 19, 3, 2));
    EXPECT_EQ(found.model, "gpt-4o-2024-08-06");
}

TEST(UsageMeter, ReadsAResponse) {
    const Reading found =
        read(Kind::json,
             R"({"id":"resp_1","model":"gpt-5","output":[],"tools":[{"parameters":{"properties":{"usage":)"
             R"({"type":"string"}}}}],"usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":4},)"
             R"("output_tokens":87,"output_tokens_details":{"reasoning_tokens":64},"total_tokens":123}})");
    EXPECT_EQ(found.usage, usage(36, 87, 123, 4, 64));
    EXPECT_EQ(found.model, "gpt-5");
}

TEST(UsageMeter, ReadsEmbeddings) {
    const Reading found =
        read(Kind::json, R"({"data":[{"embedding":[0.1,-0.2]}],"model":"text-embedding-3-small",)"
                         R"("usage":{"prompt_tokens":8,"total_tokens":8}})");
    EXPECT_EQ(found.usage, usage(8, 0, 8));
}

TEST(UsageMeter, ReadsAStreamWithUsageAtTheEnd) {
    const Reading found =
        read(Kind::sse,
             "data: {\"id\":\"\",\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n\n"
             "data: "
             "{\"id\":\"1\",\"model\":\"gpt-4o\",\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"usage\":"
             "null}\n\n"
             "data: {\"id\":\"1\",\"model\":\"gpt-4o\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,"
             "\"completion_tokens\":1,\"total_tokens\":6}}\n\ndata: [DONE]\n\n");
    EXPECT_EQ(found.usage, usage(5, 1, 6));
    EXPECT_EQ(found.model, "gpt-4o") << "the empty name of the first chunk does not count";
    EXPECT_EQ(found.estimate, Tokens(4));
}

TEST(UsageMeter, ReadsAResponsesStream) {
    const Reading found = read(
        Kind::sse,
        "event: response.created\r\ndata: {\"type\":\"response.created\",\"response\":{\"model\":\"o3\","
        "\"usage\":null}}\r\n\r\n"
        "event: response.completed\r\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\" : {\n"
        "\"input_tokens\" : 10 , \"output_tokens\":20,\"total_tokens\":30}}}\r\n\r\n");
    EXPECT_EQ(found.usage, usage(10, 20, 30));
    EXPECT_EQ(found.model, "o3");
}

TEST(UsageMeter, ReadsResponsesThatEndInOtherWays) {
    for (const std::string_view kind : {"response.completed", "response.incomplete", "response.failed"}) {
        const std::string stream =
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"status\":"
            "\"in_progress\",\"model\":\"gpt-5-mini\",\"tools\":[{\"parameters\":{\"properties\":{\"usage\":"
            "{\"type\":\"object\"}}}}],\"usage\":null},\"sequence_number\":0}\n\n"
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":"
            "\"\\\"usage\\\":{\\\"total_tokens\\\":9}\"}\n\nevent: " +
            std::string(kind) + "\ndata: {\"type\":\"" + std::string(kind) +
            "\",\"response\":{\"error\":null,\"incomplete_details\":{\"reason\":\"max_output_tokens\"},"
            "\"usage\":{\"input_tokens\":75,\"input_tokens_details\":{\"cached_tokens\":32},"
            "\"output_tokens\":116,\"output_tokens_details\":{\"reasoning_tokens\":64},"
            "\"total_tokens\":191},\"metadata\":{}},\"sequence_number\":9}\n\n";
        const Reading found = read(Kind::sse, stream);
        EXPECT_EQ(found.usage, usage(75, 116, 191, 32, 64)) << kind;
        EXPECT_EQ(found.model, "gpt-5-mini");
    }
    const Reading failed = read(Kind::sse,
                                "event: response.failed\ndata: {\"type\":\"response.failed\","
                                "\"response\":{\"error\":{\"code\":\"server_error\"},\"usage\":null}}\n\n");
    EXPECT_FALSE(failed.usage);
}

TEST(UsageMeter, ReadsCompletions) {
    const Reading whole = read(
        Kind::json,
        R"({"choices":[{"text":"x","index":0}],"usage":{"completion_tokens":16,"prompt_tokens":4,"total_tokens":20},)"
        R"("model":"gpt-35-turbo-instruct"})");
    EXPECT_EQ(whole.usage, usage(4, 16, 20));
    const Reading stream = read(
        Kind::sse,
        "data: {\"choices\":[{\"text\":\"a\"}],\"model\":\"m\",\"usage\":null}\n\ndata: {\"choices\":[],"
        "\"usage\":{\"completion_tokens\":1,\"prompt_tokens\":4,\"total_tokens\":5,\"prompt_tokens_details\":"
        "null,\"completion_tokens_details\":{\"reasoning_tokens\":null}}}\n\n");
    EXPECT_EQ(stream.usage, usage(4, 1, 5));
}

TEST(UsageMeter, TheLastUsageWins) {
    const Reading found =
        read(Kind::sse, R"(data: {"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}})"
                        "\n\n"
                        R"(data: {"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}})"
                        "\n\n");
    EXPECT_EQ(found.usage, usage(5, 2, 7));
}

TEST(UsageMeter, SumsUpWhenTheTotalIsMissing) {
    EXPECT_EQ(read(Kind::json, R"({"usage":{"input_tokens":4,"output_tokens":5}})").usage, usage(4, 5, 9));
}

TEST(UsageMeter, ReadsNothingIntoTextOrSchemas) {
    for (const std::string_view body :
         {R"({"content":"\"usage\":{\"total_tokens\":5}"})", R"({"a\"usage":{"total_tokens":5}})",
          R"({"usage":"total_tokens"})", R"({"usage":{"total_tokens":"many"}})",
          R"({"usage":{"properties":{"total_tokens":{"type":"integer"}}}})", R"({"usage":{}})",
          R"({"usage":[{"total_tokens":5}]})", R"({"usages":{"total_tokens":5}})",
          R"({"usage" {"total_tokens":5}})", R"({"Usage":{"total_tokens":5}})", "", "usage"}) {
        EXPECT_FALSE(read(Kind::json, body).usage) << body;
    }
}

TEST(UsageMeter, FindsUsageBehindABrokenOne) {
    const Reading found = read(
        Kind::json,
        R"({"usage":{"total_tokens":}},"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})");
    EXPECT_EQ(found.usage, usage(1, 2, 3));
}

TEST(UsageMeter, DoesNotBelieveEndlessUsage) {
    std::string body = R"({"usage":{"pad":")" + std::string(2 * UsageMeter::usage_bytes_max, 'x') +
                       R"(","total_tokens":5}})";
    EXPECT_FALSE(read(Kind::json, body).usage);
    body += R"("usage":{"total_tokens":6}})";
    EXPECT_EQ(read(Kind::json, body).usage, usage(0, 0, 6));
}

TEST(UsageMeter, ClampsAbsurdCounts) {
    EXPECT_EQ(read(Kind::json, R"({"usage":{"prompt_tokens":-5,"total_tokens":1e30}})").usage,
              usage(0, 0, std::int64_t{1} << 40));
}

TEST(UsageMeter, TakesAModelNameAsItLies) {
    EXPECT_EQ(read(Kind::json, R"({"model" : "gpt-4o"})").model, "gpt-4o");
    EXPECT_EQ(read(Kind::json, R"({"model":"a\u0062"})").model, "") << "escaped names are nobody's";
    const std::string fits(UsageMeter::model_bytes_max, 'm');
    EXPECT_EQ(read(Kind::json, R"({"model":")" + fits + R"("})").model, fits);
    EXPECT_EQ(read(Kind::json, R"({"model":")" + fits + R"(m"})").model, "");
    EXPECT_EQ(read(Kind::json, R"({"model":null,"model":"b"})").model, "b");
    EXPECT_EQ(read(Kind::json, R"({"model":"first","model":"second"})").model, "first");
}

TEST(UsageMeter, AnySplitOfAnyBytesIsTheSame) {
    for (const std::uint64_t seed : seeds(400)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        static constexpr std::string_view pieces[] = {
            "\"usage\":", "\"usage", "\"model\":", "{", "}",  "\"total_tokens\":5", "\"", "\\",
            "\"gpt\"",    ",",       "null",       " ", "\n", "\"prompt_tokens\":7"};
        std::string body;
        while (body.size() < 120)
            body += random.pick(pieces);
        UsageMeter whole(Kind::sse);
        whole.feed(body);
        UsageMeter pieced(Kind::sse);
        for (std::size_t at = 0; at < body.size();) {
            const std::string piece = body.substr(at, 1 + random.below(20));
            pieced.feed(piece);
            at += piece.size();
        }
        ASSERT_EQ(reading(pieced), reading(whole)) << body;
    }
}

} // namespace
} // namespace headroom::balance
