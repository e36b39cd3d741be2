// What every part of a request costs, with a token per word.
#include "balance/prompt/prompt_reader.hpp"

#include "tests/balance/prompt_counting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headroom::balance {
namespace {

using testing::ElementsAre;

class Reading : public testing::Test {
  protected:
    PromptParts chat(std::string_view body, std::string_view model = "gpt-4o") {
        return parts_of(body, Operation::chat, counter, model);
    }
    PromptParts responses(std::string_view body) { return parts_of(body, Operation::responses, counter); }
    static std::uint64_t tokens(const PromptParts& parts, PromptPart part) { return parts.of(part).tokens; }

    WordCounter counter;
};

using PromptReaderTest = Reading;

TEST_F(PromptReaderTest, MessagesAreFramed) {
    const PromptParts parts = chat(
        R"({"model":"x","messages":[{"role":"system","content":"You help."},{"role":"user","name":"ann","content":"one two three"}]})");
    ASSERT_TRUE(parts.read);
    EXPECT_TRUE(parts.exact);
    EXPECT_EQ(tokens(parts, PromptPart::framing), 3U + 2 * 3 + 1);
    EXPECT_EQ(tokens(parts, PromptPart::names), 3U);
    EXPECT_EQ(tokens(parts, PromptPart::text), 5U);
    EXPECT_EQ(parts.sum().tokens, 18U);
    EXPECT_EQ(parts.of(PromptPart::framing).items, 2U);
    EXPECT_EQ(parts.of(PromptPart::text).bytes, 22U);
    EXPECT_THAT(counter.texts, ElementsAre("system", "You help.", "user", "ann", "one two three"));
    EXPECT_FALSE(parts.has_block);
}

TEST_F(PromptReaderTest, UnknownVocabulariesAreNotExact) {
    constexpr std::string_view body = R"({"messages":[{"role":"user","content":"a"}]})";
    const PromptParts parts = chat(body, "mistral-large");
    EXPECT_FALSE(parts.exact || parts.vocabulary_known);
    EXPECT_EQ(parts.sum(), chat(body).sum());
}

TEST_F(PromptReaderTest, TheFirstTurboFramesOtherwise) {
    const PromptParts parts =
        chat(R"({"messages":[{"role":"user","name":"ann","content":"a"}]})", "gpt-3.5-turbo-0301");
    EXPECT_EQ(tokens(parts, PromptPart::framing), 3U + 4 - 1);
}

TEST_F(PromptReaderTest, EscapesCountAsWhatTheyMean) {
    const PromptParts parts =
        chat(R"({"mess\u0061ges":[{"content":"caf\u00e9\n\"\ud83d\ude00\"","role":"us\u0065r"}]})");
    EXPECT_THAT(counter.texts, ElementsAre("caf\xc3\xa9\n\"\xf0\x9f\x98\x80\"", "user"));
    EXPECT_EQ(parts.of(PromptPart::text).bytes, 12U);
    EXPECT_EQ(parts.of(PromptPart::text).characters, 8U);
}

TEST_F(PromptReaderTest, CharactersAreCodePoints) {
    for (std::size_t size : {0U, 1U, 12U, 13U, 63U, 3263U, 3264U, 3265U, 20'000U}) {
        std::string text;
        for (std::size_t i = 0; i < size; ++i)
            text += std::string_view("a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80")
                        .substr(i % 4 == 0   ? 0
                                : i % 4 == 1 ? 1
                                : i % 4 == 2 ? 3
                                             : 6,
                                i % 4 + 1);
        const PromptParts parts = chat(R"({"messages":[{"content":")" + text + R"("}]})");
        EXPECT_EQ(parts.of(PromptPart::text).characters, size);
        EXPECT_EQ(parts.of(PromptPart::text).bytes, text.size());
    }
}

TEST_F(PromptReaderTest, ContentMayHaveParts) {
    const PromptParts parts =
        chat(R"({"messages":[{"role":"user","content":[{"type":"text","text":"what is this"},)"
             R"({"type":"image_url","image_url":{"url":"https://host/cat.png","detail":"high"}},)"
             R"({"type":"image_url","image_url":{"detail":"low","url":"https://host/dog.png"}},)"
             R"({"type":"refusal","refusal":"no"}]}]})");
    EXPECT_EQ(tokens(parts, PromptPart::text), 4U);
    EXPECT_EQ(tokens(parts, PromptPart::images), 765U + 85U);
    EXPECT_EQ(parts.of(PromptPart::images).items, 2U);
    EXPECT_EQ(parts.images_unknown, 1U);
    EXPECT_FALSE(parts.exact);
    EXPECT_THAT(counter.texts, ElementsAre("user", "what is this", "no"));
}

// A PNG of 2048 x 4096 in base64: signature, length, IHDR, width, height.
constexpr std::string_view png = "iVBORw0KGgoAAAANSUhEUgAACAAAABAA";

TEST_F(PromptReaderTest, EmbeddedImagesAreMeasured) {
    for (const std::string_view head : {"data:image/png;base64,", "data:image\\/png;base64,"}) {
        const PromptParts parts =
            chat(R"({"messages":[{"role":"user","content":[{"image_url":{"url":")" + std::string(head) +
                 std::string(png) + std::string(500'000, 'A') + R"("}}]}]})");
        EXPECT_EQ(tokens(parts, PromptPart::images), 1105U);
        EXPECT_TRUE(parts.exact);
        EXPECT_EQ(parts.of(PromptPart::images).bytes, png.size() + 500'000);
        EXPECT_EQ(parts.sum().tokens, 1105U + 1 + 6);
    }
    EXPECT_THAT(counter.texts, ElementsAre("user", "user"));
}

TEST_F(PromptReaderTest, RecordingsAndFilesAreNoText) {
    const std::string data(64'000, 'A');
    const PromptParts parts = chat(
        R"({"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":")" + data +
        R"(","format":"pcm16"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,)" +
        data + R"("}},{"type":"file","file":{"file_id":"file-1"}}]}]})");
    // One second at 48,000 bytes.
    EXPECT_EQ(tokens(parts, PromptPart::audio), 10U);
    EXPECT_EQ(tokens(parts, PromptPart::files), 750U);
    EXPECT_EQ(parts.file_bytes, 48'000U);
    EXPECT_EQ(parts.files_unknown, 1U);
    EXPECT_FALSE(parts.exact);
    EXPECT_THAT(counter.texts, ElementsAre("user"));
}

TEST_F(PromptReaderTest, CallsAndResultsAreFramed) {
    const PromptParts parts = chat(
        R"({"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",)"
        R"("function":{"name":"weather","arguments":"{\"city\": \"Paris\"}"}}]},)"
        R"({"role":"tool","tool_call_id":"call_1","content":"it rains"}]})");
    EXPECT_EQ(tokens(parts, PromptPart::tool_calls), 3U);
    EXPECT_EQ(tokens(parts, PromptPart::framing), 3U + 3 + 3 + 3 - 2);
    EXPECT_THAT(counter.texts,
                ElementsAre("assistant", "weather", "{\"city\": \"Paris\"}", "tool", "it rains"));
    EXPECT_TRUE(parts.exact);
    const PromptParts old = chat(
        R"({"messages":[{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"x"}]})");
    EXPECT_EQ(tokens(old, PromptPart::framing), 3U + 3 + 3 + 3 - 2 + 1);
}

constexpr std::string_view weather =
    R"({"name":"get_weather","description":"The weather.","parameters":{"type":"object","properties":{)"
    R"("location":{"type":"string","description":"City, state."},"unit":{"type":["string","null"],"enum":["c","f",3]}},)"
    R"("required":["location"]},"strict":true})";

TEST_F(PromptReaderTest, FunctionsAreRendered) {
    const std::string chat_tools =
        R"({"messages":[],"tools":[{"type":"function","function":)" + std::string(weather) + "}]}";
    const PromptParts parts = chat(chat_tools);
    // 12 for all, 7 for one; 3 for properties and 3 for each; -3 + 3 x 3 for the enumeration.
    EXPECT_EQ(tokens(parts, PromptPart::framing), 3U + 12 + 7 + 3 + 2 * 3 - 3 + 9);
    EXPECT_THAT(counter.texts, ElementsAre("location:string:City, state", "c", "f", "3",
                                           "unit:string:", "get_weather:The weather"));
    EXPECT_TRUE(parts.has_block);
    EXPECT_EQ(tokens(chat(chat_tools, "gpt-4"), PromptPart::framing), 3U + 12 + 10 + 3 + 2 * 3 - 3 + 9);
    const PromptParts functions = chat(R"({"messages":[],"functions":[)" + std::string(weather) + "]}");
    EXPECT_EQ(functions.of(PromptPart::tools), parts.of(PromptPart::tools));
    EXPECT_NE(functions.block, parts.block);
    std::string flat(weather);
    flat.replace(0, 1, R"({"type":"function",)");
    const PromptParts items = responses(R"({"input":[],"tools":[)" + flat + "]}");
    EXPECT_EQ(items.of(PromptPart::tools), parts.of(PromptPart::tools));
    EXPECT_EQ(items.of(PromptPart::framing), parts.of(PromptPart::framing));
}

TEST_F(PromptReaderTest, BlocksAreNamedByWhatTheyHold) {
    const std::string tools = R"("tools":[{"function":)" + std::string(weather) + "}]";
    const PromptParts parts = chat("{" + tools + R"(,"messages":[{"content":"a"}]})");
    EXPECT_EQ(chat(R"({"messages":[{"content":"b"}], )" + tools + " }").block, parts.block);
    EXPECT_EQ(chat("{" + tools + R"(,"tool_choice":"auto"})").block, parts.block);
    EXPECT_NE(chat("{" + tools + R"(,"tool_choice":"none"})").block, parts.block);
    EXPECT_NE(chat("{" + tools + R"(,"tool_choice":"required"})").block, parts.block);
    EXPECT_NE(chat("{" + tools + "}", "gpt-4").block, parts.block);
    EXPECT_NE(chat("{" + tools + "," + tools + "}").block, parts.block);
    EXPECT_NE(chat("{" + tools + R"(,"response_format":{"type":"json_object"}})").block, parts.block);
    EXPECT_FALSE(chat(R"({"tools":[],"response_format":{"type":"text"},"tool_choice":"auto"})").has_block);
}

TEST_F(PromptReaderTest, KnownToolsAreNotCountedAgain) {
    PromptReader reader(1 << 20, {});
    const auto body = [](std::string_view tools, std::string_view text) {
        return R"({"tools":[{"function":)" + std::string(tools) + R"(}],"messages":[{"content":")" +
               std::string(text) + R"("}]})";
    };
    const PromptParts first = parts_of(reader, body(weather, "a"), Operation::chat, counter);
    counter.texts.clear();
    const PromptParts second = parts_of(reader, body(weather, "b c"), Operation::chat, counter);
    EXPECT_THAT(counter.texts, ElementsAre("b c"));
    EXPECT_EQ(second.of(PromptPart::tools), first.of(PromptPart::tools));
    EXPECT_EQ(second.of(PromptPart::framing), first.of(PromptPart::framing));
    EXPECT_EQ(second.block, first.block);
    // Another model has other rules, and another text another cost.
    const PromptParts other = parts_of(reader, body(weather, "a"), Operation::chat, counter, "gpt-4");
    EXPECT_EQ(tokens(other, PromptPart::framing), tokens(first, PromptPart::framing) + 3);
    std::string changed(weather);
    changed.insert(changed.find("The weather") + 4, "new ");
    EXPECT_EQ(tokens(parts_of(reader, body(changed, "a"), Operation::chat, counter), PromptPart::tools),
              tokens(first, PromptPart::tools) + 1);
    // Estimates are not remembered.
    counter.exact = false;
    changed.insert(changed.find("The new"), "Soon ");
    EXPECT_FALSE(parts_of(reader, body(changed, "a"), Operation::chat, counter).exact);
    counter.exact = true;
    EXPECT_TRUE(parts_of(reader, body(changed, "a"), Operation::chat, counter).exact);
}

TEST_F(PromptReaderTest, AChosenFunctionCosts) {
    const PromptParts parts =
        chat(R"({"messages":[],"tool_choice":{"type":"function","function":{"name":"get weather"}}})");
    EXPECT_EQ(tokens(parts, PromptPart::framing), 3U + 4);
    EXPECT_EQ(tokens(parts, PromptPart::tools), 2U);
    EXPECT_EQ(tokens(chat(R"({"messages":[],"function_call":"none"})"), PromptPart::framing), 4U);
}

TEST_F(PromptReaderTest, SchemasCountWithoutTheirBlanks) {
    const std::string schema = "{ \"type\" : \"object\",\n  \"title\": \"a b\" }";
    chat(
        R"({"response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":)" +
        schema + "}}}");
    EXPECT_THAT(counter.texts, ElementsAre("answer", R"({"type":"object","title":"a b"})"));
    counter.texts.clear();
    const PromptParts parts =
        responses(R"({"text":{"format":{"type":"json_schema","name":"answer","schema":)" + schema + "}}}");
    EXPECT_THAT(counter.texts, ElementsAre("answer", R"({"type":"object","title":"a b"})"));
    EXPECT_TRUE(parts.has_block);
    EXPECT_EQ(tokens(parts, PromptPart::schema), 3U);
}

TEST_F(PromptReaderTest, ResponsesTakeTextOrItems) {
    const PromptParts text = responses(R"({"instructions":"Be brief.","input":"one two"})");
    EXPECT_EQ(tokens(text, PromptPart::framing), 3U + 3 + 3);
    EXPECT_EQ(tokens(text, PromptPart::text), 4U);
    EXPECT_EQ(tokens(text, PromptPart::names), 1U);
    EXPECT_TRUE(text.exact);
    counter.texts.clear();
    const PromptParts items = responses(
        R"({"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"look"},)"
        R"({"type":"input_image","detail":"low","image_url":"https://host/x.png"},{"type":"input_image","file_id":"f1"},)"
        R"({"type":"input_file","file_id":"f2"}]},)"
        R"({"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"thought so"}],"encrypted_content":"AAAABBBBCCCCDDDD"},)"
        R"({"type":"function_call","call_id":"c","id":"fc_1","name":"f","arguments":"{}"},)"
        R"({"type":"function_call_output","call_id":"c","output":"done"},)"
        R"({"type":"computer_call_output","call_id":"d","output":{"type":"computer_screenshot","image_url":"data:image/png;base64,)" +
        std::string(png) + R"("}},{"type":"image_generation_call","id":"ig_1","result":")" +
        std::string(png) + R"("},{"type":"item_reference","id":"msg_1"}]})");
    EXPECT_THAT(counter.texts, ElementsAre("user", "look", "thought so", "f", "{}", "done"));
    EXPECT_EQ(tokens(items, PromptPart::framing), 3U + 7 * 3 - 2 * 2);
    EXPECT_EQ(tokens(items, PromptPart::images), 85U + 765 + 1105 + 1105);
    EXPECT_EQ(items.images_unknown, 1U);
    EXPECT_EQ(items.files_unknown, 1U);
    EXPECT_EQ(tokens(items, PromptPart::reasoning), 3U);
    EXPECT_TRUE(items.has_history);
}

TEST_F(PromptReaderTest, HistoryAtTheBackendIsSeen) {
    EXPECT_TRUE(responses(R"({"input":"x","previous_response_id":"resp_1"})").has_history);
    EXPECT_TRUE(responses(R"({"input":"x","conversation":{"id":"conv_1"}})").has_history);
    EXPECT_FALSE(responses(R"({"input":"x","previous_response_id":null})").has_history);
    const PromptParts stored = responses(R"({"prompt":{"id":"pmpt_1","variables":{"city":"New York"}}})");
    EXPECT_TRUE(stored.has_history);
    EXPECT_TRUE(stored.has_block);
    EXPECT_EQ(tokens(stored, PromptPart::text), 2U);
}

TEST_F(PromptReaderTest, OutputIsNoPrompt) {
    const PromptParts parts = chat(
        R"({"messages":[],"prediction":{"type":"content","content":"one two three"},"reasoning_effort":"high"})");
    EXPECT_EQ(parts.prediction_tokens, 3U);
    EXPECT_EQ(parts.sum().tokens, 3U);
    EXPECT_NE(parts.effort, 0U);
    EXPECT_EQ(parts.effort, responses(R"({"reasoning":{"effort":"high"}})").effort);
    EXPECT_NE(parts.effort, responses(R"({"reasoning":{"effort":"low"}})").effort);
    EXPECT_EQ(chat(R"({"prediction":{"content":[{"type":"text","text":"a b"}]}})").prediction_tokens, 2U);
    EXPECT_EQ(chat(R"({"reasoning_effort":null})").effort, 0U);
}

TEST_F(PromptReaderTest, EmbeddingsHaveNoFraming) {
    const auto embeddings = [this](std::string_view body) {
        return parts_of(body, Operation::embeddings, counter, "text-embedding-3-small");
    };
    EXPECT_EQ(embeddings(R"({"input":"one two"})").sum().tokens, 2U);
    EXPECT_EQ(embeddings(R"({"input":["one two","three"]})").sum().tokens, 3U);
    EXPECT_EQ(embeddings(R"({"input":[1, 2 ,3]})").sum().tokens, 3U);
    EXPECT_EQ(embeddings(R"({"input":[[1,2],[3,4,5], [ ] ]})").sum().tokens, 5U);
    EXPECT_EQ(embeddings(R"({"input":[]})").sum().tokens, 0U);
    EXPECT_EQ(embeddings(R"({"user":"one two","input":[7],"model":"a b"})").sum().tokens, 1U);
    EXPECT_EQ(embeddings(R"({"input":[[1,2],"three four"]})").sum().tokens, 4U);
    EXPECT_EQ(embeddings(R"({"input":[1,"two three"]})").of(PromptPart::text).tokens, 2U);
}

TEST_F(PromptReaderTest, CompletionsMayHaveManyPrompts) {
    const auto completions = [this](std::string_view body) {
        return parts_of(body, Operation::completions, counter, "davinci-002");
    };
    EXPECT_EQ(completions(R"({"prompt":"one two","suffix":"three"})").sum().tokens, 3U);
    EXPECT_EQ(completions(R"({"prompt":"one two"})").prompts, 1U);
    EXPECT_EQ(completions(R"({"prompt":["a","b c"]})").prompts, 2U);
    EXPECT_EQ(completions(R"({"prompt":[[1,2],[3]]})").prompts, 2U);
    EXPECT_EQ(completions(R"({"prompt":[1,2,3]})").prompts, 1U);
    EXPECT_EQ(completions(R"({"prompt":[1,2,3]})").sum().tokens, 3U);
    EXPECT_EQ(completions(R"({"prompt":[]})").prompts, 1U);
}

} // namespace
} // namespace headroom::balance
