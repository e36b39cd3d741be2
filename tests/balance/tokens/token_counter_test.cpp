// Exact counts from every way of counting: plain merging, long walks, each cache, each instruction set.
#include "balance/tokens/token_counter.hpp"

#include "tests/balance/random.hpp"
#include "tests/balance/tokens/all_counters.hpp"
#include "tests/balance/tokens/text_pools.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::balance {
namespace {

class TokenCounterOf : public testing::TestWithParam<Encoding> {
  protected:
    AllCounters counters_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Tokens, TokenCounterOf, testing::ValuesIn(both_encodings), [](const auto& info) {
    return info.param == Encoding::o200k_base ? "o200k" : "cl100k";
});

TEST_P(TokenCounterOf, CountsKnownTexts) {
    const bool o200k = GetParam() == Encoding::o200k_base;
    counters_.expect("", 0);
    counters_.expect("hello world", 2);
    counters_.expect("tiktoken is great!", 6);
    counters_.expect("<|endoftext|>", 7);
    counters_.expect("お誕生日おめでとう", o200k ? 8 : 9);
    counters_.expect("2 + 2 = 4", 7);
}

TEST_P(TokenCounterOf, AllWaysAgreeOnRandomTexts) {
    for (const std::uint64_t seed : seeds(1'500)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        const std::string text = random_text(random, random.below(80));
        ASSERT_NO_FATAL_FAILURE(counters_.expect(text, counters_.plain(text)));
    }
}

TEST_P(TokenCounterOf, AllWaysAgreeOnBytesThatAreNoText) {
    for (const std::uint64_t seed : seeds(400)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        std::string text = random_bytes(random, random.below(60));
        if (random.chance(50)) text += random_text(random, 10);
        if (random.chance(30)) text.insert(random.below(text.size() + 1), random.below(20), '\0');
        ASSERT_NO_FATAL_FAILURE(counters_.expect(text, counters_.plain(text)));
    }
}

TEST_P(TokenCounterOf, AllWaysAgreeOnLongPieces) {
    for (const std::uint64_t seed : seeds(60)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        // Few letters make many tokens possible at every place, which is what steps back come from.
        const auto letters = static_cast<std::uint32_t>(2 + random.below(24));
        std::string text;
        const std::size_t length = 30 + random.below(1200);
        while (text.size() < length) {
            if (random.chance(5)) {
                text.append(random.below(200), static_cast<char>('a' + random.below(letters)));
            } else {
                text += static_cast<char>('a' + random.below(letters));
            }
        }
        ASSERT_NO_FATAL_FAILURE(counters_.expect(text, counters_.plain(text)));
    }
}

TEST_P(TokenCounterOf, SkipsRepetitionsWithoutAnError) {
    for (const std::uint64_t seed : seeds(16)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        static constexpr std::string_view units[] = {
            "a", "-", "=", "\u00e9", "中", "ab", "-=", "\u3000", "x\xcc\x81", "😀", "的", "aab", "\x01"};
        std::string text(random.pick(units));
        std::string run;
        while (run.size() < 1'300 + random.below(400))
            run += text;
        text = "Xy" + run + (random.chance(50) ? "bc" : "") + run.substr(random.below(40)) + "z";
        ASSERT_NO_FATAL_FAILURE(counters_.expect(text, counters_.plain(text)));
    }
}

TEST(TokenCounter, CountsAnUnknownEncodingAsO200k) {
    TokenCounter unknown(shared_vocabulary(), Encoding::unknown);
    TokenCounter o200k(shared_vocabulary(), Encoding::o200k_base);
    TokenCounter cl100k(shared_vocabulary(), Encoding::cl100k_base);
    const std::string_view text = "お誕生日おめでとう, DON'T Ünïcode";
    WorkBudget budget{plenty};
    EXPECT_EQ(unknown.count(text, budget).tokens, o200k.count(text, budget).tokens);
    EXPECT_NE(unknown.count(text, budget).tokens, cl100k.count(text, budget).tokens);
}

} // namespace
} // namespace headroom::balance
