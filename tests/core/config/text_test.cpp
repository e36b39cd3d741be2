// Suggestions that help and texts that are safe to show.
#include "core/config/text.hpp"

#include <gtest/gtest.h>

#include <array>

namespace headroom::core {
namespace {

TEST(Nearest, FindsTheSlip) {
    constexpr std::array<std::string_view, 6> words{"priority",    "url",      "APIKEY",
                                                    "APIKEY_FILE", "timeouts", "tpm"};
    EXPECT_EQ(nearest("prority", words), "priority");
    EXPECT_EQ(nearest("PRIOIRTY", words), "priority"); // a swap, and case
    EXPECT_EQ(nearest("api-key", words), "APIKEY");
    EXPECT_EQ(nearest("timeout", words), "timeouts");
    EXPECT_EQ(nearest("KEY", words), "APIKEY"); // a part of it
    EXPECT_EQ(nearest("tmp", words), "tpm");
}

TEST(Nearest, IsSilentWhenNothingIsNear) {
    constexpr std::array<std::string_view, 3> words{"priority", "url", "tpm"};
    EXPECT_EQ(nearest("colour", words), "");
    EXPECT_EQ(nearest("", words), "");
    EXPECT_EQ(nearest("x", words), "");
    EXPECT_EQ(nearest(std::string(100'000, 'p'), words), "");
    EXPECT_EQ(suggestion("colour", words), "");
    EXPECT_EQ(suggestion("uri", words), "; did you mean `url`?");
}

TEST(InTicks, EscapesAndCuts) {
    EXPECT_EQ(in_ticks("plain text"), "`plain text`");
    EXPECT_EQ(in_ticks("a\n\x1b[31m\xc3\xa4"), "`a\\x0a\\x1b[31m\\xc3\\xa4`");
    EXPECT_EQ(in_ticks(std::string(81, 'x')), "`" + std::string(80, 'x') + "...`");
}

TEST(WithoutControls, LeavesOneLine) {
    EXPECT_EQ(without_controls("a\r\nb\x1b[0m\x7f \xc3\xa4"), "a\\x0d\\x0ab\\x1b[0m\\x7f \xc3\xa4");
}

TEST(Alternatives, ReadLikeASentence) {
    constexpr std::array<std::string_view, 3> words{"a", "b", "c"};
    EXPECT_EQ(alternatives(words), "a, b or c");
    EXPECT_EQ(alternatives(std::span{words}.first(2)), "a or b");
    EXPECT_EQ(alternatives(std::span{words}.first(1)), "a");
    EXPECT_EQ(alternatives({}), "");
}

TEST(Trimmed, RemovesBlanksAtBothEnds) {
    EXPECT_EQ(trimmed(" \t\r\na b\n "), "a b");
    EXPECT_EQ(trimmed(" \n"), "");
}

} // namespace
} // namespace headroom::core
