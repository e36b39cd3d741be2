// The command line, the file and the backend grammar of mock_azure.
#include "tools/mock_azure/options.hpp"

#include "tools/mock_azure/reply_head.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::mock {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MockOptions, ABackendLineSetsWhatItNames) {
    const auto read =
        read_options({"--backend",
                      "openai1,tpm=60000,keys=a;b,deployments=chat:gpt-4o:5000:30;emb:text-embedding-3-small,"
                      "charge=max,window=gcra,flavour=v1,quirks=zero;new-words",
                      "--time-scale", "60"});
    ASSERT_FALSE(read.error) << *read.error;
    const BackendOptions& one = read.options.backends.at(0);
    EXPECT_EQ(one.name, "openai1");
    EXPECT_EQ(one.limits.tpm, 60'000);
    EXPECT_EQ(one.limits.rpm, 360) << "six requests per thousand tokens until rpm is given";
    EXPECT_EQ(one.keys, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(one.deployments.at(0).tpm, 5'000);
    EXPECT_EQ(one.limits.window, WindowKind::gcra);
    EXPECT_TRUE(one.quirks.zero && one.quirks.new_words && !one.quirks.huge);
    EXPECT_EQ(read.options.time_scale, 60);
}

TEST(MockOptions, FixedStreamsMayKeepStep) {
    const auto sse = [](std::string value) {
        return read_options({"--fixed-sse", std::move(value)}).options.fixed;
    };
    EXPECT_EQ(sse("100:20").sse_chunks, 100);
    EXPECT_EQ(sse("100:20").sse_interval, std::chrono::milliseconds{20});
    EXPECT_EQ(sse("100:20").sse_step, std::chrono::milliseconds{0});
    EXPECT_EQ(sse("100:20:5").sse_step, std::chrono::milliseconds{5});
}

TEST(MockOptions, WithoutBackendsThereIsOne) {
    EXPECT_EQ(read_options({}).options.backends.at(0).name, "openai1");
}

TEST(MockOptions, MistakesSayWhatWasExpected) {
    const auto error = [](const std::vector<std::string>& arguments) {
        return read_options(arguments).error.value_or("none");
    };
    EXPECT_THAT(error({"--backend", "a,tpm=many"}), HasSubstr("tpm: expected a number"));
    EXPECT_THAT(error({"--backend", "a,speed=3"}), HasSubstr("unknown key 'speed'"));
    EXPECT_THAT(error({"--backend", "a,window=hourly"}), HasSubstr("sliding, fixed or gcra"));
    EXPECT_THAT(error({"--backend", "a,quirks=lies"}), HasSubstr("minus-one"));
    EXPECT_THAT(error({"--backend", "a,stream_options=no"}), HasSubstr("known, refused or ignored"));
    EXPECT_THAT(error({"--backend", "a,address=localhost"}), HasSubstr("an IPv4 address"));
    EXPECT_THAT(error({"--backend", "a", "--backend", "a"}), HasSubstr("names must differ"));
    EXPECT_THAT(error({"--backend"}), HasSubstr("expected a value"));
    EXPECT_THAT(error({"--what", "x"}), HasSubstr("unknown option '--what'"));
    EXPECT_THAT(error({"--time-scale", "0"}), HasSubstr("--time-scale"));
    EXPECT_THAT(error({"--fixed-sse", "ten"}), HasSubstr("CHUNKS:MS"));
    EXPECT_THAT(error({"--fixed-sse", "10:20:x"}), HasSubstr("STEP_MS"));
    EXPECT_THAT(error({"--fixed-sse", "10:20:1:1"}), HasSubstr("STEP_MS"));
    EXPECT_THAT(error({"--config", "/does/not/exist"}), HasSubstr("cannot read"));
}

TEST(MockOptions, ListensOnThisMachineOnlyUnlessToldOtherwise) {
    EXPECT_EQ(read_options({}).options.backends.at(0).address, "127.0.0.1");
    EXPECT_EQ(read_options({"--backend", "a,address=0.0.0.0"}).options.backends.at(0).address, "0.0.0.0");
}

TEST(MockOptions, JsonUsesTheSameWords) {
    BackendOptions options;
    EXPECT_FALSE(apply_json(
        &options, R"({"backend":"x","tpm":1000,"quirks":["zero"],"count_rejected":false,"prefix":"/a/"})"));
    EXPECT_EQ(options.limits.tpm, 1'000);
    EXPECT_TRUE(options.quirks.zero);
    EXPECT_FALSE(options.limits.count_rejected);
    EXPECT_EQ(options.prefix, "/a");
    EXPECT_TRUE(apply_json(&options, "[]"));
}

TEST(MockOptions, HelpNamesEveryKey) {
    for (const char* word :
         {"--backend", "--time-scale", "--fixed-sse", "tpm=", "quirks=", "POST /faults", "[[echo]]"}) {
        EXPECT_THAT(help_text(), HasSubstr(word));
    }
}

std::string head_with(std::string_view quirks) {
    BackendOptions options;
    EXPECT_FALSE(set_option(&options, "quirks", quirks));
    ReplyHead head;
    head.status = 429;
    head.content_length = 0;
    head.quota = QuotaView{1'000, 10, std::chrono::milliseconds(1'500), 10, 0, std::chrono::seconds(3)};
    head.retry_after = std::chrono::microseconds(1'500'500);
    return serialize(head, options.quirks);
}

TEST(MockReplyHead, RetryAfterIsRoundedUp) {
    const std::string head = head_with("none");
    EXPECT_THAT(head, HasSubstr("HTTP/1.1 429 Too Many Requests\r\n"));
    EXPECT_THAT(head, HasSubstr("\r\nretry-after: 2\r\n"));
    EXPECT_THAT(head, HasSubstr("\r\nretry-after-ms: 1501\r\n"));
    EXPECT_THAT(head, HasSubstr("\r\nx-ratelimit-reset-tokens: 2\r\n"));
}

TEST(MockReplyHead, QuirksFalsify) {
    EXPECT_THAT(head_with("no-ratelimit"), Not(HasSubstr("x-ratelimit")));
    EXPECT_THAT(head_with("no-retry-after"), Not(HasSubstr("retry-after:")));
    EXPECT_THAT(head_with("no-retry-after-ms"), Not(HasSubstr("retry-after-ms")));
    EXPECT_THAT(head_with("minus-one"), HasSubstr("x-ratelimit-remaining-tokens: -1"));
    EXPECT_THAT(head_with("zero"), HasSubstr("retry-after-ms: 0"));
    EXPECT_THAT(head_with("huge"), HasSubstr("retry-after: 86400"));
    EXPECT_THAT(head_with("negative"), HasSubstr("retry-after: -1"));
    EXPECT_THAT(head_with("date"), HasSubstr(" GMT\r\n"));
    EXPECT_THAT(head_with("misspelt"), HasSubstr("x-rate-limit-reset-tokens: 2"));
    EXPECT_THAT(head_with("garbage"), HasSubstr("retry-after: soon"));
}

} // namespace
} // namespace headroom::mock
