// AEGISMAC-128L (draft-irtf-cfrg-aegis-aead): each 32 bytes of text go through eight AES rounds on a secret
// state, so a difference between two texts survives unless 128 secret bits are guessed. One nonce serves all
// texts: the rule against reusing it protects against those who see tags, and nobody sees these.
// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein).
#include "balance/prompt/keyed_digest.hpp"

#include "balance/sip_state.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
// tidy: allow layers: intrinsics come with the compiler, not from a library
#include <immintrin.h>
#endif

namespace headroom::balance {
namespace {

std::uint64_t word_at(const char* at) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
}

#if defined(__x86_64__)

constexpr std::array<std::uint8_t, 32> fibonacci{
    0x00, 0x01, 0x01, 0x02, 0x03, 0x05, 0x08, 0x0d, 0x15, 0x22, 0x37, 0x59, 0x90, 0xe9, 0x79, 0x62,
    0xdb, 0x3d, 0x18, 0x55, 0x6d, 0xc2, 0x2f, 0xf1, 0x20, 0x11, 0x31, 0x42, 0x73, 0xb5, 0x28, 0xdd};

struct AegisState {
    __m128i s0, s1, s2, s3, s4, s5, s6, s7;

    __attribute__((target("aes"), always_inline)) void take(__m128i first, __m128i second) noexcept {
        const __m128i last = s7;
        s7 = _mm_aesenc_si128(s6, s7);
        s6 = _mm_aesenc_si128(s5, s6);
        s5 = _mm_aesenc_si128(s4, s5);
        s4 = _mm_aesenc_si128(s3, _mm_xor_si128(s4, second));
        s3 = _mm_aesenc_si128(s2, s3);
        s2 = _mm_aesenc_si128(s1, s2);
        s1 = _mm_aesenc_si128(s0, s1);
        s0 = _mm_aesenc_si128(last, _mm_xor_si128(s0, first));
    }
};

__m128i load(const void* at) noexcept {
    return _mm_loadu_si128(static_cast<const __m128i*>(at));
}

__attribute__((target("aes"))) AegisState aegis_start(__m128i key, __m128i nonce) noexcept {
    const __m128i c0 = load(fibonacci.data());
    const __m128i c1 = load(fibonacci.data() + 16);
    const __m128i both = _mm_xor_si128(key, nonce);
    AegisState state{
        both, c1, c0, c1, both, _mm_xor_si128(key, c0), _mm_xor_si128(key, c1), _mm_xor_si128(key, c0)};
    for (int i = 0; i < 10; ++i)
        state.take(nonce, key);
    return state;
}

__attribute__((target("aes"))) __m128i aegis_finish(AegisState state, std::string_view text,
                                                    std::uint64_t purpose) noexcept {
    const char* at = text.data();
    std::size_t left = text.size();
    for (; left >= 32; at += 32, left -= 32)
        state.take(load(at), load(at + 16));
    if (left != 0) {
        std::array<char, 32> padded{};
        std::memcpy(padded.data(), at, left);
        state.take(load(padded.data()), load(padded.data() + 16));
    }
    const std::uint64_t bits = std::uint64_t{text.size()} * 8;
    const __m128i lengths = _mm_set_epi64x(static_cast<long long>(purpose), static_cast<long long>(bits));
    const __m128i end = _mm_xor_si128(state.s2, lengths);
    for (int i = 0; i < 7; ++i)
        state.take(end, end);
    const __m128i low = _mm_xor_si128(_mm_xor_si128(state.s0, state.s1), _mm_xor_si128(state.s2, state.s3));
    return _mm_xor_si128(_mm_xor_si128(low, state.s4), _mm_xor_si128(state.s5, state.s6));
}

#endif

} // namespace

DigestMethod best_digest() noexcept {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("aes")) return DigestMethod::aegis;
#endif
    return DigestMethod::siphash;
}

KeyedDigest::KeyedDigest(const DigestKey& key, DigestMethod method) noexcept : method_(method) {
#if defined(__x86_64__)
    if (method == DigestMethod::aegis) {
        const AegisState state = aegis_start(load(key.bytes.data()), load(key.bytes.data() + 16));
        static_assert(sizeof state == sizeof state_);
        std::memcpy(state_.data(), &state, sizeof state);
        return;
    }
#endif
    const char* const bytes = reinterpret_cast<const char*>(key.bytes.data());
    state_[0].words = {word_at(bytes), word_at(bytes + 8)};
}

Digest KeyedDigest::aegis([[maybe_unused]] std::string_view text,
                          [[maybe_unused]] std::uint64_t purpose) const noexcept {
#if defined(__x86_64__)
    AegisState state;
    std::memcpy(&state, state_.data(), sizeof state);
    const __m128i tag = aegis_finish(state, text, purpose);
    Digest digest;
    static_assert(sizeof tag == sizeof digest);
    std::memcpy(&digest, &tag, sizeof digest);
    return digest;
#else
    return siphash(text, purpose);
#endif
}

Digest KeyedDigest::siphash(std::string_view text, std::uint64_t purpose) const noexcept {
    const auto [first, second] = state_[0].words;
    SipState<2, 4> state{{first ^ 0x736f6d6570736575U, second ^ 0x646f72616e646f6dU ^ 0xee,
                          first ^ 0x6c7967656e657261U, second ^ 0x7465646279746573U}};
    // The purpose is the first word of every text, so no text of one purpose is a text of another.
    state.take(purpose);
    std::size_t at = 0;
    for (; text.size() - at >= 8; at += 8)
        state.take(word_at(text.data() + at));
    std::uint64_t last = std::uint64_t{text.size() + 8} << 56;
    for (std::size_t i = 0; at + i < text.size(); ++i)
        last |= std::uint64_t{static_cast<std::uint8_t>(text[at + i])} << (8 * i);
    state.take(last);
    state.v[2] ^= 0xee;
    const std::uint64_t low = state.finish();
    state.v[1] ^= 0xdd;
    return {low, state.finish()};
}

} // namespace headroom::balance
