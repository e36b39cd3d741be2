// Finds the end of a JSON string at memory speed: AVX2 where the CPU has it, SSE2 otherwise, bytes elsewhere.
// Promises: never reads outside [at, end); the same answer from every version and every split of the text.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#if defined(__SSE2__)
// tidy: allow layers: intrinsics come with the compiler, not from a library
#include <emmintrin.h>
#endif

namespace headroom::balance {

/// What was passed on the way, over all pieces of one string.
struct StringTally {
    std::uint64_t escapes = 0;         ///< Escaped characters, \u included.
    std::uint64_t unicode_escapes = 0; ///< Of these, \u escapes.
    bool escape = false;               ///< The piece ended on an escaping backslash.
};

/// Walks the inside of a string; returns the closing quote, the first control character (not allowed in
/// JSON), or `end`.
[[nodiscard]] const char* skip_string(const char* at, const char* end, StringTally& tally) noexcept;

/// The closing quote of a string whose inside begins at `at`, if it lies within 16 bytes and no escape or
/// control character comes before it; else nullptr, and skip_string knows.
[[nodiscard]] inline const char* find_close_quote(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
    if (end - at < 16) return nullptr;
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i stops = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))),
        _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stops));
    if (mask == 0) return nullptr;
    at += std::countr_zero(mask);
    return *at == '"' ? at : nullptr;
#else
    static_cast<void>(at);
    static_cast<void>(end);
    return nullptr;
#endif
}

/// One version of skip_string, for tests.
struct StringSkip {
    std::string_view name;
    const char* (*skip)(const char* at, const char* end, StringTally& tally) noexcept;
};

/// The versions that this CPU can run, the reference first and the fastest last.
[[nodiscard]] std::span<const StringSkip> string_skips() noexcept;

} // namespace headroom::balance
