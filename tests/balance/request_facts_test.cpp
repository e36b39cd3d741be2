// The facts of single bodies, each fed whole, byte by byte and at every split.
#include "balance/request_facts.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::balance {
namespace {

RequestFacts scan(std::string_view body) {
    RequestScan request;
    request.feed(body);
    return request.finish();
}

void expect_same(const RequestFacts& a, const RequestFacts& b) {
    EXPECT_EQ(a.valid, b.valid);
    EXPECT_EQ(a.object, b.object);
    EXPECT_EQ(a.model(), b.model());
    ASSERT_EQ(a.model_count, b.model_count);
    for (std::size_t i = 0; i < a.model_count; ++i)
        EXPECT_EQ(a.model_at[i], b.model_at[i]);
    EXPECT_EQ(a.stream, b.stream);
    EXPECT_EQ(a.include_usage, b.include_usage);
    EXPECT_EQ(a.stream_options, b.stream_options);
    EXPECT_EQ(a.max_tokens, b.max_tokens);
    EXPECT_EQ(a.max_completion_tokens, b.max_completion_tokens);
    EXPECT_EQ(a.n, b.n);
    EXPECT_EQ(a.previous_response_hash, b.previous_response_hash);
    EXPECT_EQ(a.prompt_cache_hash, b.prompt_cache_hash);
    EXPECT_EQ(a.text_bytes, b.text_bytes);
    EXPECT_EQ(a.media_bytes, b.media_bytes);
    EXPECT_EQ(a.media_count, b.media_count);
    EXPECT_EQ(a.numbers, b.numbers);
}

/// Facts of a body, after checking that no split changes them.
RequestFacts facts_of(std::string_view body) {
    const RequestFacts whole = scan(body);
    for (std::size_t split = 0; split <= body.size(); ++split) {
        SCOPED_TRACE(split);
        RequestScan request;
        request.feed(body.substr(0, split));
        request.feed({});
        request.feed(body.substr(split));
        expect_same(request.finish(), whole);
    }
    RequestScan bytes;
    for (const char& byte : body)
        bytes.feed({&byte, 1});
    expect_same(bytes.finish(), whole);
    return whole;
}

TEST(RequestFacts, ReadsAChatRequest) {
    constexpr std::string_view body =
        R"({"model":"gpt-4o","messages":[{"role":"user","content":"Hello, \"world\"!"}],"max_tokens":100,)"
        R"("n":2,"stream":true,"stream_options":{"include_usage":true},"user":"u-1","store":false})";
    const RequestFacts facts = facts_of(body);
    EXPECT_TRUE(facts.valid);
    EXPECT_EQ(facts.model(), "gpt-4o");
    ASSERT_EQ(facts.model_ranges().size(), 1U);
    const ByteRange at = facts.model_ranges()[0];
    EXPECT_EQ(body.substr(at.begin, at.end - at.begin), "\"gpt-4o\"");
    EXPECT_TRUE(facts.stream);
    EXPECT_TRUE(facts.include_usage);
    ASSERT_TRUE(facts.stream_options);
    EXPECT_EQ(
        body.substr(facts.stream_options->begin, facts.stream_options->end - facts.stream_options->begin),
        R"({"include_usage":true})");
    EXPECT_EQ(facts.max_tokens, 100);
    EXPECT_EQ(facts.n, 2);
    EXPECT_EQ(facts.store, false);
    EXPECT_NE(facts.prompt_cache_hash, 0U);
    EXPECT_EQ(facts.previous_response_hash, 0U);
    EXPECT_EQ(facts.body_bytes, body.size());
    // role, user, content, Hello, "world"!, include_usage
    EXPECT_EQ(facts.text_bytes, 4U + 4 + 7 + 15 + 13);
}

TEST(RequestFacts, OnlyTheTopLevelCounts) {
    const RequestFacts facts = facts_of(
        R"({"tools":[{"model":"inner","stream":true,"max_tokens":9}],"metadata":{"model":"inner"},"model":"outer"})");
    EXPECT_EQ(facts.model(), "outer");
    EXPECT_EQ(facts.model_count, 1);
    EXPECT_FALSE(facts.stream);
    EXPECT_FALSE(facts.max_tokens);
    EXPECT_EQ(facts.numbers, 1U);
}

TEST(RequestFacts, DecodesEscapedNamesAndValues) {
    const RequestFacts facts = facts_of(R"({"\u006dodel":"gpt\u002d4\/o","str\u0065am":true})");
    EXPECT_EQ(facts.model(), "gpt-4/o");
    EXPECT_TRUE(facts.stream);
}

TEST(RequestFacts, ReportsEveryModelAndTheLastOneWins) {
    const RequestFacts facts = facts_of(R"({"model":"a","x":1,"model":"bb","model":"ccc"})");
    EXPECT_EQ(facts.model(), "ccc");
    ASSERT_EQ(facts.model_count, 3);
    EXPECT_EQ(facts.model_at[0], (ByteRange{9, 12}));
    EXPECT_TRUE(facts.valid);
}

TEST(RequestFacts, TooManyModelsAreInvalid) {
    const RequestFacts facts = facts_of(R"({"model":"a","model":"b","model":"c","model":"d","model":"e"})");
    EXPECT_FALSE(facts.valid);
    EXPECT_EQ(facts.model_count, RequestFacts::models_max);
}

TEST(RequestFacts, AModelThatIsNoStringHasNoName) {
    for (const std::string_view body :
         {R"({"model":"a","model":7})", R"({"model":"a","model":null})", R"({"model":"a","model":["b"]})",
          R"({"model":"a","model":{"model":"b"}})"}) {
        const RequestFacts facts = facts_of(body);
        EXPECT_FALSE(facts.model_is_string) << body;
        EXPECT_EQ(facts.model(), "") << body;
        EXPECT_TRUE(facts.valid) << body;
    }
}

TEST(RequestFacts, AnOverlongModelHasNoNameButAPlace) {
    const std::string fits(RequestFacts::model_bytes_max, 'm');
    EXPECT_EQ(scan(R"({"model":")" + fits + R"("})").model(), fits);
    const RequestFacts facts = scan(R"({"model":")" + fits + R"(m"})");
    EXPECT_EQ(facts.model(), "");
    EXPECT_TRUE(facts.model_is_string);
    EXPECT_EQ(facts.model_count, 1);
    const std::string huge(5000, 'm');
    EXPECT_EQ(facts_of(R"({"model":")" + huge + R"("})").model(), "");
}

TEST(RequestFacts, AcceptsBlanksAndAByteOrderMark) {
    EXPECT_TRUE(facts_of(" \r\n\t{ \"model\" : \"m\" , \"stream\" : true } \n").stream);
    EXPECT_EQ(facts_of("\xef\xbb\xbf{\"model\":\"m\"}").model(), "m");
    EXPECT_FALSE(facts_of("\xef\xbb{\"model\":\"m\"}").valid);
}

TEST(RequestFacts, FlagsInvalidBodies) {
    for (const std::string_view body : {"",
                                        " ",
                                        "{",
                                        "}",
                                        "[]",
                                        "[{\"model\":\"m\"}]",
                                        "\"model\"",
                                        "null",
                                        "5",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "{\"a\":1,}",
                                        "{,}",
                                        "{\"a\":1 \"b\":2}",
                                        "{\"a\":tru}",
                                        "{\"a\":True}",
                                        "{\"a\":nullx}",
                                        "{\"a\":01}",
                                        "{\"a\":1.}",
                                        "{\"a\":.5}",
                                        "{\"a\":1e}",
                                        "{\"a\":-}",
                                        "{\"a\":+1}",
                                        "{\"a\":[1,]}",
                                        "{\"a\":[1}",
                                        "{\"a\":{]}",
                                        "{\"a\":\"\n\"}",
                                        "{\"a\":\"x",
                                        "{\"a\":1}{",
                                        "{\"a\":1}x",
                                        "{a:1}",
                                        "{'a':1}",
                                        "\xef\xbb\xbf",
                                        "--boundary\r\nContent-Disposition"}) {
        EXPECT_FALSE(facts_of(body).valid) << body;
    }
}

TEST(RequestFacts, KeepsWhatItKnewWhenTheBodyBreaks) {
    const RequestFacts facts = facts_of(R"({"model":"gpt-4o","stream":true,"messages":[}]})");
    EXPECT_FALSE(facts.valid);
    EXPECT_TRUE(facts.object);
    EXPECT_EQ(facts.model(), "gpt-4o");
    EXPECT_TRUE(facts.stream);
}

TEST(RequestFacts, CapsAreClampedAndNullIsAbsent) {
    const RequestFacts facts = facts_of(
        R"({"max_tokens":1e99,"max_completion_tokens":null,"max_output_tokens":-5,"n":1e1,"best_of":"3"})");
    EXPECT_EQ(facts.max_tokens, std::int64_t{1} << 40);
    EXPECT_FALSE(facts.max_completion_tokens);
    EXPECT_FALSE(facts.max_output_tokens);
    EXPECT_EQ(facts.n, 10);
    EXPECT_FALSE(facts.best_of);
    EXPECT_EQ(scan(R"({"max_tokens":1e-400})").max_tokens, 0);
    EXPECT_EQ(scan(R"({"max_tokens":1e400})").max_tokens, std::int64_t{1} << 40);
    EXPECT_EQ(scan(R"({"max_tokens":7)").max_tokens, std::nullopt) << "the number may go on";
    EXPECT_EQ(scan(R"({"max_tokens":7,"max_tokens":null})").max_tokens, std::nullopt);
    EXPECT_FALSE(scan(R"({"max_tokens":)" + std::string(2000, '9') + "}").max_tokens)
        << "longer than any number";
}

TEST(RequestFacts, LeavesMediaOutOfTheText) {
    const std::string image = "data:image/png;base64," + std::string(5000, 'A');
    const RequestFacts facts =
        scan(R"({"messages":[{"content":[{"type":"image_url","image_url":{"url":")" + image + R"("}}]}]})");
    EXPECT_EQ(facts.media_count, 1U);
    EXPECT_EQ(facts.media_bytes, image.size());
    EXPECT_LT(facts.text_bytes, 60U);
    const RequestFacts slash = facts_of(R"({"messages":[{"url":"data:image\/png;base64,AAAA"}]})");
    EXPECT_EQ(slash.media_count, 1U);
    const std::string wav(9000, 'U');
    EXPECT_EQ(scan(R"({"messages":[{"input_audio":{"data":")" + wav + R"("}}]})").media_bytes, wav.size());
    EXPECT_EQ(scan(R"({"input":"data: a word about data"})").media_count, 0U);
}

TEST(RequestFacts, CountsEscapesAsWhatTheyDecodeTo) {
    EXPECT_EQ(facts_of(R"({"input":"a\nb\"c"})").text_bytes, 5U);
    EXPECT_EQ(facts_of(R"({"input":"\u4e2d\u6587"})").text_bytes, 6U);
}

TEST(RequestFacts, HashesIdsWithoutKeepingThem) {
    const auto id = [](std::string_view body) { return scan(body).previous_response_hash; };
    EXPECT_EQ(id(R"({"previous_response_id":"resp_1"})"), id(R"({"x":1,"previous_response_id":"resp_1"})"));
    EXPECT_NE(id(R"({"previous_response_id":"resp_1"})"), id(R"({"previous_response_id":"resp_2"})"));
    EXPECT_EQ(id(R"({"previous_response_id":null})"), 0U);
    EXPECT_EQ(id(R"({"previous_response_id":"resp_1"})"), response_hash("resp_1"));
    const std::string longest(1024, 'r');
    EXPECT_EQ(id(R"({"previous_response_id":")" + longest + R"("})"), response_hash(longest));
    EXPECT_EQ(id(R"({"previous_response_id":")" + longest + R"(r"})"), response_hash(longest + "r"));
    const auto key = [](std::string_view body) { return scan(body).prompt_cache_hash; };
    EXPECT_EQ(key(R"({"user":"u","prompt_cache_key":"k"})"), key(R"({"prompt_cache_key":"k"})"));
    EXPECT_NE(key(R"({"user":"u"})"), key(R"({"prompt_cache_key":"k"})"));
}

TEST(RequestFacts, DeepNestingIsBounded) {
    const auto nested = [](std::size_t depth) {
        return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    EXPECT_TRUE(scan(nested(200)).valid);
    EXPECT_TRUE(scan(nested(JsonScan::depth_max - 1)).valid);
    EXPECT_FALSE(scan(nested(JsonScan::depth_max)).valid);
    EXPECT_FALSE(scan(std::string(1 << 20, '[')).valid);
}

TEST(RequestFacts, StreamOptionsAreReplacedByTheLastOnes) {
    EXPECT_FALSE(facts_of(R"({"stream_options":{"include_usage":true},"stream_options":{}})").include_usage);
    EXPECT_FALSE(
        facts_of(R"({"stream_options":{"include_usage":true},"stream_options":null})").stream_options);
    EXPECT_FALSE(facts_of(R"({"stream_options":[{"include_usage":true}],"stream":false})").stream);
    EXPECT_FALSE(facts_of(R"({"stream_options":{"x":{"include_usage":true}}})").include_usage);
}

} // namespace
} // namespace headroom::balance
