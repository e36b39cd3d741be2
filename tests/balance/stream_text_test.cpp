// The text that StreamText finds, decodes and counts, against simdjson's reading, whole and at every split.
#include "balance/stream_text.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>
#include <vector>

namespace headroom::balance {
namespace {

/// A counter that keeps the texts it was given; a text's tokens are its words, each with the blank before it.
struct Heard final : TextCounting {
    std::vector<std::string> texts;

    CountedText count(std::string_view text) noexcept override {
        texts.emplace_back(text);
        return {words(text)};
    }
    static std::uint64_t words(std::string_view text) noexcept {
        std::uint64_t count = 0;
        for (std::size_t i = 0; i < text.size(); ++i)
            count += i == 0 || (text[i] == ' ' && text[i - 1] != ' ') ? 1U : 0U;
        return count;
    }
    std::string all() const {
        std::string joined;
        for (const std::string& one : texts)
            joined += one;
        return joined;
    }
};

struct Reading {
    std::string text;
    std::uint64_t bytes = 0;
    std::int64_t tokens = 0;
    std::int64_t estimate = 0;

    friend bool operator==(const Reading&, const Reading&) = default;
};

Reading read_in(Operation operation, std::string_view body, std::size_t split, std::size_t step) {
    Heard heard;
    StreamText text(operation, &heard);
    StreamText uncounted(operation, nullptr);
    for (std::size_t at = 0; at < body.size();) {
        const std::string piece(body.substr(at, at < split ? split - at : step)); // an exact heap block
        text.feed(piece);
        uncounted.feed(piece);
        at += piece.size();
    }
    const Tokens tokens = text.tokens();
    EXPECT_EQ(text.text_bytes(), uncounted.text_bytes());
    return {heard.all(), text.text_bytes(), tokens.count(), uncounted.tokens().count()};
}

/// What is read, after checking that no split changes it.
Reading read(Operation operation, std::string_view body) {
    const Reading whole = read_in(operation, body, 0, body.size() + 1);
    for (std::size_t split = 1; split < body.size(); ++split)
        EXPECT_EQ(read_in(operation, body, split, body.size()), whole)
            << "split at " << split << " of " << body;
    EXPECT_EQ(read_in(operation, body, 0, 1), whole) << body;
    return whole;
}

std::string text(Operation operation, std::string_view body) {
    return read(operation, body).text;
}

TEST(StreamText, FindsTheTextOfChatDeltas) {
    EXPECT_EQ(
        text(Operation::chat,
             R"(data: {"choices":[{"delta":{"content":"","role":"assistant"}}],"usage":null})"
             "\n\n"
             R"(data: {"id":"content","choices":[{"content_filter_results":{},"delta":{"content":"Hel"}}]})"
             "\n\n"
             R"(data: {"choices":[{"delta":{"content" : "lo \"content\":\"x\""}}]})"
             "\n\n"
             R"(data: {"choices":[{"delta":{"content":null},"logprobs":{"content":[{"token":"no"}]}}]})"
             "\n\ndata: [DONE]\n\n"),
        "Hello \"content\":\"x\"");
    EXPECT_EQ(
        text(Operation::chat, R"({"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":"}}]}})"
                              R"({"delta":{"tool_calls":[{"function":{"arguments":"1}"}}]}})"),
        R"({"a":1})");
    EXPECT_EQ(
        text(Operation::chat, R"({"delta":{"reasoning_content":"Hm","reasoning":"?","refusal":" No."}})"),
        "Hm? No.");
    EXPECT_EQ(
        text(Operation::chat, R"({"reasoning_contents":"a","reason":"b","contents":"c","xcontent":"d"})"),
        "");
}

TEST(StreamText, FindsTheTextOfTheOtherOperations) {
    EXPECT_EQ(
        text(Operation::completions, R"({"choices":[{"text":" one","index":0}],"object":"text_completion"})"),
        " one");
    EXPECT_EQ(text(Operation::responses,
                   "event: response.output_text.delta\n"
                   R"(data: {"type":"response.output_text.delta","delta":"Hi","sequence_number":4})"
                   "\n\n"
                   R"(data: {"type":"response.function_call_arguments.delta","delta":"{}"})"
                   "\n\n"
                   R"(data: {"type":"response.output_text.done","text":"Hi"})"
                   "\n\n"),
              "Hi{}");
}

TEST(StreamText, DecodesEscapesWhereverTheyAreCut) {
    EXPECT_EQ(text(Operation::chat, R"("content":"a\n\t\"\\\/b\u00e9\u4e2d\ud83d\ude00!","x")"),
              "a\n\t\"\\/b\u00e9\u4e2d\U0001F600!");
    EXPECT_EQ(text(Operation::chat, R"("content":"\ud83d")"), "\ufffd");
    EXPECT_EQ(text(Operation::chat, R"("content":"\ud83dx\ud83d\n")"), "\ufffdx\ufffd\n");
    EXPECT_EQ(text(Operation::chat, R"("content":"\u12","content":"b")").back(), 'b')
        << "a broken escape ends";
    EXPECT_EQ(text(Operation::chat, "\"content\":\"a\nb\",\"content\":\"c\""), "ac")
        << "no line is in a string";
}

TEST(StreamText, CountsPiecesAsTheWholeWhereThereAreBlanks) {
    std::string body;
    std::string said;
    Random random(7);
    for (int i = 0; i < 4000; ++i) {
        const std::string word = (i % 3 == 0 ? " " : "") + std::string(1 + random.below(9), 'a');
        said += word;
        body += R"(data: {"delta":{"content":")" + word + "\"}}\n\n";
    }
    const Reading found = read_in(Operation::chat, body, 0, 4096);
    EXPECT_EQ(found.text, said);
    EXPECT_EQ(found.tokens, static_cast<std::int64_t>(Heard::words(said)));
    EXPECT_EQ(found.estimate, std::max<std::int64_t>(4000, static_cast<std::int64_t>(said.size() / 4)));
}

TEST(StreamText, CutsTextWithoutBlanksBetweenCharacters) {
    std::string said;
    for (std::size_t i = 0; said.size() < 5 * StreamText::buffer_bytes; ++i)
        said += i % 2 == 0 ? "中" : "é";
    Heard heard;
    StreamText text(Operation::chat, &heard);
    text.feed("\"content\":\"" + said + "\"");
    EXPECT_EQ(text.tokens().count(), static_cast<std::int64_t>(heard.texts.size()));
    EXPECT_EQ(heard.all(), said);
    ASSERT_GE(heard.texts.size(), 5U);
    for (const std::string& one : heard.texts) {
        EXPECT_LE(one.size(), StreamText::buffer_bytes);
        EXPECT_TRUE(simdjson::validate_utf8(one)) << one;
    }
}

TEST(StreamText, CountsWhatIsSaidAndWhatIsCalledApart) {
    Heard heard;
    StreamText text(Operation::chat, &heard);
    text.feed(R"("content":"one","content":" two","arguments":"{}","content":"three")");
    EXPECT_EQ(text.tokens(), Tokens(2 + 1 + 1));
    EXPECT_EQ(heard.texts, (std::vector<std::string>{"one two", "{}", "three"}));
}

TEST(StreamText, EstimatesWithoutACounter) {
    StreamText few(Operation::chat, {});
    EXPECT_EQ(few.tokens(), Tokens(0));
    few.feed(R"("content":"","content":"a","content":" b")");
    EXPECT_EQ(few.tokens(), Tokens(2)) << "one per delta that has text";
    StreamText many(Operation::chat, {});
    many.feed("\"content\":\"" + std::string(400, 'x') + "\"");
    EXPECT_EQ(many.tokens(), Tokens(100)) << "filters gather many tokens in one delta";
}

/// Everything below `delta`, in order, as simdjson decodes it.
std::string reference(const std::vector<std::string>& events) {
    std::string all;
    for (const std::string& event : events) {
        simdjson::dom::parser parser;
        std::string_view text;
        if (parser.parse(event)["choices"].at(0)["delta"]["content"].get(text) == simdjson::SUCCESS)
            all += text;
    }
    return all;
}

TEST(StreamText, MatchesSimdjsonOnRandomDeltas) {
    for (const std::uint64_t seed : seeds(300)) {
        Random random(seed);
        std::vector<std::string> events;
        std::string body;
        const std::string_view parts[] = {"a",       " word", "\\n",     "\\\"", "\\\\",
                                          "\\u4e2d", "中",    "\\u0041", "\\/",  "\\ud83d\\ude00",
                                          "content", ":",     "{",       "😀"};
        for (std::uint64_t i = random.below(6); i > 0; --i) {
            std::string said;
            for (std::uint64_t j = random.below(8); j > 0; --j)
                said += random.pick(parts);
            events.push_back(R"({"id":"c","choices":[{"delta":{"role":"content","content":")" + said +
                             R"("},"x":"content"}]})");
            body += "data: " + events.back() + "\n\n";
        }
        ASSERT_EQ(text(Operation::chat, body), reference(events)) << seed_note(seed);
    }
}

TEST(StreamText, AnySplitOfAnyBytesIsTheSame) {
    for (const std::uint64_t seed : seeds(300)) {
        Random random(seed);
        const std::string_view parts[] = {"\"content\"",
                                          "\"content\":\"",
                                          "\"con",
                                          "tent\":\"",
                                          "\"",
                                          "\\",
                                          "\\u",
                                          "d83d",
                                          ":",
                                          " ",
                                          "\n",
                                          "\"reasoning\":\"",
                                          "_content\"",
                                          "\"refusal\"",
                                          "x",
                                          "\x80",
                                          "\"arguments\":"};
        std::string body;
        for (std::uint64_t i = random.below(20); i > 0; --i)
            body += random.pick(parts);
        read(Operation::chat, body);
        ASSERT_FALSE(testing::Test::HasFailure()) << seed_note(seed);
    }
}

} // namespace
} // namespace headroom::balance
