// Where a text of three-byte characters (Chinese, Japanese, Korean and others) falls into parts that BPE
// never joins: BPE cannot merge across a boundary that no token of the vocabulary spans. The parts are short
// and come again, so they can be remembered as words are.
#pragma once

#include "balance/tokens/vocabulary_blob.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace headroom::balance {

class BigramCut {
  public:
    explicit BigramCut(const VocabularyBlob& blob) noexcept
        : bigrams_(blob.bigrams.data()), partial_(blob.header->partial_bigrams.data()) {}

    /// Whether there is a byte of 0xe0 or more, without which there is nothing to cut.
    [[nodiscard]] static bool may_cut(std::string_view text) noexcept;

    /// Fills `out` with the next places behind `at` of which no token can hold bytes from both sides, and
    /// moves `at` to the last of them, or to the end of `text` when there are no more. Only boundaries
    /// between two three-byte characters are such places; the text may be invalid UTF-8.
    [[nodiscard]] std::size_t find(std::string_view text, std::size_t& at,
                                   std::span<std::uint32_t> out) const noexcept {
        std::size_t found = 0;
        std::uint32_t before = 0;
        for (std::size_t next = at; next + 3 <= text.size();) {
            const std::uint32_t here = character(text.data() + next);
            if ((here & form_mask) != form) {
                before = 0;
                ++next;
                continue;
            }
            // No branch: whether characters join cannot be predicted.
            out[found] = static_cast<std::uint32_t>(next);
            found += unsigned{before != 0} & (joins(before, here) ^ 1);
            if (found == out.size()) {
                at = next;
                return found;
            }
            before = here;
            next += 3;
        }
        at = text.size();
        return found;
    }

  private:
    /// What the bits of a three-byte character have in common.
    static constexpr std::uint32_t form_mask = 0xf0c0c0;
    static constexpr std::uint32_t form = 0xe08080;

    static std::uint32_t character(const char* at) noexcept {
        const auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<std::uint8_t>(at[i])}; };
        return byte(0) << 16 | byte(1) << 8 | byte(2);
    }

    /// 1 when a token may hold bytes of both, else 0. Whole pairs are in a bitmap by hash; of a pair of which
    /// a token holds only a part, it holds at least the two bytes that meet.
    [[nodiscard]] unsigned joins(std::uint32_t before, std::uint32_t after) const noexcept {
        const std::size_t bit = bigram_bit(before, after);
        const std::uint64_t whole = bigrams_[bit / 64] >> bit % 64;
        const std::uint64_t part = partial_[after >> 16 & 15] >> (before & 63);
        return static_cast<unsigned>((whole | part) & 1);
    }

    const std::uint64_t* bigrams_;
    const std::uint64_t* partial_;
};

} // namespace headroom::balance
