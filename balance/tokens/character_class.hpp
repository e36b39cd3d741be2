// What the pretokenizers' patterns ask of a character: its class, one bit each, found in two table lookups.
// Promises: a byte that is not part of valid UTF-8 is a character of its own of class `other`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace headroom::balance {

/// One bit per class, so that a set of classes is a mask. Every character has exactly one.
namespace character {
inline constexpr std::uint8_t upper = 1;     ///< \p{Lu}, \p{Lt}
inline constexpr std::uint8_t lower = 2;     ///< \p{Ll}
inline constexpr std::uint8_t caseless = 4;  ///< \p{Lm}, \p{Lo}
inline constexpr std::uint8_t mark = 8;      ///< \p{M}
inline constexpr std::uint8_t number = 16;   ///< \p{N}
inline constexpr std::uint8_t blank = 32;    ///< \s (White_Space: with U+0085, without U+FEFF) but line ends
inline constexpr std::uint8_t line_end = 64; ///< CR and LF
inline constexpr std::uint8_t other = 128;   ///< Punctuation, symbols, controls, unassigned, invalid bytes.
inline constexpr std::uint8_t letter = upper | lower | caseless;
inline constexpr std::uint8_t space = blank | line_end;
} // namespace character

/// The classes of 64 code points: those that differ in the last byte of their UTF-8 only.
struct alignas(64) CharacterBlock {
    std::uint8_t classes[64];
};

/// The block of the code points 64 * `number` to 64 * `number` + 63, for any number.
[[nodiscard]] const CharacterBlock& character_block(std::uint32_t number) noexcept;

/// A character in a text.
struct Character {
    std::uint8_t kind; ///< One bit of `character`.
    std::uint8_t size; ///< In bytes.
};

/// The character at `at`, which is before `end` and no ASCII.
[[nodiscard]] Character character_beyond_ascii(const char* at, const char* end) noexcept;

/// The classes of ASCII.
inline constexpr auto ascii_classes = [] {
    std::array<std::uint8_t, 128> classes{};
    for (unsigned c = 0; c < 128; ++c) {
        if (c >= 'a' && c <= 'z') {
            classes[c] = character::lower;
        } else if (c >= 'A' && c <= 'Z') {
            classes[c] = character::upper;
        } else if (c >= '0' && c <= '9') {
            classes[c] = character::number;
        } else if (c == '\r' || c == '\n') {
            classes[c] = character::line_end;
        } else {
            classes[c] = c == ' ' || (c >= '\t' && c <= '\f') ? character::blank : character::other;
        }
    }
    return classes;
}();

/// The character at `at`, which is before `end`.
[[nodiscard]] inline Character character_at(const char* at, const char* end) noexcept {
    const auto byte = static_cast<unsigned char>(*at);
    return byte < 0x80 ? Character{ascii_classes[byte], 1} : character_beyond_ascii(at, end);
}

} // namespace headroom::balance
