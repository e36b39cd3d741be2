// Sixteen positions a step: SSE2 is enough for chunks of a few hundred bytes, and every x86-64 has it.
#include "balance/byte_search.hpp"

#include <bit>

#if defined(__x86_64__)
// tidy: allow layers: intrinsics come with the compiler, not from a library
#include <immintrin.h>
#endif

namespace headroom::balance {

const char* find_member(const char* at, const char* end, char first, char second) noexcept {
#if defined(__x86_64__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i one = _mm_set1_epi8(first);
    const __m128i other = _mm_set1_epi8(second);
    for (; end - at > 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 1));
        const __m128i letters = _mm_or_si128(_mm_cmpeq_epi8(next, one), _mm_cmpeq_epi8(next, other));
        const int found = _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(bytes, quote), letters));
        if (found != 0) return at + std::countr_zero(static_cast<std::uint32_t>(found));
    }
#endif
    for (; end - at > 1; ++at) {
        if (at[0] == '"' && (at[1] == first || at[1] == second)) return at;
    }
    return end;
}

const char* find_member(const char* at, const char* end,
                        const std::array<std::array<char, 2>, 4>& pairs) noexcept {
#if defined(__x86_64__)
    const __m128i quote = _mm_set1_epi8('"');
    std::array<std::array<__m128i, 2>, 4> wanted;
    for (std::size_t i = 0; i < pairs.size(); ++i)
        wanted[i] = {_mm_set1_epi8(pairs[i][0]), _mm_set1_epi8(pairs[i][1])};
    for (; end - at > 17; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 1));
        const __m128i third = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 2));
        __m128i same = _mm_setzero_si128();
        for (const auto& pair : wanted) {
            same = _mm_or_si128(
                same, _mm_and_si128(_mm_cmpeq_epi8(second, pair[0]), _mm_cmpeq_epi8(third, pair[1])));
        }
        const int found = _mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(bytes, quote), same));
        if (found != 0) return at + std::countr_zero(static_cast<std::uint32_t>(found));
    }
#endif
    for (; end - at > 2; ++at) {
        if (at[0] != '"') continue;
        for (const std::array<char, 2>& pair : pairs) {
            if (at[1] == pair[0] && at[2] == pair[1]) return at;
        }
    }
    return end;
}

const char* find_quoted(const char* at, const char* end, const PairSet& pairs) noexcept {
#if defined(__x86_64__)
    const __m128i quote = _mm_set1_epi8('"');
    for (; end - at > 17; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        auto quotes = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, quote)));
        for (; quotes != 0; quotes &= quotes - 1) {
            const char* const found = at + std::countr_zero(quotes);
            if (pairs.has(found[1], found[2])) return found;
        }
    }
#endif
    for (; end - at > 2; ++at) {
        if (at[0] == '"' && pairs.has(at[1], at[2])) return at;
    }
    return end;
}

const char* find_line_end(const char* at, const char* end) noexcept {
#if defined(__x86_64__)
    const __m128i feed = _mm_set1_epi8('\n');
    const __m128i carriage = _mm_set1_epi8('\r');
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(bytes, feed), _mm_cmpeq_epi8(bytes, carriage));
        const int found = _mm_movemask_epi8(ends);
        if (found != 0) return at + std::countr_zero(static_cast<std::uint32_t>(found));
    }
#endif
    while (at != end && *at != '\n' && *at != '\r')
        ++at;
    return at;
}

std::size_t count_bytes(const char* at, const char* end, char wanted) noexcept {
    std::size_t count = 0;
#if defined(__x86_64__)
    const __m128i byte = _mm_set1_epi8(wanted);
    while (end - at >= 16) {
        // A lane counts up to 255 matches before the lanes are summed.
        __m128i lanes = _mm_setzero_si128();
        for (int i = 0; i < 255 && end - at >= 16; ++i, at += 16) {
            const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
            lanes = _mm_sub_epi8(lanes, _mm_cmpeq_epi8(bytes, byte));
        }
        const __m128i sums = _mm_sad_epu8(lanes, _mm_setzero_si128());
        count += static_cast<std::size_t>(_mm_cvtsi128_si64(sums)) +
                 static_cast<std::size_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums)));
    }
#endif
    for (; at != end; ++at)
        count += *at == wanted ? 1U : 0U;
    return count;
}

} // namespace headroom::balance
