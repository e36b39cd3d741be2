// What each feature counts, and that every instruction set counts it alike.
#include "balance/tokens/text_features.hpp"

#include "tests/balance/random.hpp"
#include "tests/balance/tokens/mixed_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace headroom::balance {
namespace {

using Expected = std::vector<std::pair<TextFeature, std::uint64_t>>;

/// The features of a block of exactly the text's size, so that AddressSanitizer sees any byte too many.
TextFeatures features_of(std::string_view text, Isa isa) {
    const std::vector<char> block(text.begin(), text.end());
    return TextFeatures::of({block.data(), block.size()}, isa);
}

void expect_features(std::string_view text, const Expected& expected) {
    TextFeatures features;
    for (const auto& [feature, count] : expected)
        features.add(feature, count);
    for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512})
        EXPECT_EQ(features_of(text, isa).counts(), features.counts()) << text;
}

TEST(TextFeatures, NothingHasNone) {
    expect_features("", {});
}

TEST(TextFeatures, Words) {
    using enum TextFeature;
    expect_features("an Old McDonald\tNASA", {{lower, 10},
                                              {upper, 7},
                                              {space, 2},
                                              {breaks, 1},
                                              {word_start, 4},
                                              {bare_word, 2},
                                              {lower_upper, 1},
                                              {upper_upper, 3}});
}

TEST(TextFeatures, NumbersAndPunctuation) {
    using enum TextFeature;
    expect_features("12345 6  (:[", {{number, 6},
                                     {number_start, 2},
                                     {number_fourth, 2},
                                     {space, 3},
                                     {space_again, 1},
                                     {punctuation, 3},
                                     {punctuation_start, 1}});
}

TEST(TextFeatures, ScriptsByTheirFirstByte) {
    using enum TextFeature;
    expect_features("caf\u00e9s \u03b1\u03b2 \u0436 \u05d0\u0627", {{lower, 4},
                                                                    {word_start, 1},
                                                                    {bare_word, 1},
                                                                    {space, 3},
                                                                    {latin, 1},
                                                                    {greek, 2},
                                                                    {cyrillic, 1},
                                                                    {semitic, 2},
                                                                    {beyond_start, 3}});
    expect_features("\u0939\u10d0\u2014\u3042\u4e2d\ud55c\uff0c\U0001f600", {{indic, 1},
                                                                             {asian, 1},
                                                                             {symbols, 1},
                                                                             {kana, 1},
                                                                             {han, 1},
                                                                             {hangul, 1},
                                                                             {wide, 1},
                                                                             {beyond_plane, 1},
                                                                             {beyond_start, 1}});
    expect_features("\x80\xc0\xff", {{beyond_plane, 1}});
}

TEST(TextFeatures, AllInstructionSetsAgreeOnRandomTexts) {
    for (const std::uint64_t seed : seeds(2000)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        const std::string text = mixed_text(random, 300);
        const TextFeatures expected = features_of(text, Isa::scalar);
        for (const Isa isa : {Isa::avx2, Isa::avx512})
            ASSERT_EQ(features_of(text, isa).counts(), expected.counts());
    }
}

} // namespace
} // namespace headroom::balance
