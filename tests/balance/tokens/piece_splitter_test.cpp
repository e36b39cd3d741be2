// The pieces of texts that pretokenizers get wrong, for both encodings and every instruction set of this
// machine.
#include "balance/tokens/piece_splitter.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::string_literals;
using Pieces = std::vector<std::string>;

std::vector<Isa> isas() {
    std::vector<Isa> all;
    for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
        if (isa_supported(isa)) all.push_back(isa);
    }
    return all;
}

/// The pieces, asked for `step` at a time.
Pieces split(const PieceSplitter& splitter, const std::string& text, std::size_t step) {
    Pieces pieces;
    std::vector<Piece> out(step);
    std::size_t at = 0;
    std::size_t expected_begin = 0;
    while (const std::size_t count = splitter.split(text, at, out)) {
        for (std::size_t i = 0; i < count; ++i) {
            EXPECT_EQ(out[i].begin, expected_begin);
            expected_begin += out[i].size;
            pieces.push_back(text.substr(out[i].begin, out[i].size));
        }
        EXPECT_EQ(at, expected_begin);
    }
    EXPECT_EQ(at, text.size());
    return pieces;
}

/// Padding whose end is a piece's end whatever follows puts the text at other places of a window.
void expect_pieces(Encoding encoding, const std::string& text, const Pieces& expected) {
    for (const Isa isa : isas()) {
        const PieceSplitter splitter(encoding, isa);
        for (const std::size_t step : {1U, 3U, 200U})
            EXPECT_EQ(split(splitter, text, step), expected) << "isa " << static_cast<int>(isa);
        for (std::size_t shift = 1; shift < 128; ++shift) {
            std::string padding;
            for (std::size_t i = 0; i < shift; ++i)
                padding += i % 2 == shift % 2 ? "1" : "\n";
            Pieces pieces = split(splitter, padding + text, 64);
            ASSERT_GE(pieces.size(), shift);
            pieces.erase(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(shift));
            EXPECT_EQ(pieces, expected) << "isa " << static_cast<int>(isa) << " shift " << shift;
        }
    }
}

void expect_o200k(const std::string& text, const Pieces& expected) {
    SCOPED_TRACE("o200k_base: " + text);
    expect_pieces(Encoding::o200k_base, text, expected);
    expect_pieces(Encoding::unknown, text, expected);
}

void expect_cl100k(const std::string& text, const Pieces& expected) {
    SCOPED_TRACE("cl100k_base: " + text);
    expect_pieces(Encoding::cl100k_base, text, expected);
}

void expect_both(const std::string& text, const Pieces& expected) {
    expect_o200k(text, expected);
    expect_cl100k(text, expected);
}

TEST(PieceSplitter, NothingHasNoPieces) {
    for (const Isa isa : isas()) {
        std::size_t at = 0;
        Piece piece{};
        const PieceSplitter splitter(Encoding::o200k_base, isa);
        EXPECT_EQ(splitter.split("", at, {&piece, 1}), 0U);
        EXPECT_EQ(splitter.split("text", at, {}), 0U);
        EXPECT_EQ(at, 0U);
    }
}

TEST(PieceSplitter, WordsTakeOneCharacterBeforeThem) {
    expect_both("Hello, big (world) of\twords", {"Hello", ",", " big", " (", "world", ")", " of", "\twords"});
    expect_both("(a((b", {"(a", "((", "b"});
    expect_both("x(foo)\u00a0bar\u3000baz", {"x", "(foo", ")", "\u00a0bar", "\u3000baz"});
}

TEST(PieceSplitter, CaseSplitsWordsOfO200k) {
    expect_o200k("camelCase HTTPServer ABC aBC", {"camel", "Case", " HTTPServer", " ABC", " a", "BC"});
    expect_cl100k("camelCase HTTPServer", {"camelCase", " HTTPServer"});
    expect_o200k("\u01c5a\u01c4b", {"\u01c5a", "\u01c4b"}); // title case counts as upper
}

TEST(PieceSplitter, LettersWithoutCaseGiveCapitalsBack) {
    expect_o200k("中ABC", {"中", "ABC"});
    expect_o200k("中Abc", {"中Abc"});
    expect_o200k("使用API接口", {"使用API接口"});
    expect_o200k("a中B", {"a中", "B"});
    expect_o200k("ABC中DEF", {"ABC中", "DEF"});
    expect_o200k("a中中AbA中B中CC", {"a中中", "Ab", "A中B中", "CC"});
    expect_o200k("x's中Abc y's中AB", {"x's", "中Abc", " y's", "中", "AB"});
    expect_cl100k("中ABC接", {"中ABC接"});
}

TEST(PieceSplitter, ContractionsEndTheirWord) {
    expect_o200k("don'tfoo I'LL we'Ve x'ſ", {"don't", "foo", " I'LL", " we'Ve", " x'ſ"});
    expect_cl100k("don'tfoo I'LL x'ſ", {"don", "'t", "foo", " I", "'LL", " x", "'ſ"});
    expect_o200k("t'd'DSJ", {"t'd", "'DSJ"});
    expect_cl100k("t'd'DSJ", {"t", "'d", "'D", "SJ"});
    expect_o200k("a's's", {"a's", "'s"});
    expect_o200k("''s 's", {"''", "s", " '", "s"});
    expect_o200k("x'r'reX", {"x", "'r're", "X"});
    expect_o200k("x'K", {"x", "'K"});
}

TEST(PieceSplitter, MarksAreLettersPrefixesOrPunctuation) {
    expect_o200k("e\u0301A \u0301a !\u0301 !!\u0301a",
                 {"e\u0301", "A", " \u0301a", " !\u0301", " !!\u0301", "a"});
    expect_o200k("\u0301ABC", {"\u0301", "ABC"});
    expect_o200k("a \u2764\ufe0f\u270c\ufe0fb \u2764\ufe0f\n",
                 {"a", " \u2764\ufe0f\u270c\ufe0f", "b", " \u2764\ufe0f\n"});
    expect_o200k("x\u2764\ufe0fy", {"x", "\u2764\ufe0fy"});
    expect_o200k("a!!\u0301\xd0", {"a", "!!\u0301\xd0"});
    expect_cl100k("e\u0301A", {"e", "\u0301A"});
}

TEST(PieceSplitter, DigitsGoInThrees) {
    const std::string digits = "1234567890";
    for (std::size_t count = 1; count <= 10; ++count) {
        Pieces expected{"a"};
        for (std::size_t at = 0; at < count; at += 3)
            expected.push_back(digits.substr(at, std::min<std::size_t>(3, count - at)));
        expect_both("a" + digits.substr(0, count), expected);
    }
    expect_both("a٣²½1४ 7", {"a", "٣²½", "1४", " ", "7"});
}

TEST(PieceSplitter, PunctuationTakesLineEnds) {
    expect_o200k("foo;\n/// x", {"foo", ";\n///", " x"});
    expect_cl100k("foo;\n/// x", {"foo", ";\n", "///", " x"});
    expect_o200k("a//\n/\n//b", {"a", "//\n/\n//", "b"});
    expect_o200k("a;\n\n!b", {"a", ";\n\n", "!b"});
    expect_both("a。\r\n\r\nb", {"a", "。\r\n\r\n", "b"});
}

TEST(PieceSplitter, BlanksGoTogetherButTheLast) {
    expect_both("a   b", {"a", "  ", " b"});
    expect_both("a \t !", {"a", " \t", " !"});
    expect_both("a  \t!", {"a", "  ", "\t", "!"});
    expect_both("a  \n \n  b", {"a", "  \n \n", " ", " b"});
    expect_both("a\n  ", {"a", "\n", "  "});
    expect_both("a\u3000\u3000\u00a0b", {"a", "\u3000\u3000", "\u00a0b"});
    expect_both("a\n\u2028\u2029", {"a", "\n", "\u2028\u2029"});
    expect_both("a" + std::string(300, ' ') + "b", {"a", std::string(299, ' '), " b"});
    expect_both("a" + std::string(300, ' ') + "\nb", {"a", std::string(300, ' ') + "\n", "b"});
}

TEST(PieceSplitter, NextLineIsABlankAndTheByteOrderMarkIsNot) {
    expect_both("a\u0085\u0085b", {"a", "\u0085", "\u0085b"});
    expect_both("a\ufeff\ufeffb", {"a", "\ufeff\ufeff", "b"});
    expect_both("a \ufeff", {"a", " \ufeff"});
    expect_both("a\x1c\x1d", {"a", "\x1c\x1d"}); // separators are no White_Space
    expect_both("a\0\0b"s, {"a", "\0\0"s, "b"});
}

TEST(PieceSplitter, InvalidBytesArePunctuation) {
    for (const std::string& bytes :
         {"\x80\xbf"s, "\xc0\x80"s, "\xc3"s, "\xe0\x9f\xbf"s, "\xed\xa0\x80"s, "\xf0\x8f\x80\x80"s,
          "\xf4\x90\x80\x80"s, "\xf5\x80\x80\x80"s, "\xe4\xb8"s, "\xf0\x9f\x98"s, "\xff\xfe"s}) {
        Pieces expected{"a"};
        if (bytes.size() == 1) {
            expected.push_back(bytes + "b");
        } else {
            expected.push_back(bytes);
            expected.emplace_back("b");
        }
        expect_both("a" + bytes + "b", expected);
        expect_both("a" + bytes, {"a", bytes});
    }
}

} // namespace
} // namespace headroom::balance
