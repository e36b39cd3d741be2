// The bodies of answers: valid JSON, the shapes that clients rely on, streams that add up to the whole.
#include "tools/mock_azure/answer.hpp"

#include "tools/mock_azure/sse.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::mock {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

Answer sample() {
    Answer answer;
    answer.id = "chatcmpl-0123456789abcdef0123456789abcdef";
    answer.created = 1'700'000'000;
    answer.model = "gpt-4o-2024-11-20";
    answer.choices.push_back({{" a", "\n\"quoted\"", "\\", "🙂", "\x01"}, "stop"});
    answer.usage = {10, 5, 0};
    return answer;
}

std::vector<Event> all_events(std::unique_ptr<EventSource> source) {
    std::vector<Event> events;
    for (Event one; source->next(&one);)
        events.push_back(one);
    return events;
}

TEST(MockAnswer, ChatBodyCarriesTextUsageAndFilters) {
    const json::value body = json::parse(chat_body(sample()));
    EXPECT_EQ(body.at("object").as_string(), "chat.completion");
    EXPECT_EQ(body.at("choices").at(0).at("message").at("content").as_string(), sample().choices[0].text());
    EXPECT_EQ(body.at("usage").at("total_tokens").as_int64(), 15);
    EXPECT_EQ(body.at("usage").at("prompt_tokens_details").at("cached_tokens").as_int64(), 0);
    EXPECT_FALSE(body.at("prompt_filter_results").as_array().empty());
}

TEST(MockAnswer, ChatStreamBeginsWithAChunkWithoutChoicesAndAddsUp) {
    const auto events = all_events(chat_events(sample()));
    const json::value first = json::parse(events.front().data);
    EXPECT_TRUE(first.at("choices").as_array().empty());
    EXPECT_EQ(first.at("id").as_string(), "");
    EXPECT_TRUE(first.as_object().contains("prompt_filter_results"));
    std::string text;
    for (std::size_t i = 1; i + 1 < events.size(); ++i) {
        const json::value chunk = json::parse(events[i].data);
        EXPECT_FALSE(chunk.as_object().contains("usage")) << "usage was not asked for";
        const json::object& delta = chunk.at("choices").at(0).at("delta").as_object();
        if (const auto* content = delta.if_contains("content")) text += content->as_string().c_str();
    }
    EXPECT_EQ(text, sample().choices[0].text());
    EXPECT_EQ(events.back().data, "[DONE]");
    EXPECT_EQ(sse_text(events.back()), "data: [DONE]\n\n");
}

TEST(MockAnswer, UsageChunkComesOnlyWhenAsked) {
    Answer answer = sample();
    answer.include_usage = true;
    const auto events = all_events(chat_events(answer));
    const json::value usage = json::parse(events[events.size() - 2].data);
    EXPECT_TRUE(usage.at("choices").as_array().empty());
    EXPECT_EQ(usage.at("usage").at("completion_tokens").as_int64(), 5);
    EXPECT_TRUE(json::parse(events[1].data).at("usage").is_null());
}

TEST(MockAnswer, AsyncFilterJudgesInChunksOfItsOwn) {
    Answer answer = sample();
    answer.async_filter = true;
    int annotations = 0;
    for (const Event& event : all_events(chat_events(answer))) {
        if (event.data.find("content_filter_offsets") == std::string::npos) continue;
        ++annotations;
        EXPECT_THAT(event.data, Not(HasSubstr("\"delta\"")));
        json::parse(event.data);
    }
    EXPECT_EQ(annotations, 1);
}

TEST(MockAnswer, EveryChoiceIsStreamed) {
    Answer answer = sample();
    answer.choices.push_back({{" b"}, "length"});
    const auto events = all_events(chat_events(answer));
    int finishes = 0;
    for (const Event& event : events)
        finishes += event.data.find("\"finish_reason\":\"") != std::string::npos ? 1 : 0;
    EXPECT_EQ(finishes, 2);
    EXPECT_EQ(json::parse(chat_body(answer)).at("choices").as_array().size(), 2U);
}

TEST(MockAnswer, ToolCallsCarryTheTextAsArguments) {
    Answer answer = sample();
    answer.tool = "lookup";
    const json::value body = json::parse(chat_body(answer));
    EXPECT_EQ(body.at("choices").at(0).at("finish_reason").as_string(), "tool_calls");
    EXPECT_EQ(
        body.at("choices").at(0).at("message").at("tool_calls").at(0).at("function").at("name").as_string(),
        "lookup");
}

TEST(MockAnswer, ResponseEventsAreNumberedAndEndWithTheWhole) {
    Answer answer = sample();
    answer.id = "resp_0123456789abcdef0123456789abcdef";
    const auto events = all_events(response_events(answer));
    EXPECT_EQ(events.front().name, "response.created");
    EXPECT_EQ(events.back().name, "response.completed");
    std::string text;
    for (std::size_t i = 0; i < events.size(); ++i) {
        const json::value data = json::parse(events[i].data);
        EXPECT_EQ(data.at("sequence_number").as_int64(), static_cast<std::int64_t>(i));
        EXPECT_EQ(data.at("type").as_string(), events[i].name);
        if (events[i].name == "response.output_text.delta") text += data.at("delta").as_string().c_str();
    }
    EXPECT_EQ(text, answer.choices[0].text());
    const json::value last = json::parse(events.back().data).at("response");
    EXPECT_EQ(last.at("usage").at("output_tokens").as_int64(), 5);
    EXPECT_EQ(last, json::parse(response_body(answer)));
}

TEST(MockAnswer, ACutResponseIsIncomplete) {
    Answer answer = sample();
    answer.choices[0].finish_reason = "length";
    const auto events = all_events(response_events(answer));
    EXPECT_EQ(events.back().name, "response.incomplete");
    EXPECT_THAT(events.back().data, HasSubstr("max_output_tokens"));
}

TEST(MockAnswer, CompletionStreamAddsUp) {
    std::string text;
    const auto events = all_events(completion_events(sample()));
    for (std::size_t i = 1; i + 1 < events.size(); ++i) {
        text += json::parse(events[i].data).at("choices").at(0).at("text").as_string().c_str();
    }
    EXPECT_EQ(text, sample().choices[0].text());
    EXPECT_EQ(json::parse(completion_body(sample())).at("choices").at(0).at("text").as_string(), text);
}

TEST(MockAnswer, EmbeddingsAreUnitVectorsInBothFormats) {
    Ask ask;
    ask.inputs = {"hello", "world"};
    ask.dimensions = 4;
    const json::value numbers = json::parse(embeddings_body(ask, "text-embedding-3-small", 2));
    double square_sum = 0;
    for (const json::value& one : numbers.at("data").at(0).at("embedding").as_array())
        square_sum += one.to_number<double>() * one.to_number<double>();
    EXPECT_NEAR(square_sum, 1.0, 1e-6);
    EXPECT_NE(numbers.at("data").at(0).at("embedding"), numbers.at("data").at(1).at("embedding"));
    ask.base64 = true;
    const json::value text = json::parse(embeddings_body(ask, "text-embedding-3-small", 2));
    EXPECT_EQ(text.at("data").at(0).at("embedding").as_string().size(), 24U) << "16 bytes in base64";
}

TEST(MockSse, ChunksHaveHexadecimalSizes) {
    EXPECT_EQ(chunk_text(std::string(26, 'x')), "1a\r\n" + std::string(26, 'x') + "\r\n");
}

} // namespace
} // namespace headroom::mock
