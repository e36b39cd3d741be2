// The command line of load, the URL, durations, and the request that they make.
#include "tools/load/options.hpp"
#include "tools/load/request_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace headroom::load {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Options parse(std::initializer_list<const char*> arguments) {
    const std::vector<const char*> list{arguments};
    return parse_options(list);
}

std::string refusal(std::initializer_list<const char*> arguments) {
    try {
        (void)parse(arguments);
    } catch (const OptionError& error) {
        return error.what();
    }
    return "";
}

TEST(LoadOptions, ReadsEveryKindOfOption) {
    const Options options =
        parse({"-c", "64", "--rate=2.5e3", "-d", "250ms", "--warmup", "2", "-H", "api-key: k", "-H", "a: b",
               "--expect-status", "200,429", "--watch-pid=12,34", "--json", "http://[::1]:81/x?y=z"});
    EXPECT_EQ(options.connections, 64U);
    EXPECT_EQ(options.rate, 2500);
    EXPECT_EQ(options.duration, 250ms);
    EXPECT_EQ(options.warmup, 2s);
    EXPECT_EQ(options.headers, (std::vector<std::string>{"api-key: k", "a: b"}));
    EXPECT_EQ(options.expectation.statuses, (std::vector<int>{200, 429}));
    EXPECT_EQ(options.watched, (std::vector<pid_t>{12, 34}));
    EXPECT_TRUE(options.json);
    EXPECT_FALSE(options.allow_errors);
    EXPECT_EQ(options.target.host, "::1");
    EXPECT_EQ(options.target.port, 81);
    EXPECT_EQ(options.target.path, "/x?y=z");
    EXPECT_EQ(options.target.authority, "[::1]:81");
}

TEST(LoadOptions, WarmsUpUnlessRequestsAreCounted) {
    EXPECT_EQ(parse({"http://a"}).warmup, 1s);
    EXPECT_EQ(parse({"-n", "5", "http://a"}).warmup, 0s);
    EXPECT_EQ(parse({"-n", "5", "--warmup", "3s", "http://a"}).warmup, 3s);
}

TEST(LoadOptions, SaysWhatIsWrong) {
    EXPECT_THAT(refusal({}), HasSubstr("which URL"));
    EXPECT_THAT(refusal({"--fast", "http://a"}), HasSubstr("no option '--fast'"));
    EXPECT_THAT(refusal({"http://a", "-c"}), HasSubstr("--connections needs a value"));
    EXPECT_THAT(refusal({"-c", "0", "http://a"}), HasSubstr("at least 1"));
    EXPECT_THAT(refusal({"-c", "4x", "http://a"}), HasSubstr("'4x'"));
    EXPECT_THAT(refusal({"-r", "-1", "http://a"}), HasSubstr("--rate"));
    EXPECT_THAT(refusal({"-r", "nan", "http://a"}), HasSubstr("--rate"));
    EXPECT_THAT(refusal({"--json=1", "http://a"}), HasSubstr("takes no value"));
    EXPECT_THAT(refusal({"-t", "2", "http://a"}), HasSubstr("--connections"));
    EXPECT_THAT(refusal({"http://a", "http://b"}), HasSubstr("second"));
    EXPECT_THAT(refusal({"-H", "no colon", "http://a"}), HasSubstr("Name: value"));
    EXPECT_THAT(refusal({"-H", "a: b\r\nc: d", "http://a"}), HasSubstr("Name: value"));
    EXPECT_THAT(refusal({"--expect-sha256", "12", "http://a"}), HasSubstr("64"));
    EXPECT_THAT(refusal({"--stream", "http://a"}), HasSubstr("--body-bytes"));
    EXPECT_THAT(refusal({"--body", "x", "--body-bytes", "500", "http://a"}), HasSubstr("not both"));
    EXPECT_THAT(refusal({"--body-file", "/nowhere/at/all", "http://a"}), HasSubstr("cannot read"));
    EXPECT_THAT(refusal({"-n", "1", "-t", "2", "-c", "2", "http://a"}), HasSubstr("--requests"));
}

TEST(LoadOptions, ReadsUrls) {
    EXPECT_TRUE(parse_target("https://host").tls);
    EXPECT_EQ(parse_target("https://host").port, 443);
    EXPECT_EQ(parse_target("http://host").port, 80);
    EXPECT_EQ(parse_target("http://host").path, "/");
    EXPECT_EQ(parse_target("http://host?q").path, "/?q");
    EXPECT_EQ(parse_target("http://host/a#b").path, "/a");
    for (const char* bad : {"host", "ftp://host", "http://", "http://:80/", "http://h:0", "http://h:99999",
                            "http://h:x", "http://user@h/", "http://h/a b"}) {
        EXPECT_THROW((void)parse_target(bad), OptionError) << bad;
    }
}

TEST(LoadOptions, ReadsDurations) {
    EXPECT_EQ(parse_duration("10"), 10s);
    EXPECT_EQ(parse_duration("0.5s"), 500ms);
    EXPECT_EQ(parse_duration("100us"), 100us);
    EXPECT_EQ(parse_duration("2m"), 120s);
    for (const char* bad : {"", "s", "-1s", "5h", "1e30", "nan", "10 s"}) {
        EXPECT_THROW((void)parse_duration(bad), OptionError) << bad;
    }
}

TEST(LoadRequestText, MakesChatCompletionsOfExactlyTheSizeAsked) {
    for (const std::size_t size : {200U, 2048U, 65536U}) {
        for (const bool stream : {false, true}) {
            const std::string body = chat_body(size, stream);
            EXPECT_EQ(body.size(), size);
            EXPECT_TRUE(body.starts_with(R"({"model":"gpt-4o","messages":[)"));
            EXPECT_TRUE(body.ends_with(
                stream ? R"("max_tokens":100,"stream":true,"stream_options":{"include_usage":true}})"
                       : R"("max_tokens":100})"));
        }
    }
    EXPECT_THROW((void)chat_body(50, false), OptionError);
}

TEST(LoadOptions, ATraceBringsItsOwnTimesAndRequests) {
    const Options options =
        parse({"--trace", "a.csv", "--time-scale", "30", "--load=0.9", "--quota", "120000", "--trace-limit",
               "7", "--max-tokens", "none", "--model", "gpt", "--stream", "http://h"});
    EXPECT_EQ(options.trace.file, "a.csv");
    EXPECT_EQ(options.trace.time_scale, 30);
    EXPECT_EQ(options.trace.load, 0.9);
    EXPECT_EQ(options.trace.quota, 120'000);
    EXPECT_EQ(options.trace.rows_max, 7U);
    EXPECT_EQ(options.trace.max_tokens_by, MaxTokensBy::none);
    EXPECT_EQ(options.trace.model, "gpt");
    EXPECT_EQ(options.connections, 2048U);
    EXPECT_EQ(options.warmup, Nanoseconds{0});
    EXPECT_EQ(parse({"--trace", "a", "--max-tokens", "64", "-c", "3", "http://h"}).trace.max_tokens, 64);
    EXPECT_EQ(parse({"--trace", "a", "-c", "3", "http://h"}).connections, 3U);
    EXPECT_EQ(parse({"--trace", "a", "--trace-part", "2/3", "http://h"}).trace.part, 2U);
    EXPECT_EQ(parse({"--trace", "a", "--trace-part", "2/3", "http://h"}).trace.parts, 3U);
    EXPECT_EQ(parse({"--trace", "a", "--max-tokens", "given", "http://h"}).trace.max_tokens_by,
              MaxTokensBy::given);
    for (const char* part : {"3/2", "0/2", "2", "/2", "1/", "a/b"})
        EXPECT_THROW(parse({"--trace", "a", "--trace-part", part, "http://h"}), OptionError) << part;
    EXPECT_THROW(parse({"--load", "0.9", "--quota", "1", "http://h"}), OptionError);
    EXPECT_THROW(parse({"--trace", "a", "--load", "0.9", "http://h"}), OptionError);
    EXPECT_THROW(parse({"--trace", "a", "--rate", "1", "http://h"}), OptionError);
    EXPECT_THROW(parse({"--trace", "a", "--body", "x", "http://h"}), OptionError);
    EXPECT_THROW(parse({"--trace", "a", "--max-tokens", "0", "http://h"}), OptionError);
    EXPECT_THROW(parse({"--trace", "a", "--model", "a\"b", "http://h"}), OptionError);
}

TEST(LoadRequestText, WritesOneHeadAndBody) {
    const Options options = parse({"--body", "{}", "-H", "api-key: k", "http://h:81/p"});
    EXPECT_EQ(request_text(options),
              "POST /p HTTP/1.1\r\nHost: h:81\r\nUser-Agent: headroom-load\r\nContent-Type: "
              "application/json\r\napi-key: k\r\n"
              "Content-Length: 2\r\n\r\n{}");
}

TEST(LoadRequestText, LetsHeadersReplaceItsOwn) {
    const std::string text = request_text(parse({"-H", "HOST: other", "-H", "user-agent: me", "http://h"}));
    EXPECT_EQ(text, "GET / HTTP/1.1\r\nHOST: other\r\nuser-agent: me\r\n\r\n");
    EXPECT_EQ(method_of(parse({"-X", "HEAD", "http://h"})), "HEAD");
}

} // namespace
} // namespace headroom::load
