// Whole requests whose prompt_tokens OpenAI has published, counted with the real vocabularies.
// Source: OpenAI cookbook, "How to count tokens with tiktoken"; the answers are those of the API.
#include "balance/prompt/budgeted_counter.hpp"
#include "balance/prompt/message_memo.hpp"
#include "tests/balance/prompt_counting.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string_view>

namespace headroom::balance {
namespace {

constexpr std::string_view messages = R"({"model": "any", "temperature": 0, "max_tokens": 1, "messages": [
  {"role": "system",
   "content": "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."},
  {"role": "system", "name": "example_user", "content": "New synergies will help drive top-line growth."},
  {"role": "system", "name": "example_assistant", "content": "Things working well together will increase revenue."},
  {"role": "system", "name": "example_user",
   "content": "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."},
  {"role": "system", "name": "example_assistant",
   "content": "Let's talk later when we're less busy about how to do better."},
  {"role": "user",
   "content": "This late pivot means we don't have time to boil the ocean for the client deliverable."}
]})";

constexpr std::string_view tools = R"({"model": "any", "temperature": 0, "tools": [
  {"type": "function", "function": {
     "name": "get_current_weather",
     "description": "Get the current weather in a given location",
     "parameters": {
       "type": "object",
       "properties": {
         "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
         "unit": {"type": "string", "description": "The unit of temperature to return",
                  "enum": ["celsius", "fahrenheit"]}
       },
       "required": ["location"]
     }}}
 ], "messages": [
  {"role": "system", "content": "You are a helpful assistant that can answer to questions about the weather."},
  {"role": "user", "content": "What's the weather like in San Francisco?"}
]})";

class PublishedCounts : public testing::Test {
  protected:
    static const Vocabulary& vocabulary() {
        static const Vocabulary one;
        return one;
    }

    /// The prompt's tokens, counted anew and then remembered.
    static std::uint64_t tokens(std::string_view body, std::string_view model) {
        const auto encoding = encoding_of_model(model);
        EXPECT_TRUE(encoding.has_value()) << model;
        TokenCounter counter(vocabulary(), encoding.value_or(Encoding::unknown));
        MessageMemo memo({}, 1);
        BudgetedCounter exact(counter, encoding.value_or(Encoding::unknown), 1);
        RememberingCounter counting(memo, exact, 0);
        const PromptParts parts = parts_of(body, Operation::chat, counting, model);
        EXPECT_TRUE(parts.read && parts.exact);
        EXPECT_EQ(parts_of(body, Operation::chat, counting, model), parts);
        return parts.sum().tokens;
    }
};

TEST_F(PublishedCounts, Messages) {
    EXPECT_EQ(tokens(messages, "gpt-4o"), 124U);
    EXPECT_EQ(tokens(messages, "gpt-4o-mini"), 124U);
    EXPECT_EQ(tokens(messages, "gpt-4"), 129U);
    EXPECT_EQ(tokens(messages, "gpt-4-0613"), 129U);
    EXPECT_EQ(tokens(messages, "gpt-3.5-turbo"), 129U);
    EXPECT_EQ(tokens(messages, "gpt-35-turbo"), 129U);
}

TEST_F(PublishedCounts, Tools) {
    EXPECT_EQ(tokens(tools, "gpt-4o"), 101U);
    EXPECT_EQ(tokens(tools, "gpt-4o-mini"), 101U);
    EXPECT_EQ(tokens(tools, "gpt-4"), 105U);
    EXPECT_EQ(tokens(tools, "gpt-35-turbo"), 105U);
}

} // namespace
} // namespace headroom::balance
