// Each trace format is read to the digit, and a malformed row is refused with its line.
#include "tools/load/trace_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace headroom::load {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(std::string_view text) {
    try {
        (void)read_trace(text);
    } catch (const TraceError& error) {
        return error.what();
    }
    return "accepted";
}

TEST(TraceReader, ReadsAzureCsvRelativeToItsFirstRow) {
    const Trace trace = read_trace(
        "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
        "2023-11-16 23:59:59.9799600,4808,10\r\n"
        "2023-11-17 00:00:00.0319600,3180,8\r\n");
    EXPECT_EQ(trace.format, TraceFormat::azure_csv);
    ASSERT_EQ(trace.rows.size(), 2U);
    EXPECT_EQ(trace.rows[0].time, 0ns);
    EXPECT_EQ(trace.rows[0].prompt_tokens, 4808);
    EXPECT_EQ(trace.rows[0].completion_tokens, 10);
    EXPECT_EQ(trace.rows[0].max_tokens, std::nullopt);
    EXPECT_EQ(trace.rows[1].time, 52ms);
}

TEST(TraceReader, ReadsTheTimestampsOf2024) {
    const Trace trace = read_trace(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2024-02-29 00:00:00.009930+00:00,1,2\n"
        "2024-03-01 00:00:00+00:00,3,4");
    EXPECT_EQ(trace.rows[1].time, 24h - 9'930us);
}

TEST(TraceReader, ReadsMooncakeBlocks) {
    const Trace trace = read_trace(
        "{\"timestamp\": 27, \"input_length\": 600, \"output_length\": 52, \"hash_ids\": [7, 9]}\n\n"
        "{\"timestamp\": 30.5, \"input_length\": 1, \"output_length\": 0}\n");
    EXPECT_EQ(trace.format, TraceFormat::mooncake_jsonl);
    ASSERT_EQ(trace.rows.size(), 2U);
    EXPECT_THAT(trace.rows[0].blocks, ElementsAre(7U, 9U));
    EXPECT_EQ(trace.rows[1].time, 3'500us);
    EXPECT_TRUE(trace.rows[1].blocks.empty());
}

TEST(TraceReader, ReadsOurOwnCsvWithEmptyCells) {
    const Trace trace = read_trace(
        "\xEF\xBB\xBFtime,prompt_tokens,completion_tokens,max_tokens,tenant,prefix\n"
        "0.25,100,20,256,blue,agent\n"
        "1.000000001, 5 ,0,,,\n");
    EXPECT_EQ(trace.format, TraceFormat::headroom_csv);
    ASSERT_EQ(trace.rows.size(), 2U);
    EXPECT_EQ(trace.rows[0].max_tokens, 256);
    EXPECT_EQ(trace.rows[0].tenant, "blue");
    EXPECT_EQ(trace.rows[0].prefix, "agent");
    EXPECT_EQ(trace.rows[1].time, 750'000'001ns);
    EXPECT_EQ(trace.rows[1].max_tokens, std::nullopt);
    EXPECT_EQ(trace.rows[1].tenant, "");
}

TEST(TraceReader, ReadsOurOwnCsvWithItsFirstColumnsOnly) {
    const Trace trace = read_trace("time,prompt_tokens,completion_tokens\n3,1,2\n");
    EXPECT_EQ(trace.rows[0].completion_tokens, 2);
    EXPECT_EQ(trace.rows[0].max_tokens, std::nullopt);
}

TEST(TraceReader, FindsColumnsByNameInAnyOrderAndTakesQuotesOff) {
    const Trace ours = read_trace(
        "tenant, \"completion_tokens\",time,prompt_tokens\r\n"
        "\"a, \"\"b\"\"\" ,2,3,\"4\"\r\n");
    ASSERT_EQ(ours.rows.size(), 1U);
    EXPECT_EQ(ours.rows[0].tenant, "a, \"b\"");
    EXPECT_EQ(ours.rows[0].completion_tokens, 2);
    EXPECT_EQ(ours.rows[0].prompt_tokens, 4);
    EXPECT_EQ(ours.rows[0].max_tokens, std::nullopt);
    const Trace azure = read_trace("GeneratedTokens,TIMESTAMP,ContextTokens\n5,2023-11-16 18:17:03,7\n");
    EXPECT_EQ(azure.format, TraceFormat::azure_csv);
    EXPECT_EQ(azure.rows[0].prompt_tokens, 7);
    EXPECT_EQ(azure.rows[0].completion_tokens, 5);
}

TEST(TraceReader, NamesColumnsThatAreWrong) {
    EXPECT_THAT(refusal("time,prompt_tokens,completion_tokens,model\n0,1,1,x\n"),
                HasSubstr("line 1: there is no column 'model'; expected time, prompt_tokens"));
    EXPECT_THAT(refusal("time,prompt_tokens\n0,1\n"), HasSubstr("a column completion_tokens, found none"));
    EXPECT_THAT(refusal("time,time,prompt_tokens,completion_tokens\n0,0,1,1\n"),
                HasSubstr("time is there twice"));
    EXPECT_THAT(refusal("TIMESTAMP,ContextTokens\n2023-11-16 18:17:03,7\n"), HasSubstr("GeneratedTokens"));
    EXPECT_THAT(refusal("time;prompt_tokens;completion_tokens\n0;1;1\n"),
                HasSubstr("no column 'time;prompt"));
    EXPECT_THAT(refusal("time,prompt_tokens,completion_tokens\n\"0,1,1\n"),
                HasSubstr("line 2: a quoted cell"));
    EXPECT_THAT(refusal("time,prompt_tokens,completion_tokens\n\"0\"x,1,1\n"),
                HasSubstr("line 2: a quoted cell"));
}

TEST(TraceReader, QuotesNothingThatATerminalActsOn) {
    EXPECT_THAT(refusal("\x1b[2Jhello\n"), HasSubstr("found '?[2Jhello'"));
    const TraceError error(7, "no");
    EXPECT_EQ(error.in_file("x.csv"), "x.csv:7: no");
    EXPECT_EQ(TraceError(0, "no").in_file("x.csv"), "x.csv: no");
}

TEST(TraceReader, SortsByTimeAndKeepsTheOrderOfEqualTimes) {
    const Trace trace = read_trace("time,prompt_tokens,completion_tokens\n5,1,0\n2,2,0\n5,3,0\n2,4,0\n");
    std::vector<std::int64_t> order;
    order.reserve(trace.rows.size());
    for (const TraceRow& row : trace.rows)
        order.push_back(row.prompt_tokens);
    EXPECT_THAT(order, ElementsAre(2, 4, 1, 3));
    EXPECT_EQ(trace.rows.back().time, 3s);
}

TEST(TraceReader, RefusesWhatIsNoTrace) {
    EXPECT_THAT(refusal(""), HasSubstr("empty"));
    EXPECT_THAT(refusal("\n \n"), HasSubstr("empty"));
    EXPECT_THAT(refusal("hello\n"), HasSubstr("line 1: expected"));
    EXPECT_THAT(refusal("time,prompt_tokens\n1,2\n"), HasSubstr("line 1: expected"));
    EXPECT_THAT(refusal("time,prompt_tokens,completion_tokens\n"), HasSubstr("no rows"));
}

TEST(TraceReader, NamesTheLineOfAMalformedRow) {
    struct Case {
        std::string_view row;
        std::string_view says;
    };
    const std::string ours = "time,prompt_tokens,completion_tokens,max_tokens,tenant,prefix\n0,1,1,1,t,p\n\n";
    for (const Case& one : std::vector<Case>{{"0,1,1,1,t", "expected 6 cells, found 5"},
                                             {"0,1,1,1,t,p,x", "expected 6 cells, found 7"},
                                             {"-1,1,1,,,", "time: "},
                                             {"nan,1,1,,,", "time: "},
                                             {"1e300,1,1,,,", "time: "},
                                             {"1s,1,1,,,", "time: "},
                                             {",1,1,,,", "time: "},
                                             {"0,,1,,,", "prompt_tokens: "},
                                             {"0,-1,1,,,", "prompt_tokens: "},
                                             {"0,1,1.5,,,", "completion_tokens: "},
                                             {"0,1,99999999999999999999,,,", "completion_tokens: "},
                                             {"0,1,1,10000001,,", "max_tokens: "},
                                             {"0,1,1,,t\x01,", "tenant: "},
                                             {"0,1,1,,,\xC3\xA9", "prefix: "}}) {
        const std::string found = refusal(ours + std::string{one.row});
        EXPECT_THAT(found, HasSubstr("line 4: ")) << one.row;
        EXPECT_THAT(found, HasSubstr(std::string{one.says})) << one.row;
    }
    const std::string azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
    for (const std::string_view row :
         {"2023-13-16 18:17:03.97,1,1", "2023-02-29 18:17:03,1,1", "2023-11-16 24:00:00,1,1", "yesterday,1,1",
          "2023-11-16T18:17:03,1,1", "2023-11-16 18:17:03 CET,1,1", ",1,1", "2023-11-16 18:17,1,1", "1,1"}) {
        EXPECT_THAT(refusal(azure + std::string{row}), HasSubstr("line 2: ")) << row;
    }
    const std::string mooncake = "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":[]}\n";
    for (const std::string_view row :
         {"{\"timestamp\":0,\"input_length\":1}",
          "{\"timestamp\":\"0\",\"input_length\":1,\"output_length\":1}",
          "{\"timestamp\":-1,\"input_length\":1,\"output_length\":1}",
          "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":[-1]}",
          "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":3}",
          "{\"timestamp\":0,\"input_length\":1,\"output_length\":1", "[]", "0,1,1"}) {
        EXPECT_THAT(refusal(mooncake + std::string{row}), HasSubstr("line 2: ")) << row;
    }
}

} // namespace
} // namespace headroom::load
