// The form in which a vocabulary is embedded: what the build's generator writes and Vocabulary reads.
// Little endian; a header, then the sections in the order of VocabularySections, each on a multiple of 8
// bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace headroom::balance {

/// Ids are ranks: the lower, the earlier BPE merges. Ids below this are the single bytes, in some order.
inline constexpr std::uint32_t byte_tokens_count = 256;
/// Ids fit in so many bits in every vocabulary.
inline constexpr unsigned token_bits = 18;
inline constexpr std::uint32_t no_token = 0xffffffffU;

inline constexpr std::uint64_t vocabulary_magic = 0x3156'4d4f'4f52'4448U; ///< "HDROOMV1"
/// The labels are compared in blocks of so many bytes, which may reach behind the last one.
inline constexpr std::size_t labels_padding = 16;
inline constexpr std::size_t bigram_words = 8192;
inline constexpr unsigned bigram_bits = 19;

struct VocabularyHeader {
    std::uint64_t magic = vocabulary_magic;
    std::uint32_t tokens = 0;                    ///< Ids are 0 … tokens-1.
    std::uint32_t nodes = 0;                     ///< Of the prefix tree, breadth first, without its root.
    std::uint32_t slot_bits = 0;                 ///< log2 of the pair table's slots.
    std::uint32_t bucket_bits = 0;               ///< log2 of its displacements.
    std::uint64_t multiplier = 0;                ///< Of PairHash.
    std::uint32_t root_children = 0;             ///< How many of the first nodes hang at the root.
    std::uint32_t text_bytes = 0;                ///< Sum of the lengths of all tokens.
    std::array<std::uint8_t, 256> byte_tokens{}; ///< The token of each byte.
    /// Bigrams of which a token holds only a part: [lead byte & 15], bit (last byte of the character before &
    /// 63).
    std::array<std::uint64_t, 16> partial_bigrams{};
};

/// The canonical split of a token of two bytes or more: the last merge of its BPE.
struct TokenSplit {
    std::uint32_t left = 0;
    std::uint32_t right = 0;
};

/// A prefix of tokens.
struct PrefixNode {
    std::uint32_t children = 0;   ///< Index of the first; they lie side by side.
    std::uint32_t token : 24 = 0; ///< That ends here, + 1; 0 is none.
    std::uint32_t children_count : 8 = 0;
};

/// Where the sections begin, in bytes, and where the last one ends.
struct VocabularySections {
    std::size_t splits;        ///< TokenSplit[tokens - 256]
    std::size_t displacements; ///< uint16[1 << bucket_bits]
    std::size_t bigrams;       ///< uint64[bigram_words]
    std::size_t nodes;         ///< PrefixNode[nodes]
    std::size_t labels;        ///< uint8[nodes]: the byte that leads to each node
    std::size_t shorter; ///< uint32[tokens]: the longest token that is a proper prefix of each, or no_token
    std::size_t end;

    constexpr explicit VocabularySections(const VocabularyHeader& header) noexcept
        : splits(sizeof(VocabularyHeader)),
          displacements(splits + sizeof(TokenSplit) * (header.tokens - byte_tokens_count)),
          bigrams(aligned(displacements + (sizeof(std::uint16_t) << header.bucket_bits))),
          nodes(bigrams + sizeof(std::uint64_t) * bigram_words),
          labels(nodes + sizeof(PrefixNode) * header.nodes),
          shorter(aligned(labels + header.nodes + labels_padding)),
          end(aligned(shorter + sizeof(std::uint32_t) * header.tokens)) {}

  private:
    static constexpr std::size_t aligned(std::size_t at) noexcept { return (at + 7) & ~std::size_t{7}; }
};

/// The perfect hash of the canonical splits: one displacement per bucket moves its keys to free slots.
class PairHash {
  public:
    constexpr explicit PairHash(const VocabularyHeader& header) noexcept
        : multiplier_(header.multiplier),
          bucket_shift_(64 - header.bucket_bits),
          slot_shift_(64 - header.bucket_bits - header.slot_bits),
          slot_mask_((1U << header.slot_bits) - 1),
          displacement_shift_(header.slot_bits - 16) {}

    static constexpr std::uint64_t key(std::uint32_t left, std::uint32_t right) noexcept {
        return std::uint64_t{left} << token_bits | right;
    }
    [[nodiscard]] constexpr std::uint64_t mix(std::uint64_t key) const noexcept { return key * multiplier_; }
    [[nodiscard]] constexpr std::size_t bucket(std::uint64_t mixed) const noexcept {
        return mixed >> bucket_shift_;
    }
    [[nodiscard]] constexpr std::size_t slot(std::uint64_t mixed, std::uint16_t displacement) const noexcept {
        return ((mixed >> slot_shift_) & slot_mask_) ^ (std::size_t{displacement} << displacement_shift_);
    }

  private:
    std::uint64_t multiplier_;
    unsigned bucket_shift_;
    unsigned slot_shift_;
    std::uint32_t slot_mask_;
    unsigned displacement_shift_;
};

/// The bit of two adjacent characters of three bytes each (the low 24 bits of each, in reading order).
constexpr std::size_t bigram_bit(std::uint32_t before, std::uint32_t after) noexcept {
    return ((std::uint64_t{before} << 24 | after) * 0x9e37'79b9'7f4a'7c15U) >> (64 - bigram_bits);
}

} // namespace headroom::balance
