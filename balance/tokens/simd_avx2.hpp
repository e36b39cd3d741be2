// Sixty-four bytes in two registers of AVX2: classes of ASCII by comparison, of other characters by table
// look-up. Masks have a bit per byte. Used by the kernels, in functions that have the same target.
#pragma once

#if defined(__x86_64__)

#include "balance/tokens/character_class.hpp"
#include "balance/tokens/piece.hpp"
#include "balance/tokens/window_masks.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

// tidy: allow layers: intrinsics come with the compiler, not from a library
#include <immintrin.h>

#define HEADROOM_AVX2_TARGET "avx2,bmi,bmi2,lzcnt,popcnt"
#define HEADROOM_AVX2 __attribute__((target(HEADROOM_AVX2_TARGET), always_inline)) inline

namespace headroom::balance {

/// What the kernels ask of an instruction set.
struct Avx2 {
    struct Pair {
        __m256i low;
        __m256i high;
    };
    using Bytes = Pair;
    using Kinds = Pair;

    HEADROOM_AVX2 static Bytes load(const char* at) noexcept {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)),
                _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32))};
    }
    HEADROOM_AVX2 static Bytes load_tail(const char* at, unsigned size) noexcept {
        alignas(32) char block[64] = {};
        std::memcpy(block, at, size);
        return load(block);
    }

    /// The top bits of all bytes.
    HEADROOM_AVX2 static std::uint64_t tops(__m256i low, __m256i high) noexcept {
        return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
               static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm256_movemask_epi8(high))) << 32;
    }
    HEADROOM_AVX2 static std::uint64_t non_ascii(Bytes bytes) noexcept { return tops(bytes.low, bytes.high); }
    HEADROOM_AVX2 static std::uint64_t equal(Bytes bytes, std::uint8_t byte) noexcept {
        const __m256i all = _mm256_set1_epi8(static_cast<char>(byte));
        return tops(_mm256_cmpeq_epi8(bytes.low, all), _mm256_cmpeq_epi8(bytes.high, all));
    }
    HEADROOM_AVX2 static std::uint64_t at_least(Bytes bytes, std::uint8_t byte) noexcept {
        const __m256i all = _mm256_set1_epi8(static_cast<char>(byte));
        return tops(_mm256_cmpeq_epi8(_mm256_max_epu8(bytes.low, all), bytes.low),
                    _mm256_cmpeq_epi8(_mm256_max_epu8(bytes.high, all), bytes.high));
    }
    /// Bytes from `first` to `first + span`.
    HEADROOM_AVX2 static std::uint64_t between(Bytes bytes, char first, char span) noexcept {
        const __m256i from = _mm256_set1_epi8(first);
        const __m256i most = _mm256_set1_epi8(span);
        const __m256i low = _mm256_sub_epi8(bytes.low, from);
        const __m256i high = _mm256_sub_epi8(bytes.high, from);
        return tops(_mm256_cmpeq_epi8(_mm256_min_epu8(low, most), low),
                    _mm256_cmpeq_epi8(_mm256_min_epu8(high, most), high));
    }

    HEADROOM_AVX2 static WindowMasks ascii(Bytes bytes, std::uint64_t beyond, std::uint64_t whole) noexcept {
        const __m256i case_bit = _mm256_set1_epi8(0x20);
        const Bytes folded{_mm256_or_si256(bytes.low, case_bit), _mm256_or_si256(bytes.high, case_bit)};
        const std::uint64_t letters = between(folded, 'a', 25);
        const std::uint64_t lower = tops(_mm256_slli_epi16(bytes.low, 2), _mm256_slli_epi16(bytes.high, 2));
        const std::uint64_t breaks = between(bytes, 9, 4);
        WindowMasks masks;
        masks.upper = letters & ~lower;
        masks.lower = letters & lower;
        masks.caseless = 0;
        masks.mark = 0;
        masks.number = between(bytes, '0', 9);
        masks.space = equal(bytes, ' ');
        masks.line_end = breaks == 0 ? 0 : equal(bytes, '\n') | equal(bytes, '\r');
        masks.blank = masks.space | (breaks & ~masks.line_end);
        masks.other = whole & ~(beyond | letters | masks.number | masks.space | breaks);
        masks.slash = equal(bytes, '/');
        masks.apostrophe = equal(bytes, '\'');
        return masks;
    }

    /// 0xff in every byte whose bit is set.
    HEADROOM_AVX2 static __m256i spread(std::uint32_t bits) noexcept {
        const __m256i byte_of_each =
            _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
        const __m256i bit_of_each = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201U));
        const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)), byte_of_each);
        return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit_of_each), bit_of_each);
    }
    HEADROOM_AVX2 static Kinds caseless(std::uint64_t where) noexcept {
        const __m256i kind = _mm256_set1_epi8(character::caseless);
        return {_mm256_and_si256(spread(static_cast<std::uint32_t>(where)), kind),
                _mm256_and_si256(spread(static_cast<std::uint32_t>(where >> 32)), kind)};
    }
    /// The low six bits of a byte choose its class: four look-ups of sixteen, of which two bits choose one.
    HEADROOM_AVX2 static __m256i look_up(__m256i bytes, const __m256i (&table)[4]) noexcept {
        const __m256i low = _mm256_and_si256(bytes, _mm256_set1_epi8(0x0f));
        const __m256i bit_4 = _mm256_slli_epi16(bytes, 3);
        const __m256i bit_5 = _mm256_slli_epi16(bytes, 2);
        const __m256i first =
            _mm256_blendv_epi8(_mm256_shuffle_epi8(table[0], low), _mm256_shuffle_epi8(table[1], low), bit_4);
        const __m256i second =
            _mm256_blendv_epi8(_mm256_shuffle_epi8(table[2], low), _mm256_shuffle_epi8(table[3], low), bit_4);
        return _mm256_blendv_epi8(first, second, bit_5);
    }
    HEADROOM_AVX2 static Kinds look_up(const Kinds& kinds, Bytes bytes, const CharacterBlock& block,
                                       std::uint64_t where) noexcept {
        const auto* const quarters = reinterpret_cast<const __m128i*>(block.classes);
        const __m256i table[4] = {
            _mm256_broadcastsi128_si256(quarters[0]), _mm256_broadcastsi128_si256(quarters[1]),
            _mm256_broadcastsi128_si256(quarters[2]), _mm256_broadcastsi128_si256(quarters[3])};
        const __m256i low = spread(static_cast<std::uint32_t>(where));
        const __m256i high = spread(static_cast<std::uint32_t>(where >> 32));
        return {_mm256_or_si256(kinds.low, _mm256_and_si256(look_up(bytes.low, table), low)),
                _mm256_or_si256(kinds.high, _mm256_and_si256(look_up(bytes.high, table), high))};
    }
    HEADROOM_AVX2 static std::uint64_t of_kind(const Kinds& kinds, std::uint8_t kind) noexcept {
        const __m256i all = _mm256_set1_epi8(static_cast<char>(kind));
        return tops(_mm256_cmpeq_epi8(kinds.low, all), _mm256_cmpeq_epi8(kinds.high, all));
    }

    HEADROOM_AVX2 static std::uint64_t extract(std::uint64_t bits, std::uint64_t mask) noexcept {
        return _pext_u64(bits, mask);
    }
    HEADROOM_AVX2 static std::uint64_t deposit(std::uint64_t bits, std::uint64_t mask) noexcept {
        return _pdep_u64(bits, mask);
    }

    /// Writes all pieces of a cut and what lies behind them up to a multiple of 8: a loop that usually runs
    /// equally often is predicted.
    HEADROOM_AVX2 static std::size_t emit(Piece* out, std::uint32_t base, const WindowCut& cut) noexcept {
        std::uint64_t rest = cut.starts & (cut.starts - 1);
        const auto ends = static_cast<std::size_t>(std::popcount(rest));
        std::uint32_t from = base;
        for (std::size_t done = 0; done < ends; done += 8) {
            for (std::size_t i = 0; i < 8; ++i) {
                const std::uint32_t to = base + static_cast<std::uint32_t>(std::countr_zero(rest));
                out[done + i] = {from, to - from};
                from = to;
                rest &= rest - 1;
            }
        }
        if (!cut.final) return ends;
        from = ends == 0 ? base : out[ends - 1].begin + out[ends - 1].size;
        out[ends] = {from, base + cut.bytes - from};
        return ends + 1;
    }
};

} // namespace headroom::balance

#endif
