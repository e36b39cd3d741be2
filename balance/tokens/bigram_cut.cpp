// Two bitmaps made from the vocabulary: whole pairs of characters by hash, parts of pairs by the bytes that
// meet.
#include "balance/tokens/bigram_cut.hpp"

namespace headroom::balance {
namespace {

std::uint32_t byte(std::string_view text, std::size_t at) noexcept {
    return static_cast<std::uint8_t>(text[at]);
}
bool is_continuation(std::uint32_t byte) noexcept {
    return byte >> 6 == 2;
}

/// A three-byte character by the form of its bytes.
bool is_character(std::string_view text, std::size_t at) noexcept {
    return byte(text, at) >> 4 == 0xe && is_continuation(byte(text, at + 1)) &&
           is_continuation(byte(text, at + 2));
}

std::uint32_t character(std::string_view text, std::size_t at) noexcept {
    return byte(text, at) << 16 | byte(text, at + 1) << 8 | byte(text, at + 2);
}

} // namespace

bool BigramCut::cuts(std::string_view text, std::size_t at) const noexcept {
    if (at < 3 || at + 3 > text.size()) return false;
    if (!is_character(text, at - 3) || !is_character(text, at)) return false;
    const std::size_t bit = bigram_bit(character(text, at - 3), character(text, at));
    if ((bigrams_[bit / 64] >> bit % 64 & 1) != 0) return false;
    return (partial_[byte(text, at) & 15] >> (byte(text, at - 1) & 63) & 1) == 0;
}

std::size_t BigramCut::next(std::string_view text, std::size_t from) const noexcept {
    std::size_t at = from + 1;
    while (at + 3 <= text.size()) {
        if (byte(text, at) >> 4 != 0xe) {
            ++at;
        } else if (cuts(text, at)) {
            return at;
        } else {
            at += 3;
        }
    }
    return text.size();
}

} // namespace headroom::balance
