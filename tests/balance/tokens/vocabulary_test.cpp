// The embedded tables: they hold exactly OpenAI's vocabularies, and the theorems of the counter are true of
// them.
#include "balance/tokens/vocabulary.hpp"

#include "tests/balance/random.hpp"
#include "tests/balance/tokens/plain_bpe.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <string>
#include <unordered_set>

namespace headroom::balance {
namespace {

class VocabularyOf : public testing::TestWithParam<Encoding> {
  protected:
    const TokenTables& tables_ = shared_vocabulary().tables(GetParam());
    const PlainBpe& plain_ = PlainBpe::of(GetParam());
    const bool o200k_ = GetParam() == Encoding::o200k_base;
};

INSTANTIATE_TEST_SUITE_P(Tokens, VocabularyOf, testing::ValuesIn(both_encodings), [](const auto& info) {
    return info.param == Encoding::o200k_base ? "o200k" : "cl100k";
});

std::string base64(std::string_view bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::string sha256(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        hex += "0123456789abcdef"[digest[i] >> 4];
        hex += "0123456789abcdef"[digest[i] & 15];
    }
    return hex;
}

// expected_hash of openai/tiktoken, tiktoken_ext/openai_public.py.
TEST_P(VocabularyOf, SpellsTheVeryFileThatOpenAiPublishes) {
    std::string file;
    for (std::size_t token = 0; token < plain_.texts().size(); ++token)
        file += base64(plain_.texts()[token]) + ' ' + std::to_string(token) + '\n';
    EXPECT_EQ(file.size(), o200k_ ? 3'613'922U : 1'681'126U);
    EXPECT_EQ(sha256(file), o200k_ ? "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
                                   : "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7");
}

TEST_P(VocabularyOf, HasAsManyTokensAndBytesAsPublished) {
    std::size_t bytes = 0;
    std::size_t longest = 0;
    for (const std::string& text : plain_.texts()) {
        bytes += text.size();
        longest = std::max(longest, text.size());
    }
    EXPECT_EQ(tables_.tokens(), o200k_ ? 199'998U : 100'256U);
    EXPECT_EQ(bytes, o200k_ ? 1'397'670U : 643'830U);
    EXPECT_EQ(longest, 128U);
}

TEST_P(VocabularyOf, EverySplitRejoins) {
    for (std::uint32_t token = byte_tokens_count; token < tables_.tokens(); ++token) {
        const TokenSplit& split = tables_.split(token);
        ASSERT_EQ(tables_.pairs().find(split.left, split.right), token);
        ASSERT_EQ(plain_.texts()[split.left] + plain_.texts()[split.right], plain_.texts()[token]);
        ASSERT_LT(std::max(split.left, split.right), token);
    }
}

TEST_P(VocabularyOf, AMillionOtherPairsAreAbsent) {
    std::unordered_set<std::uint64_t> present;
    for (std::uint32_t token = byte_tokens_count; token < tables_.tokens(); ++token)
        present.insert(PairHash::key(tables_.split(token).left, tables_.split(token).right));
    const std::uint64_t seed = seeds(1).front();
    SCOPED_TRACE(seed_note(seed));
    Random random(seed);
    int absent = 0;
    while (absent < 1'000'000) {
        auto left = static_cast<std::uint32_t>(random.below(tables_.tokens()));
        auto right = static_cast<std::uint32_t>(random.below(tables_.tokens()));
        // Half of them have one part in common with a pair that is there.
        if (random.chance(50)) {
            const auto token = byte_tokens_count +
                               static_cast<std::uint32_t>(random.below(tables_.tokens() - byte_tokens_count));
            (random.chance(50) ? left : right) =
                random.chance(50) ? tables_.split(token).left : tables_.split(token).right;
        }
        if (present.contains(PairHash::key(left, right))) continue;
        ASSERT_EQ(tables_.pairs().find(left, right), no_token) << left << ' ' << right;
        ++absent;
    }
}

TEST_P(VocabularyOf, PairsOfBytesAreTheTokensOfTwoBytes) {
    for (std::uint32_t first = 0; first < 256; ++first) {
        for (std::uint32_t second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second)};
            ASSERT_EQ(tables_.of_bytes(static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(second)),
                      plain_.find(text));
        }
        const char byte = static_cast<char>(first);
        ASSERT_EQ(tables_.of_byte(static_cast<std::uint8_t>(first)), plain_.find({&byte, 1}));
    }
}

TEST_P(VocabularyOf, TheTrieFindsTheLongestTokenAndTheShorterOnes) {
    const std::uint64_t seed = seeds(1).front();
    SCOPED_TRACE(seed_note(seed));
    Random random(seed);
    for (std::uint32_t token = 0; token < tables_.tokens(); ++token) {
        const std::string& text = plain_.texts()[token];
        std::string_view prefix = std::string_view(text).substr(0, text.size() - 1);
        while (!prefix.empty() && plain_.find(prefix) == no_token)
            prefix.remove_suffix(1);
        ASSERT_EQ(tables_.trie().shorter(token), plain_.find(prefix)) << text;
        ASSERT_EQ(tables_.trie().longest(text), token);
        // Two tokens in a row may begin with a longer one.
        const std::string two = text + plain_.texts()[random.below(tables_.tokens())];
        std::string_view longest = std::string_view(two).substr(0, 128);
        while (plain_.find(longest) == no_token)
            longest.remove_suffix(1);
        ASSERT_EQ(tables_.trie().longest(two), plain_.find(longest)) << two;
    }
    EXPECT_EQ(tables_.trie().longest(""), no_token);
}

TEST_P(VocabularyOf, TokensStayApartExactlyWhenBpeLeavesThemSo) {
    const std::uint64_t seed = seeds(1).front();
    SCOPED_TRACE(seed_note(seed));
    Random random(seed);
    int apart = 0;
    for (int i = 0; i < 40'000; ++i) {
        // Common tokens meet more often.
        const std::uint64_t range = random.chance(50) ? 3000 : tables_.tokens();
        auto left = static_cast<std::uint32_t>(random.below(range));
        auto right = static_cast<std::uint32_t>(random.below(range));
        const std::uint32_t whole = left;
        // Parts of a token meet: most of them do not stay apart.
        if (random.chance(30) && tables_.trie().shorter(whole) != no_token) {
            left = tables_.trie().shorter(whole);
            right = tables_.trie().longest(plain_.texts()[whole].substr(plain_.texts()[left].size()));
        }
        const bool expected = plain_.encode(plain_.texts()[left] + plain_.texts()[right]) ==
                              std::vector<std::uint32_t>{left, right};
        ASSERT_EQ(tables_.stay_apart(left, right), expected) << left << ' ' << right;
        apart += expected ? 1 : 0;
    }
    EXPECT_GT(apart, 4'000);
    EXPECT_LT(apart, 32'000);
}

/// A character of three bytes that ends (or begins) with the bytes that a token has of it.
std::string whole(std::string_view part, bool has_end, Random& random) {
    std::string character{static_cast<char>(0xe0 + random.below(16)),
                          static_cast<char>(0x80 + random.below(64)),
                          static_cast<char>(0x80 + random.below(64))};
    return character.replace(has_end ? 3 - part.size() : 0, part.size(), part);
}

/// The places at which `text` is cut, found `room` at a time.
std::vector<std::uint32_t> cuts_of(const TokenTables& tables, std::string_view text, std::size_t room) {
    std::vector<std::uint32_t> cuts;
    std::vector<std::uint32_t> some(room);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t found = tables.bigrams().find(text, at, some);
        cuts.insert(cuts.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(found));
    }
    return cuts;
}

TEST_P(VocabularyOf, NoTokenSpansABigramCut) {
    const std::uint64_t seed = seeds(1).front();
    SCOPED_TRACE(seed_note(seed));
    Random random(seed);
    int boundaries = 0;
    for (const std::string& text : plain_.texts()) {
        const std::string_view token = text;
        for (std::size_t at = 1; at < token.size(); ++at) {
            if (static_cast<unsigned char>(token[at]) >> 4 != 0xe) continue;
            // The token's place in any text in which characters of three bytes meet at this boundary.
            for (int i = 0; i < 4; ++i) {
                const std::string before =
                    whole(token.substr(at < 3 ? 0 : at - 3, std::min<std::size_t>(at, 3)), true, random);
                const std::string after = whole(token.substr(at, 3), false, random);
                ASSERT_TRUE(cuts_of(tables_, before + after, 8).empty()) << text << " at " << at;
                ++boundaries;
            }
        }
    }
    EXPECT_GT(boundaries, o200k_ ? 40'000 : 2'000);
}

TEST_P(VocabularyOf, BigramCutsAreFrequentWhereWordsMeet) {
    const std::string text = "我们在这个项目中使用了许多不同的工具和方法来提高系统的性能与稳定性";
    const std::vector<std::uint32_t> cuts = cuts_of(tables_, text, 64);
    EXPECT_GT(cuts.size(), text.size() / 12);
    for (const std::size_t room : {1U, 2U, 5U})
        EXPECT_EQ(cuts_of(tables_, text, room), cuts);
    for (const std::uint32_t cut : cuts) {
        const std::string_view two = std::string_view(text).substr(cut - 3, 6);
        EXPECT_EQ(plain_.encode(two).size(),
                  plain_.encode(two.substr(0, 3)).size() + plain_.encode(two.substr(3)).size());
    }
    // A character is one by its form alone, wherever it begins.
    EXPECT_EQ(cuts_of(tables_, "\xe4" + text, 64).size(), cuts.size());
    EXPECT_TRUE(cuts_of(tables_, "ascii only", 64).empty());
}

} // namespace
} // namespace headroom::balance
