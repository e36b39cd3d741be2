// Short pieces as numbers, so that they can be compared at once: their bytes, filled up with zeros.
#pragma once

#include "balance/tokens/piece_cache.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace headroom::balance {

/// How many bytes short_key_inside reads, however few the piece has.
inline constexpr std::size_t short_key_read = 16;

/// The key of a piece of up to 16 bytes behind which nothing can be read.
[[nodiscard]] inline ShortKey short_key(const char* text, std::uint32_t size) noexcept {
    ShortKey key;
    std::memcpy(&key, text, size);
    return key;
}

/// For each size, the bytes of one half of a key that belong to the piece.
inline constexpr auto key_masks = [] {
    std::array<ShortKey, short_key_read + 1> masks{};
    for (std::size_t size = 1; size < masks.size(); ++size) {
        masks[size].low = size >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << 8 * size) - 1;
        masks[size].high = size <= 8    ? 0
                           : size >= 16 ? ~std::uint64_t{0}
                                        : (std::uint64_t{1} << 8 * (size - 8)) - 1;
    }
    return masks;
}();

/// The key of a piece of up to 16 bytes in a text that goes on for short_key_read bytes from its start.
[[gnu::always_inline]] [[nodiscard]] inline ShortKey short_key_inside(const char* text,
                                                                      std::uint32_t size) noexcept {
    ShortKey key;
    std::memcpy(&key, text, sizeof key);
    key.low &= key_masks[size].low;
    key.high &= key_masks[size].high;
    return key;
}

} // namespace headroom::balance
