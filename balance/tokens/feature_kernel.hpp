// Counts text features in blocks of 64 bytes, written once for every instruction set that can classify them.
// A file that includes this defines HEADROOM_WINDOW_TARGET first, as for window_kernel.hpp.
#pragma once

#include "balance/tokens/text_features.hpp"
#include "balance/tokens/window_masks.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#ifndef HEADROOM_WINDOW_TARGET
#define HEADROOM_WINDOW_TARGET "sse2"
#endif
#define HEADROOM_FEATURE_CODE __attribute__((target(HEADROOM_WINDOW_TARGET), always_inline)) inline

namespace headroom::balance {

/// The first byte of each script's range, in the order of the features from `latin` on.
inline constexpr std::uint8_t script_firsts[] = {0xc2, 0xcc, 0xd0, 0xd5, 0xe0, 0xe1,
                                                 0xe2, 0xe3, 0xe4, 0xea, 0xee, 0xf0};

/// A mask and what the block before had in it.
struct CarriedMask {
    std::uint64_t now = 0;
    std::uint64_t before = 0;

    /// Bit i is the byte that lies `back` (1 to 3) before byte i.
    [[nodiscard, gnu::always_inline]] std::uint64_t behind(unsigned back) const noexcept {
        return now << back | before >> (64 - back);
    }
    [[gnu::always_inline]] void next(std::uint64_t mask) noexcept {
        before = now;
        now = mask;
    }
};

/// What a block needs to know of the one before.
struct FeatureCarry {
    CarriedMask lower;
    CarriedMask upper;
    CarriedMask number;
    CarriedMask space;
    CarriedMask punctuation;
    CarriedMask word; ///< Letters and all that is not ASCII.
};

template <class Simd>
HEADROOM_FEATURE_CODE void count_scripts(TextFeatures& features, typename Simd::Bytes bytes,
                                         std::uint64_t before_word, std::uint64_t whole) noexcept {
    const auto add = [&features](TextFeature feature, std::uint64_t mask) {
        features.add(feature, static_cast<std::uint64_t>(std::popcount(mask)));
    };
    std::uint64_t at_least = Simd::at_least(bytes, script_firsts[0]) & whole;
    add(TextFeature::beyond_start, at_least & ~before_word);
    for (std::size_t i = 0; i < std::size(script_firsts); ++i) {
        const std::uint64_t above =
            i + 1 < std::size(script_firsts) ? Simd::at_least(bytes, script_firsts[i + 1]) & whole : 0;
        add(static_cast<TextFeature>(static_cast<std::size_t>(TextFeature::latin) + i), at_least & ~above);
        at_least = above;
    }
}

template <class Simd>
HEADROOM_FEATURE_CODE void count_block(TextFeatures& features, FeatureCarry& carry,
                                       typename Simd::Bytes bytes, std::uint64_t whole) noexcept {
    const auto add = [&features](TextFeature feature, std::uint64_t mask) {
        features.add(feature, static_cast<std::uint64_t>(std::popcount(mask)));
    };
    const std::uint64_t beyond = Simd::non_ascii(bytes);
    const WindowMasks masks = Simd::ascii(bytes, beyond, whole);
    const std::uint64_t letters = masks.upper | masks.lower;
    carry.lower.next(masks.lower);
    carry.upper.next(masks.upper);
    carry.number.next(masks.number);
    carry.space.next(masks.space);
    carry.punctuation.next(masks.other);
    carry.word.next(letters | beyond);
    const std::uint64_t starts = letters & ~carry.word.behind(1);
    add(TextFeature::lower, masks.lower);
    add(TextFeature::upper, masks.upper);
    add(TextFeature::number, masks.number);
    add(TextFeature::space, masks.space);
    add(TextFeature::breaks, (masks.blank | masks.line_end) & ~masks.space);
    add(TextFeature::punctuation, masks.other);
    add(TextFeature::word_start, starts);
    add(TextFeature::bare_word, starts & ~carry.space.behind(1));
    add(TextFeature::lower_upper, masks.upper & carry.lower.behind(1));
    add(TextFeature::upper_upper, masks.upper & carry.upper.behind(1));
    add(TextFeature::number_start, masks.number & ~carry.number.behind(1));
    add(TextFeature::number_fourth,
        masks.number & carry.number.behind(1) & carry.number.behind(2) & carry.number.behind(3));
    add(TextFeature::punctuation_start, masks.other & ~carry.punctuation.behind(1));
    add(TextFeature::space_again, masks.space & carry.space.behind(1));
    if (beyond != 0) count_scripts<Simd>(features, bytes, carry.word.behind(1), whole);
}

template <class Simd>
HEADROOM_FEATURE_CODE TextFeatures count_features(std::string_view text) noexcept {
    TextFeatures features;
    FeatureCarry carry;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (; end - at >= 64; at += 64)
        count_block<Simd>(features, carry, Simd::load(at), ~std::uint64_t{0});
    if (at != end) {
        const auto size = static_cast<unsigned>(end - at);
        count_block<Simd>(features, carry, Simd::load_tail(at, size), bits_below(size));
    }
    return features;
}

} // namespace headroom::balance
