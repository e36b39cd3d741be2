// A remembered count is the count: in any order, after any change, and never that of another text.
// HEADROOM_MEMO_KEYS sets how many random texts are looked for; by default as many as take a second.
#include "balance/prompt/message_memo.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace headroom::balance {
namespace {

/// A count that depends on every byte, and how often it was asked for.
class HashingCounter final : public TextCounting {
  public:
    CountedText count(std::string_view text) noexcept override {
        ++calls;
        return {count_of(text), exact};
    }

    static std::uint64_t count_of(std::string_view text) noexcept {
        std::uint64_t hash = 0xcbf29ce484222325U;
        for (const char c : text)
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        return hash % 100'000 + 1;
    }

    unsigned calls = 0;
    bool exact = true;
};

DigestKey key_of(std::uint8_t first) {
    DigestKey key;
    key.bytes[0] = first;
    return key;
}

std::vector<std::string> conversation() {
    std::vector<std::string> texts;
    texts.reserve(40);
    for (int i = 0; i < 40; ++i)
        texts.push_back("turn " + std::to_string(i) + std::string(200, static_cast<char>('a' + i % 26)));
    return texts;
}

struct Counting {
    std::unique_ptr<MessageMemo> memo = std::make_unique<MessageMemo>(key_of(1), 5);
    HashingCounter counter;
    RememberingCounter remembering{*memo, counter, 0};
};

TEST(MessageMemo, RemembersInAnyOrder) {
    Counting setup;
    auto texts = conversation();
    for (const std::string& text : texts)
        EXPECT_EQ(setup.remembering.count(text).tokens, HashingCounter::count_of(text));
    EXPECT_EQ(setup.counter.calls, texts.size());
    std::reverse(texts.begin(), texts.end());
    for (const std::string& text : texts)
        EXPECT_EQ(setup.remembering.count(text).tokens, HashingCounter::count_of(text));
    EXPECT_EQ(setup.counter.calls, texts.size());
    EXPECT_EQ(setup.remembering.remembered_bytes(), setup.remembering.counted_bytes());
}

TEST(MessageMemo, OneChangedByteIsAnotherText) {
    Counting setup;
    std::string text(300, 'x');
    setup.remembering.count(text);
    for (std::size_t at = 0; at < text.size(); ++at) {
        text[at] = 'y';
        EXPECT_EQ(setup.remembering.count(text).tokens, HashingCounter::count_of(text)) << at;
        text[at] = 'x';
    }
    EXPECT_EQ(setup.counter.calls, 301U);
    text.pop_back();
    EXPECT_EQ(setup.remembering.count(text).tokens, HashingCounter::count_of(text));
}

TEST(MessageMemo, ShortTextsAndEstimatesAreNotRemembered) {
    Counting setup;
    const std::string brief(RememberingCounter::text_bytes_min - 1, 'x');
    setup.remembering.count(brief);
    setup.remembering.count(brief);
    EXPECT_EQ(setup.counter.calls, 2U);
    setup.counter.exact = false;
    const std::string text(300, 'x');
    EXPECT_FALSE(setup.remembering.count(text).exact);
    EXPECT_FALSE(setup.remembering.count(text).exact);
    EXPECT_EQ(setup.counter.calls, 4U);
}

TEST(MessageMemo, PurposesAreKeptApart) {
    Counting setup;
    RememberingCounter other(*setup.memo, setup.counter, 1);
    const std::string text(300, 'x');
    setup.remembering.count(text);
    other.count(text);
    EXPECT_EQ(setup.counter.calls, 2U);
}

TEST(MessageMemo, TwoKeysAreTwoTables) {
    MessageMemo one(key_of(1), 1);
    const MessageMemo other(key_of(2), 1);
    unsigned same_line = 0;
    for (int i = 0; i < 10'000; ++i) {
        const std::string text = "text " + std::to_string(i);
        const Digest first = one.digest(text, 0);
        const Digest second = other.digest(text, 0);
        EXPECT_NE(first, second);
        same_line += first.low % 16384 == second.low % 16384;
        one.remember(first, 7);
        EXPECT_EQ(one.find(second), std::nullopt);
    }
    EXPECT_LT(same_line, 10U);
}

TEST(MessageMemo, ForgetsOnlyWhenFull) {
    MessageMemo memo(key_of(1), 9);
    constexpr std::size_t few = MessageMemo::entry_count / 8;
    for (std::size_t i = 0; i < few; ++i)
        memo.remember(memo.digest(std::to_string(i), 0), static_cast<std::uint32_t>(i + 1));
    std::size_t kept = 0;
    for (std::size_t i = 0; i < few; ++i) {
        const auto found = memo.find(memo.digest(std::to_string(i), 0));
        if (found) EXPECT_EQ(*found, i + 1);
        kept += found ? 1 : 0;
    }
    // Half an entry a line on average: 1.7 of 10,000 lines get more than four (Poisson).
    EXPECT_GT(kept, few * 999 / 1000);
}

TEST(MessageMemo, RandomTextsAreNeverFound) {
    const char* const asked = std::getenv("HEADROOM_MEMO_KEYS");
    const std::uint64_t rounds = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 200'000;
    for (const std::uint64_t seed : seeds(1)) {
        SCOPED_TRACE(seed_note(seed));
        for (const DigestMethod method : {DigestMethod::siphash, best_digest()}) {
            MessageMemo memo(key_of(static_cast<std::uint8_t>(seed)), seed, method);
            Random random(seed);
            std::uint64_t false_hits = 0;
            for (std::uint64_t i = 0; i < rounds; ++i) {
                // A counter makes every text new; the random rest makes it any text.
                const std::uint64_t words[3] = {i, random.bits(), random.bits()};
                const Digest digest = memo.digest({reinterpret_cast<const char*>(words), sizeof words}, 0);
                false_hits += memo.find(digest) ? 1 : 0;
                memo.remember(digest, 1);
            }
            EXPECT_EQ(false_hits, 0U);
        }
    }
}

} // namespace
} // namespace headroom::balance
