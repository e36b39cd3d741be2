// Sixty-four bytes in one register of AVX-512: classes by table look-up in registers, pieces written sixteen
// at a time. Masks have a bit per byte. Used by the kernels, in functions that have the same target.
#pragma once

#if defined(__x86_64__)

#include "balance/tokens/character_class.hpp"
#include "balance/tokens/piece.hpp"
#include "balance/tokens/window_masks.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>

// tidy: allow layers: intrinsics come with the compiler, not from a library
#include <immintrin.h>

#define HEADROOM_AVX512_TARGET "avx2,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw,avx512vbmi,avx512vbmi2"
#define HEADROOM_AVX512 __attribute__((target(HEADROOM_AVX512_TARGET), always_inline)) inline

namespace headroom::balance {

/// What the kernels ask of an instruction set.
struct Avx512 {
    using Bytes = __m512i;
    using Kinds = __m512i;

    HEADROOM_AVX512 static Bytes load(const char* at) noexcept { return _mm512_loadu_si512(at); }
    HEADROOM_AVX512 static Bytes load_tail(const char* at, unsigned size) noexcept {
        return _mm512_maskz_loadu_epi8(bits_below(size), at);
    }
    HEADROOM_AVX512 static std::uint64_t non_ascii(Bytes bytes) noexcept {
        return _mm512_movepi8_mask(bytes);
    }
    HEADROOM_AVX512 static std::uint64_t equal(Bytes bytes, std::uint8_t byte) noexcept {
        return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(static_cast<char>(byte)));
    }
    HEADROOM_AVX512 static std::uint64_t at_least(Bytes bytes, std::uint8_t byte) noexcept {
        return _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8(static_cast<char>(byte)));
    }

    HEADROOM_AVX512 static WindowMasks ascii(Bytes bytes, std::uint64_t beyond,
                                             std::uint64_t whole) noexcept {
        const Kinds low = _mm512_load_si512(&character_block(0));
        const Kinds high = _mm512_load_si512(&character_block(1));
        const Kinds kinds = _mm512_maskz_permutex2var_epi8(whole & ~beyond, low, bytes, high);
        WindowMasks masks;
        masks.upper = of_kind(kinds, character::upper);
        masks.lower = of_kind(kinds, character::lower);
        masks.caseless = 0;
        masks.mark = 0;
        masks.number = of_kind(kinds, character::number);
        masks.blank = of_kind(kinds, character::blank);
        masks.line_end = of_kind(kinds, character::line_end);
        masks.other = of_kind(kinds, character::other);
        masks.space = equal(bytes, ' ');
        masks.slash = equal(bytes, '/');
        masks.apostrophe = equal(bytes, '\'');
        return masks;
    }

    HEADROOM_AVX512 static Kinds caseless(std::uint64_t where) noexcept {
        return _mm512_maskz_set1_epi8(where, character::caseless);
    }
    /// The low six bits of a byte choose its class.
    HEADROOM_AVX512 static Kinds look_up(Kinds kinds, Bytes bytes, const CharacterBlock& block,
                                         std::uint64_t where) noexcept {
        return _mm512_mask_permutexvar_epi8(kinds, where, bytes, _mm512_load_si512(&block));
    }
    HEADROOM_AVX512 static std::uint64_t of_kind(Kinds kinds, std::uint8_t kind) noexcept {
        return _mm512_test_epi8_mask(kinds, _mm512_set1_epi8(static_cast<char>(kind)));
    }

    HEADROOM_AVX512 static std::uint64_t extract(std::uint64_t bits, std::uint64_t mask) noexcept {
        return _pext_u64(bits, mask);
    }
    HEADROOM_AVX512 static std::uint64_t deposit(std::uint64_t bits, std::uint64_t mask) noexcept {
        return _pdep_u64(bits, mask);
    }

    /// Writes all pieces of a cut and what lies behind them up to a multiple of 16.
    HEADROOM_AVX512 static std::size_t emit(Piece* out, std::uint32_t base, const WindowCut& cut) noexcept {
        alignas(64) static constexpr std::uint8_t places[64] = {
            0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
            22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
            44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
        alignas(64) static constexpr std::uint32_t low[16] = {0, 16, 1, 17, 2, 18, 3, 19,
                                                              4, 20, 5, 21, 6, 22, 7, 23};
        alignas(64) static constexpr std::uint32_t high[16] = {8,  24, 9,  25, 10, 26, 11, 27,
                                                               12, 28, 13, 29, 14, 30, 15, 31};
        const std::uint64_t ends = cut.starts & (cut.starts - 1);
        const __m512i all = _mm512_load_si512(places);
        __m512i from = _mm512_maskz_compress_epi8(cut.starts, all);
        __m512i to = _mm512_maskz_compress_epi8(ends, all);
        const auto count = static_cast<std::size_t>(std::popcount(ends)) + (cut.final ? 1 : 0);
        for (std::size_t done = 0; done < count; done += 16) {
            const __m512i begins = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(from));
            const __m512i sizes = _mm512_sub_epi32(_mm512_cvtepu8_epi32(_mm512_castsi512_si128(to)), begins);
            const __m512i placed = _mm512_add_epi32(begins, _mm512_set1_epi32(static_cast<int>(base)));
            _mm512_storeu_si512(out + done, _mm512_permutex2var_epi32(placed, _mm512_load_si512(low), sizes));
            _mm512_storeu_si512(out + done + 8,
                                _mm512_permutex2var_epi32(placed, _mm512_load_si512(high), sizes));
            from = _mm512_shuffle_i32x4(from, from, 0x39);
            to = _mm512_shuffle_i32x4(to, to, 0x39);
        }
        if (cut.final) out[count - 1].size = base + cut.bytes - out[count - 1].begin;
        return count;
    }
};

} // namespace headroom::balance

#endif
