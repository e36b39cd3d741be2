// What a trace's rows become: texts that repeat where the trace says so, caps, charges and due times.
#include "tools/load/trace_plan.hpp"
#include "tools/load/trace_prompt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace headroom::load {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TraceRow row_of(std::int64_t prompt, std::int64_t completion, Nanoseconds time = 0ns) {
    TraceRow row;
    row.time = time;
    row.prompt_tokens = prompt;
    row.completion_tokens = completion;
    return row;
}

Options options_for_trace() {
    Options options;
    options.target = parse_target("http://127.0.0.1/v1/chat/completions");
    options.trace.file = "a.csv";
    return options;
}

std::string body_of(const Sending& sending) {
    const std::size_t end = sending.bytes.find("\r\n\r\n");
    EXPECT_THAT(sending.bytes.substr(0, end + 2),
                HasSubstr("\r\nContent-Length: " + std::to_string(sending.bytes.size() - end - 4) + "\r\n"));
    return sending.bytes.substr(end + 4);
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

TEST(TracePlan, PartsShareTheRowsAtTheirOwnTimes) {
    const Trace trace{TraceFormat::headroom_csv,
                      {row_of(100, 1, 0s), row_of(200, 2, 1s), row_of(300, 3, 2s), row_of(400, 4, 6s)}};
    Options options = options_for_trace();
    options.trace.load = 2;
    options.trace.quota =
        static_cast<double>(TracePlan(trace, options_for_trace()).totals().charge) * 10; // in 6 s
    Options half = options;
    half.trace.parts = 2;
    Options other_half = half;
    other_half.trace.part = 2;
    const TracePlan whole(trace, options);
    const TracePlan first(trace, half);
    const TracePlan second(trace, other_half);
    ASSERT_EQ(first.size(), 2U);
    ASSERT_EQ(second.size(), 2U);
    EXPECT_EQ(whole.due(3), 3s) << "twice as fast";
    EXPECT_EQ(first.due(1), whole.due(2));
    EXPECT_EQ(second.due(0), whole.due(1));
    EXPECT_EQ(second.due(1), whole.due(3));
    EXPECT_EQ(body_of(second.sending(1)), body_of(whole.sending(3)));
    EXPECT_EQ(first.totals().charge + second.totals().charge, whole.totals().charge);
}

TEST(TracePlan, GivenCapsAreTheRowsOnly) {
    TraceRow capped = row_of(100, 20);
    capped.max_tokens = 77;
    Options options = options_for_trace();
    options.trace.max_tokens_by = MaxTokensBy::given;
    const TracePlan plan({TraceFormat::headroom_csv, {row_of(100, 20), capped}}, options);
    EXPECT_THAT(body_of(plan.sending(0)), Not(HasSubstr("max_tokens")));
    EXPECT_THAT(body_of(plan.sending(1)), HasSubstr("\"max_tokens\":77"));
}

TEST(TracePrompt, HasAsManyWordsAsWanted) {
    const std::string text = trace_prompt(row_of(0, 0), 1, 777);
    EXPECT_EQ(std::count(text.begin(), text.end(), ' '), 777);
    EXPECT_EQ(trace_prompt(row_of(0, 0), 1, 0), "");
    EXPECT_NEAR(static_cast<double>(trace_prompt(row_of(0, 0), 2, 100'000).size()) / 1e5,
                trace_word_characters(), 0.02);
}

TEST(TracePrompt, IsTheSameEveryTimeAndDiffersFromRowToRow) {
    EXPECT_EQ(trace_prompt(row_of(0, 0), 5, 300), trace_prompt(row_of(0, 0), 5, 300));
    EXPECT_LT(common_prefix(trace_prompt(row_of(0, 0), 5, 300), trace_prompt(row_of(0, 0), 6, 300)), 40U);
}

TEST(TracePrompt, EqualBlocksAreEqualTextWhateverFollows) {
    TraceRow first = row_of(0, 0);
    TraceRow second = row_of(0, 0);
    first.blocks = {11, 12, 13};
    second.blocks = {11, 12, 99};
    const std::string a = trace_prompt(first, 0, 1500);
    const std::string b = trace_prompt(second, 1, 1500);
    const std::string shared = trace_prompt(first, 0, 1024);
    EXPECT_THAT(a, StartsWith(shared));
    EXPECT_THAT(b, StartsWith(shared));
    EXPECT_LT(common_prefix(a, b), shared.size() + 40);
    EXPECT_EQ(std::count(a.begin(), a.end(), ' '), 1500);
}

TEST(TracePrompt, OnePrefixNameIsSharedByThreeQuarters) {
    TraceRow named = row_of(0, 0);
    named.prefix = "agent";
    const std::string a = trace_prompt(named, 0, 1024);
    const std::string b = trace_prompt(named, 1, 2048);
    const std::string head = a.substr(0, common_prefix(a, b));
    const auto words = std::count(head.begin(), head.end(), ' ');
    EXPECT_GE(words, 768);
    EXPECT_LT(words, 778);
}

TEST(TracePlan, WritesAChatCompletionWithMarkAndCap) {
    Trace trace;
    trace.rows = {row_of(100, 70)};
    trace.rows[0].tenant = "blue";
    Options options = options_for_trace();
    options.stream = true;
    const TracePlan plan{trace, options};
    const Sending sending = plan.sending(0);
    EXPECT_THAT(sending.bytes, StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
    EXPECT_THAT(sending.bytes, HasSubstr("\r\nx-headroom-tenant: blue\r\n"));
    simdjson::dom::parser parser;
    const simdjson::padded_string body{body_of(sending)};
    const simdjson::dom::element json = parser.parse(body);
    EXPECT_EQ(std::int64_t{json["max_tokens"]}, 128);
    EXPECT_TRUE(bool{json["stream"]});
    const std::string content{std::string_view{json["messages"].at(0)["content"]}};
    EXPECT_EQ(std::count(content.begin(), content.end(), ' '), 100 - 12 + 1);
    EXPECT_THAT(content, testing::EndsWith(" [[tokens=70]]"));
    EXPECT_EQ(sending.tokens, 170);
    EXPECT_NEAR(static_cast<double>(sending.charge), static_cast<double>(content.size()) / 4 + 128, 4);
}

TEST(TracePlan, MaxTokensComesFromTheTraceOrTheOption) {
    Trace trace;
    trace.rows = {row_of(50, 300)};
    trace.rows[0].max_tokens = 333;
    Options options = options_for_trace();
    EXPECT_THAT(TracePlan(trace, options).sending(0).bytes, HasSubstr("\"max_tokens\":333"));
    options.trace.max_tokens_by = MaxTokensBy::number;
    options.trace.max_tokens = 40;
    EXPECT_THAT(TracePlan(trace, options).sending(0).bytes, HasSubstr("\"max_tokens\":40"));
    EXPECT_EQ(TracePlan(trace, options).sending(0).tokens, 90); // the answer is cut
    options.trace.max_tokens_by = MaxTokensBy::none;
    EXPECT_THAT(TracePlan(trace, options).sending(0).bytes, Not(HasSubstr("max_tokens")));
    EXPECT_EQ(TracePlan(trace, options).sending(0).tokens, 350);
}

TEST(TracePlan, CapsAreWhatPeopleWrite) {
    EXPECT_EQ(usual_cap(0), 16);
    EXPECT_EQ(usual_cap(16), 16);
    EXPECT_EQ(usual_cap(17), 32);
    EXPECT_EQ(usual_cap(1000), 1024);
}

TEST(TracePlan, RowsAreDueAtTheirTimeOverTheScale) {
    Trace trace;
    trace.rows = {row_of(50, 10), row_of(50, 10, 30s), row_of(50, 10, 90s)};
    Options options = options_for_trace();
    options.trace.time_scale = 60;
    const TracePlan plan{trace, options};
    EXPECT_EQ(plan.due(0), 0s);
    EXPECT_EQ(plan.due(1), 500ms);
    EXPECT_EQ(plan.due(2), 1'500ms);
    EXPECT_DOUBLE_EQ(plan.totals().seconds, 90);
}

TEST(TracePlan, LoadSetsTheOfferedCharge) {
    Trace trace;
    trace.rows = {row_of(500, 10), row_of(900, 100, 20s), row_of(50, 10, 60s)};
    Options options = options_for_trace();
    const TracePlan recorded{trace, options};
    options.trace.load = 0.5;
    options.trace.quota = recorded.totals().charge_per_minute * 4;
    const TracePlan faster{trace, options};
    EXPECT_NEAR(faster.totals().charge_per_minute, options.trace.quota / 2, 1e-6);
    EXPECT_EQ(faster.due(2), 30s);
    EXPECT_EQ(faster.totals().charge, recorded.totals().charge);
}

TEST(TracePlan, RefusesWhatCannotBe) {
    Trace trace;
    trace.rows = {row_of(50, 10), row_of(50, 10)};
    Options options = options_for_trace();
    options.trace.load = 1;
    options.trace.quota = 1000;
    EXPECT_THROW((TracePlan{trace, options}), OptionError);
    options.trace.load = 0;
    options.threads = 3;
    EXPECT_THROW((TracePlan{trace, options}), OptionError);
    options.threads = 2;
    options.trace.rows_max = 1;
    EXPECT_THROW((TracePlan{trace, options}), OptionError);
    options.trace.file = "/nonexistent/trace.csv";
    EXPECT_THROW((void)plan_trace(options), OptionError);
}

} // namespace
} // namespace headroom::load
