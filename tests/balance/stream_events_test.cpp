// What may be held, what must go out at once, and which errors are worth a retry.
#include "balance/stream_events.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::balance {
namespace {

using Verdict = StreamVerdict;

constexpr std::uint64_t plenty = 1 << 20;

Verdict feed_whole(std::string_view stream, bool ended, std::uint64_t held_bytes_max = plenty) {
    StreamJudge judge(held_bytes_max);
    judge.feed(stream);
    return ended ? judge.finish() : judge.verdict();
}

/// The verdict on a stream, after checking that no split and no style of line end changes it.
Verdict judge(std::string_view stream, bool ended = false) {
    const Verdict expected = feed_whole(stream, ended);
    for (const std::string_view line_end : {"\n", "\r", "\r\n"}) {
        std::string styled;
        for (const char c : stream)
            c == '\n' ? styled += line_end : styled += c;
        for (std::size_t split = 0; split <= styled.size(); ++split) {
            StreamJudge pieces(plenty);
            pieces.feed(std::string(styled.substr(0, split)));
            pieces.feed(std::string(styled.substr(split)));
            EXPECT_EQ(ended ? pieces.finish() : pieces.verdict(), expected)
                << "split at " << split << " of " << styled;
        }
    }
    return expected;
}

constexpr std::string_view azure_first =
    R"(data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,)"
    R"("content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]})"
    "\n\n";
constexpr std::string_view role_only =
    R"(data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}]})"
    "\n\n";
constexpr std::string_view content = R"(data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]})"
                                     "\n\n";
constexpr std::string_view failure =
    R"(data: {"error":{"message":"The server had an error","type":"server_error","code":null}})"
    "\n\n";

std::string operator+(std::string_view a, std::string_view b) {
    return std::string(a) + std::string(b);
}

TEST(StreamJudge, HoldsWhatIsNotContent) {
    EXPECT_EQ(judge(""), Verdict::hold);
    EXPECT_EQ(judge(": keep-alive\n\n: again\n\n"), Verdict::hold);
    EXPECT_EQ(judge("retry: 3000\nid: 7\n\n"), Verdict::hold);
    EXPECT_EQ(judge(azure_first), Verdict::hold);
    EXPECT_EQ(judge(azure_first + role_only), Verdict::hold);
    EXPECT_EQ(judge("event: response.created\ndata: "
                    "{\"type\":\"response.created\",\"response\":{\"error\":null,\"output\":[]}}\n\n"
                    "event: response.in_progress\ndata: {\"type\":\"response.in_progress\"}\n\n"),
              Verdict::hold);
    EXPECT_EQ(judge("data: {\"type\":\"response.queued\"}\n\n"), Verdict::hold);
    EXPECT_EQ(judge("data: "
                    "{\"choices\":[{\"delta\":{},\"content_filter_offsets\":{\"start_offset\":1},\"finish_"
                    "reason\":null}]}\n\n"),
              Verdict::hold);
    EXPECT_EQ(judge("data: {\"choices\":[{\"delta\":{\"content\":"), Verdict::hold)
        << "an event that is not yet whole";
}

TEST(StreamJudge, ReleasesAtTheFirstContent) {
    EXPECT_EQ(judge(azure_first + role_only + content), Verdict::release);
    EXPECT_EQ(judge(R"(data:{"choices":[{"text":"x"}]})"
                    "\n\n"),
              Verdict::release);
    EXPECT_EQ(judge(R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0}]}}]})"
                    "\n\n"),
              Verdict::release);
    EXPECT_EQ(judge(R"(data: {"choices":[{"delta":{"reasoning_content":"hm"}}]})"
                    "\n\n"),
              Verdict::release);
    EXPECT_EQ(judge(R"(data: {"choices":[{"delta":{},"finish_reason":"stop"}]})"
                    "\n\n"),
              Verdict::release);
    EXPECT_EQ(judge("data: {\"type\":\"response.output_text.delta\",\"delta\":\"x\"}\n\n"), Verdict::release);
    EXPECT_EQ(judge("data: {\"type\":\"response.incomplete\"}\n\n"), Verdict::release);
    EXPECT_EQ(judge(": hello\n\ndata: [DONE]\n\n"), Verdict::release);
    EXPECT_EQ(judge("data: not json\n\n"), Verdict::release);
    EXPECT_EQ(judge("data: {\"unknown\":\"dialect\"}\n\n"), Verdict::release);
}

TEST(StreamJudge, DoesNotWaitForTheEndOfAnEventWithContent) {
    EXPECT_EQ(feed_whole(R"(data: {"choices":[{"delta":{"content":"H")", false), Verdict::release);
}

TEST(StreamJudge, AnErrorBeforeContentIsWorthARetry) {
    EXPECT_EQ(judge(failure), Verdict::error_event);
    EXPECT_EQ(judge(azure_first + role_only + failure), Verdict::error_event);
    EXPECT_EQ(judge("event: error\ndata: {\"message\":\"overloaded\"}\n\n"), Verdict::error_event);
    EXPECT_EQ(judge("event: error\n\n"), Verdict::error_event);
    EXPECT_EQ(judge("data: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"x\"}\n\n"),
              Verdict::error_event);
    EXPECT_EQ(judge("data: {\"error\":\"busy\"}\n\n"), Verdict::error_event);
    EXPECT_EQ(judge("data: {\"type\":\"response.created\"}\n\ndata: "
                    "{\"type\":\"response.failed\",\"response\":{\"error\":"
                    "{\"code\":\"rate_limit_exceeded\"}}}\n\n"),
              Verdict::error_event);
    EXPECT_EQ(judge("data: {\"error\":\ndata: {\"code\":\"500\"}}\n\n"), Verdict::error_event)
        << "two lines, one text";
}

TEST(StreamJudge, TheClientsOwnErrorsAreRelayed) {
    for (const std::string_view code :
         {"content_filter", "context_length_exceeded", "invalid_prompt", "invalid_request_error"}) {
        EXPECT_EQ(judge("data: {\"error\":{\"message\":\"m\",\"code\":\"" + std::string(code) + "\"}}\n\n"),
                  Verdict::client_error)
            << code;
    }
    EXPECT_EQ(judge("data: {\"error\":{\"code\":null,\"type\":\"invalid_request_error\"}}\n\n"),
              Verdict::client_error);
    EXPECT_EQ(judge("data: {\"error\":{\"code\":400,\"message\":\"bad\"}}\n\n"), Verdict::client_error);
}

TEST(StreamJudge, AnErrorAfterContentIsTheClientsToSee) {
    EXPECT_EQ(judge(content + failure), Verdict::release);
}

TEST(StreamJudge, AStreamThatEndsBeforeContentIsAnError) {
    EXPECT_EQ(judge("", true), Verdict::error_event);
    EXPECT_EQ(judge(azure_first + role_only, true), Verdict::error_event);
    EXPECT_EQ(judge("data: {\"id\":", true), Verdict::error_event);
    EXPECT_EQ(judge("data: {\"error\":{\"code\":\"content_filter\"}}", true), Verdict::client_error);
    EXPECT_EQ(judge("data: [DONE]", true), Verdict::release);
    EXPECT_EQ(judge(content, true), Verdict::release);
}

TEST(StreamJudge, NeverHoldsMoreThanItsBound) {
    const std::string comments = ":" + std::string(99, 'x') + "\n";
    for (const std::uint64_t bound : {1U, 50U, 99U, 100U, 150U}) {
        StreamJudge judge(bound);
        EXPECT_EQ(
            judge.feed(std::string_view(comments).substr(0, std::min<std::size_t>(bound, comments.size()))),
            Verdict::hold);
        judge.feed(comments);
        EXPECT_EQ(judge.verdict(), Verdict::release) << bound;
    }
    const std::string huge = "data: {\"type\":\"response.created\",\"response\":{\"instructions\":\"" +
                             std::string(5000, 'x') + "\"}}\n\n";
    EXPECT_EQ(feed_whole(huge, false, 4096), Verdict::release);
    EXPECT_EQ(feed_whole(huge, false), Verdict::hold);
    EXPECT_EQ(feed_whole(comments + failure, false, 100), Verdict::release);
}

TEST(StreamJudge, TellsAQuotaFromAFault) {
    StreamJudge quota(plenty);
    quota.feed("data: {\"error\":{\"code\":\"rate_limit_exceeded\"}}\n\n");
    EXPECT_TRUE(quota.quota_error());
    StreamJudge fault(plenty);
    fault.feed("data: {\"error\":{\"code\":\"server_error\"}}\n\n");
    EXPECT_FALSE(fault.quota_error());
}

TEST(StreamJudge, TellsTheCodeOfAnError) {
    StreamJudge coded(plenty);
    coded.feed("data: {\"error\":{\"type\":\"t\",\"code\":\"rate_limit_exceeded\"}}\n\n");
    EXPECT_EQ(coded.error_code(), "t") << "the first of the two";
    StreamJudge long_code(plenty);
    long_code.feed("data: {\"error\":{\"code\":\"" + std::string(200, 'c') + "\"}}\n\n");
    EXPECT_EQ(long_code.error_code(), std::string(StreamJudge::code_bytes_max, 'c'));
}

TEST(StreamJudge, AnySplitOfAnyBytesIsTheSame) {
    for (const std::uint64_t seed : seeds(400)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        static constexpr std::string_view pieces[] = {"data: ",
                                                      "data",
                                                      ":",
                                                      "event: error",
                                                      "\n",
                                                      "\r",
                                                      "{",
                                                      "}",
                                                      "\"error\":",
                                                      "null",
                                                      "\"choices\":",
                                                      "[]",
                                                      "[{\"delta\":{\"content\":\"\"}}]",
                                                      ",",
                                                      "[DONE]",
                                                      " "};
        std::string stream;
        while (stream.size() < 100)
            stream += random.pick(pieces);
        const std::uint64_t bound = random.chance(30) ? random.below(120) : plenty;
        const bool ended = random.chance(50);
        StreamJudge pieced(bound);
        for (std::size_t at = 0; at < stream.size();) {
            const std::string piece = stream.substr(at, 1 + random.below(12));
            pieced.feed(piece);
            at += piece.size();
        }
        ASSERT_EQ(ended ? pieced.finish() : pieced.verdict(), feed_whole(stream, ended, bound)) << stream;
    }
}

} // namespace
} // namespace headroom::balance
