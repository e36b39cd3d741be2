// Escapes decode as simdjson decodes them; what simdjson refuses still ends in bounded text.
#include "balance/json_decode.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

namespace headroom::balance {
namespace {

std::string decoded(std::string text) {
    return std::string(json_decode(text));
}

TEST(JsonDecode, KnowsEveryEscape) {
    EXPECT_EQ(decoded(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
    EXPECT_EQ(decoded(R"(\u0041\u00e9\u4e2d\ud83d\ude00)"), "A\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80");
    EXPECT_EQ(decoded("plain"), "plain");
    EXPECT_EQ(decoded(""), "");
    EXPECT_EQ(decoded(R"(a\u0000b)"), std::string("a\0b", 3));
}

TEST(JsonDecode, MakesTheBestOfMalformedEscapes) {
    EXPECT_EQ(decoded(R"(\q)"), "?");
    EXPECT_EQ(decoded("\\"), "?");
    EXPECT_EQ(decoded(R"(\u12)"), "?12");
    EXPECT_EQ(decoded(R"(\ud83d)"), "\xef\xbf\xbd");
    EXPECT_EQ(decoded(R"(\ude00x)"), "\xef\xbf\xbdx");
    EXPECT_EQ(decoded(R"(\ud83d\u0041)"),
              "\xef\xbf\xbd"
              "A");
}

TEST(JsonDecode, AgreesWithSimdjson) {
    simdjson::dom::parser parser;
    for (const std::uint64_t seed : seeds(500)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        static constexpr std::string_view pieces[] = {
            "\\n",     "\\\"", "\\\\", "\\/",      "\\u00e9",          "\\ud83d\\ude00",
            "\\u4E2D", "\\b",  "a",    "\xc3\xa9", "words words words"};
        std::string raw;
        while (raw.size() < random.below(300))
            raw += random.pick(pieces);
        std::string_view expected;
        const std::string document = '"' + raw + '"';
        ASSERT_EQ(parser.parse(document).get(expected), simdjson::SUCCESS);
        EXPECT_EQ(decoded(raw), expected);
    }
}

} // namespace
} // namespace headroom::balance
