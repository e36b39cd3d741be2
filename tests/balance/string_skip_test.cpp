// Every version against the plain one, at every alignment, length and split, without reading beyond the end.
#include "balance/string_skip.hpp"

#include "balance/byte_search.hpp"
#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace headroom::balance {
namespace {

struct Walk {
    std::size_t stop = 0;
    StringTally tally;
};

/// Walks over `text` in pieces of a heap block of exactly their size, so that AddressSanitizer sees any byte
/// too many.
Walk walk(const StringSkip& version, std::string_view text, std::size_t split) {
    Walk result;
    for (const std::string_view piece : {text.substr(0, split), text.substr(split)}) {
        const std::vector<char> block(piece.begin(), piece.end());
        const char* const end = block.data() + block.size();
        const char* const stop = version.skip(block.data(), end, result.tally);
        result.stop += static_cast<std::size_t>(stop - block.data());
        if (stop != end) break;
    }
    return result;
}

void expect_equal(std::string_view text, std::size_t split) {
    const Walk reference = walk(string_skips().front(), text, text.size());
    for (const StringSkip& version : string_skips()) {
        const Walk result = walk(version, text, split);
        EXPECT_EQ(result.stop, reference.stop) << version.name << " on '" << text << "' split at " << split;
        EXPECT_EQ(result.tally.escapes, reference.tally.escapes) << version.name << " on '" << text << "'";
        EXPECT_EQ(result.tally.unicode_escapes, reference.tally.unicode_escapes) << version.name;
        EXPECT_EQ(result.tally.escape, reference.tally.escape) << version.name << " on '" << text << "'";
    }
}

TEST(StringSkip, FindsTheQuoteAtEveryPosition) {
    for (std::size_t length = 0; length < 200; ++length) {
        const std::string text = std::string(length, 'a') + "\"tail" + std::string(80, 'b');
        for (const StringSkip& version : string_skips()) {
            EXPECT_EQ(walk(version, text, text.size()).stop, length) << version.name;
        }
    }
}

TEST(StringSkip, RunsOfBackslashesOfEveryLengthAndPlace) {
    for (std::size_t before = 0; before < 130; before += 7) {
        for (std::size_t run = 0; run < 70; ++run) {
            const std::string text =
                std::string(before, 'a') + std::string(run, '\\') + "\"u\"" + std::string(70, 'c');
            for (const std::size_t split : {before, before + run / 2, before + run, text.size()})
                expect_equal(text, split);
        }
    }
}

TEST(StringSkip, StopsAtControlCharacters) {
    for (int c = 0; c < 0x20; ++c) {
        const std::string text = std::string(37, 'a') + static_cast<char>(c) + std::string(90, 'b') + '"';
        for (const StringSkip& version : string_skips())
            EXPECT_EQ(walk(version, text, text.size()).stop, 37U);
    }
    expect_equal("escaped control \\\n", 17);
}

TEST(StringSkip, HighBytesAreText) {
    std::string text;
    for (int c = 0x80; c < 0x100; ++c)
        text += static_cast<char>(c);
    text += '\x7f';
    for (const StringSkip& version : string_skips()) {
        EXPECT_EQ(walk(version, text, text.size()).stop, text.size()) << version.name;
    }
}

TEST(StringSkip, AllVersionsAgreeOnRandomTexts) {
    for (const std::uint64_t seed : seeds(300)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        std::string text;
        const std::size_t length = random.below(400);
        while (text.size() < length) {
            static constexpr std::string_view pieces[] = {
                "\\", "\\\\", "\\u0041", "u", "plain plain plain plain ", "\xe4\xb8\xad", "x"};
            text += random.chance(1) ? std::string_view("\"") : random.pick(pieces);
        }
        for (std::size_t split = 0; split <= text.size(); ++split)
            expect_equal(text, split);
    }
}

TEST(StringSkip, TheShortCutFindsOnlyPlainShortStrings) {
    const std::string padding(40, ' ');
    const auto find = [&](std::string text) {
        text += padding;
        const char* quote = find_close_quote(text.data(), text.data() + text.size());
        return quote == nullptr ? -1 : static_cast<int>(quote - text.data());
    };
#if defined(__SSE2__)
    EXPECT_EQ(find("role\":"), 4);
    EXPECT_EQ(find("\""), 0);
    EXPECT_EQ(find("fifteen letters\""), 15);
#endif
    EXPECT_EQ(find("sixteen letters!\""), -1);
    EXPECT_EQ(find("a\\\"b\""), -1);
    EXPECT_EQ(find("a\nb\""), -1);
    EXPECT_EQ(find_close_quote(padding.data(), padding.data()), nullptr);
}

TEST(ByteSearch, FindsMembersAtEveryPosition) {
    for (std::size_t length = 0; length < 100; ++length) {
        const std::string text = std::string(length, '"') + "\"usage\"";
        const std::vector<char> block(text.begin(), text.end());
        const char* const end = block.data() + block.size();
        EXPECT_EQ(find_member(block.data(), end, 'u', 'm') - block.data(),
                  static_cast<std::ptrdiff_t>(length));
        EXPECT_EQ(find_member(block.data(), end, 'x', 'y'), end);
        EXPECT_EQ(find_member(block.data(), end, 'm', 'u') - block.data(),
                  static_cast<std::ptrdiff_t>(length));
    }
}

TEST(ByteSearch, CountsBytesInTextsOfEveryLength) {
    for (std::size_t length : {0U, 1U, 15U, 16U, 17U, 255U, 4079U, 4080U, 4081U, 9000U}) {
        std::vector<char> block(length, '\n');
        for (std::size_t i = 0; i < length; i += 3)
            block[i] = 'x';
        const std::size_t expected = length - (length + 2) / 3;
        EXPECT_EQ(count_bytes(block.data(), block.data() + length, '\n'), expected) << length;
    }
}

} // namespace
} // namespace headroom::balance
