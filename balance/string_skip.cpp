// Blocks of 16 or 64 bytes become bit masks; only blocks with a quote, a backslash or a control character are
// looked at.
#include "balance/string_skip.hpp"

#include <array>
#include <bit>
#include <cstddef>

#if defined(__x86_64__)
// tidy: allow layers: intrinsics come with the compiler, not from a library
#include <immintrin.h>
#endif

namespace headroom::balance {
namespace {

using Skip = const char* (*)(const char*, const char*, StringTally&) noexcept;

const char* skip_bytes(const char* at, const char* end, StringTally& tally) noexcept {
    for (; at != end; ++at) {
        if (static_cast<unsigned char>(*at) < 0x20) return at;
        if (tally.escape) {
            tally.escape = false;
            ++tally.escapes;
            tally.unicode_escapes += *at == 'u';
        } else if (*at == '"') {
            return at;
        } else {
            tally.escape = *at == '\\';
        }
    }
    return end;
}

#if defined(__x86_64__)

struct Masks {
    std::uint64_t quotes;
    std::uint64_t backslashes;
    std::uint64_t controls;
    std::uint64_t letters_u;
};

/// The bytes of a block that an escaping backslash precedes. A run of backslashes escapes every second of its
/// bytes and, if it is odd, the byte behind it; adding the runs that start on odd positions makes the parity
/// fall out of the carries.
template <unsigned Size>
[[gnu::always_inline]] inline std::uint64_t escaped_bytes(std::uint64_t backslashes, bool& escape) noexcept {
    constexpr std::uint64_t even = 0x5555555555555555U;
    backslashes &= ~std::uint64_t{escape};
    const std::uint64_t behind = backslashes << 1 | std::uint64_t{escape};
    const std::uint64_t odd_starts = backslashes & ~even & ~behind;
    std::uint64_t sum = odd_starts + backslashes;
    if constexpr (Size == 64) {
        escape = sum < backslashes;
    } else {
        escape = (sum >> Size & 1) != 0;
    }
    const std::uint64_t escaped = (even ^ sum << 1) & behind;
    return Size == 64 ? escaped : escaped & ((std::uint64_t{1} << Size % 64) - 1);
}

/// Judges one block; the index of the byte that ends the walk, or `Size`.
template <unsigned Size>
[[gnu::always_inline]] inline unsigned judge(const Masks& masks, StringTally& tally) noexcept {
    const std::uint64_t escaped = escaped_bytes<Size>(masks.backslashes, tally.escape);
    const std::uint64_t stops = (masks.quotes & ~escaped) | masks.controls;
    const std::uint64_t before = stops == 0 ? ~std::uint64_t{0} : (stops & -stops) - 1;
    tally.escapes += static_cast<unsigned>(std::popcount(escaped & before));
    tally.unicode_escapes += static_cast<unsigned>(std::popcount(escaped & before & masks.letters_u));
    if (stops == 0) return Size;
    tally.escape = false;
    return static_cast<unsigned>(std::countr_zero(stops));
}

const char* skip_sse2(const char* at, const char* end, StringTally& tally) noexcept {
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const __m128i quotes = _mm_cmpeq_epi8(bytes, quote);
        const __m128i backslashes = _mm_cmpeq_epi8(bytes, backslash);
        const __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes);
        const __m128i any = _mm_or_si128(_mm_or_si128(quotes, backslashes), controls);
        if (_mm_movemask_epi8(any) == 0 && !tally.escape) continue;
        const auto mask = [](__m128i vector) {
            return static_cast<std::uint64_t>(_mm_movemask_epi8(vector));
        };
        const unsigned stop = judge<16>({mask(quotes), mask(backslashes), mask(controls),
                                         mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('u')))},
                                        tally);
        if (stop != 16) return at + stop;
    }
    return skip_bytes(at, end, tally);
}

struct Pair {
    __m256i low;
    __m256i high;
};

__attribute__((target("avx2"), always_inline)) inline std::uint64_t mask_of(const Pair& pair) noexcept {
    const auto low = static_cast<std::uint32_t>(_mm256_movemask_epi8(pair.low));
    const auto high = static_cast<std::uint32_t>(_mm256_movemask_epi8(pair.high));
    return low | std::uint64_t{high} << 32;
}

__attribute__((target("avx2"), always_inline)) inline Pair equal(const Pair& bytes, char c) noexcept {
    const __m256i wanted = _mm256_set1_epi8(c);
    return {_mm256_cmpeq_epi8(bytes.low, wanted), _mm256_cmpeq_epi8(bytes.high, wanted)};
}

__attribute__((target("avx2,bmi,popcnt"))) const char* skip_avx2(const char* at, const char* end,
                                                                 StringTally& tally) noexcept {
    const __m256i control = _mm256_set1_epi8(0x1f);
    for (; end - at >= 64; at += 64) {
        const Pair bytes{_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)),
                         _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32))};
        const Pair quotes = equal(bytes, '"');
        const Pair backslashes = equal(bytes, '\\');
        const Pair controls{_mm256_cmpeq_epi8(_mm256_min_epu8(bytes.low, control), bytes.low),
                            _mm256_cmpeq_epi8(_mm256_min_epu8(bytes.high, control), bytes.high)};
        const __m256i any =
            _mm256_or_si256(_mm256_or_si256(_mm256_or_si256(quotes.low, quotes.high),
                                            _mm256_or_si256(backslashes.low, backslashes.high)),
                            _mm256_or_si256(controls.low, controls.high));
        if (_mm256_testz_si256(any, any) != 0 && !tally.escape) continue;
        const unsigned stop = judge<64>(
            {mask_of(quotes), mask_of(backslashes), mask_of(controls), mask_of(equal(bytes, 'u'))}, tally);
        if (stop != 64) return at + stop;
    }
    return skip_sse2(at, end, tally);
}

#endif

constexpr std::array known{
    StringSkip{"bytes", skip_bytes},
#if defined(__x86_64__)
    StringSkip{"sse2", skip_sse2},
    StringSkip{"avx2", skip_avx2},
#endif
};

std::size_t usable() noexcept {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 =
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
    return avx2 ? 3 : 2;
#else
    return known.size();
#endif
}

const Skip fastest = known[usable() - 1].skip;

} // namespace

const char* skip_string(const char* at, const char* end, StringTally& tally) noexcept {
    return fastest(at, end, tally);
}

std::span<const StringSkip> string_skips() noexcept {
    return std::span(known).first(usable());
}

} // namespace headroom::balance
