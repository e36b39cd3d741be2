// Published test vectors, and that every bit of text, key, length and purpose counts.
#include "balance/prompt/keyed_digest.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace headroom::balance {
namespace {

std::vector<DigestMethod> methods() {
    std::vector<DigestMethod> all{DigestMethod::siphash};
    if (best_digest() == DigestMethod::aegis) all.push_back(DigestMethod::aegis);
    return all;
}

std::string counting_bytes(std::size_t size, unsigned first = 0) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i)
        text += static_cast<char>(first + i);
    return text;
}

std::string hex(const Digest& digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint64_t word : {digest.low, digest.high}) {
        for (unsigned i = 0; i < 8; ++i) {
            text += digits[word >> (8 * i + 4) & 15];
            text += digits[word >> (8 * i) & 15];
        }
    }
    return text;
}

DigestKey some_key(std::uint8_t first = 7) {
    DigestKey key;
    key.bytes[0] = first;
    return key;
}

TEST(KeyedDigest, AegisAgreesWithItsDraft) {
    if (best_digest() != DigestMethod::aegis) GTEST_SKIP() << "this CPU has no AES instructions";
    DigestKey key;
    key.bytes[0] = 0x10, key.bytes[1] = 0x01;
    key.bytes[16] = 0x10, key.bytes[18] = 0x02;
    // The draft puts the length of the tag where we put the purpose.
    EXPECT_EQ(hex(KeyedDigest(key, DigestMethod::aegis).of(counting_bytes(35), 128)),
              "d3f09b2842ad301687d6902c921d7818");
}

TEST(KeyedDigest, SipHashAgreesWithItsReference) {
    DigestKey key;
    for (std::uint8_t i = 0; i < 16; ++i)
        key.bytes[i] = i;
    const KeyedDigest digest(key, DigestMethod::siphash);
    // The reference hashes 00 01 02 ...; its first eight bytes are our purpose.
    constexpr std::uint64_t purpose = 0x0706050403020100U;
    EXPECT_EQ(hex(digest.of("", purpose)), "3b62a9ba6258f5610f83e264f31497b4");
    EXPECT_EQ(hex(digest.of(counting_bytes(55, 8), purpose)), "5150d1772f50834a503e069a973fbd7c");
}

TEST(KeyedDigest, EveryBitCounts) {
    for (const DigestMethod method : methods()) {
        const KeyedDigest digest(some_key(), method);
        for (std::size_t size = 0; size <= 100; ++size) {
            std::string text(size, 'a');
            std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
            const auto add = [&](std::string_view one, std::uint64_t purpose) {
                const Digest made = digest.of(one, purpose);
                EXPECT_TRUE(seen.emplace(made.low, made.high).second) << "size " << size;
            };
            add(text, 0);
            add(text, 1);
            add(text + '\0', 0);
            for (std::size_t bit = 0; bit < size * 8; ++bit) {
                text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
                add(text, 0);
                text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
            }
        }
    }
}

TEST(KeyedDigest, HalfOfTheBitsChange) {
    for (const DigestMethod method : methods()) {
        const KeyedDigest one(some_key(1), method);
        const KeyedDigest other(some_key(2), method);
        unsigned text_flips = 0;
        unsigned key_flips = 0;
        constexpr unsigned rounds = 1000;
        for (unsigned i = 0; i < rounds; ++i) {
            const std::string text = "message " + std::to_string(i);
            const Digest a = one.of(text, 0);
            const Digest b = one.of(text + '.', 0);
            const Digest c = other.of(text, 0);
            text_flips +=
                static_cast<unsigned>(std::popcount(a.low ^ b.low) + std::popcount(a.high ^ b.high));
            key_flips += static_cast<unsigned>(std::popcount(a.low ^ c.low) + std::popcount(a.high ^ c.high));
        }
        // 128,000 fair coins: 64,000 heads with a standard deviation of 179.
        EXPECT_NEAR(text_flips, 64.0 * rounds, 1500);
        EXPECT_NEAR(key_flips, 64.0 * rounds, 1500);
    }
}

TEST(KeyedDigest, ReadsNothingBehindTheText) {
    for (const DigestMethod method : methods()) {
        const KeyedDigest digest(some_key(), method);
        Random random(1);
        for (std::size_t size = 0; size < 200; ++size) {
            std::string text;
            for (std::size_t i = 0; i < size; ++i)
                text += static_cast<char>(random.bits());
            // A block of exactly this size, so that AddressSanitizer sees a read beyond it.
            const std::vector<char> exact(text.begin(), text.end());
            EXPECT_EQ(digest.of({exact.data(), size}, 3),
                      digest.of(std::string_view(text + "behind").substr(0, size), 3));
        }
    }
}

} // namespace
} // namespace headroom::balance
