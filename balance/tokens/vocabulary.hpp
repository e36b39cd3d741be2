// What is known of the encodings' tokens: read-only tables, built once at start and shared by all threads.
// In memory 4 MB for both; what is larger lies in the program's file and is read where it is.
#pragma once

#include "balance/tokens/bigram_cut.hpp"
#include "balance/tokens/encoding.hpp"
#include "balance/tokens/pair_table.hpp"
#include "balance/tokens/token_trie.hpp"
#include "balance/tokens/vocabulary_blob.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <span>

namespace headroom::balance {

/// The tables of one encoding.
class TokenTables {
  public:
    explicit TokenTables(Encoding encoding);

    [[nodiscard]] const PairTable& pairs() const noexcept { return pairs_; }
    [[nodiscard]] const TokenTrie& trie() const noexcept { return trie_; }
    [[nodiscard]] const BigramCut& bigrams() const noexcept { return bigrams_; }

    [[nodiscard]] std::uint32_t tokens() const noexcept { return blob_.header->tokens; }
    /// The token of a single byte.
    [[nodiscard]] std::uint32_t of_byte(std::uint8_t byte) const noexcept {
        return blob_.header->byte_tokens[byte];
    }
    /// The byte of a token below byte_tokens_count.
    [[nodiscard]] std::uint8_t byte_of(std::uint32_t token) const noexcept { return bytes_[token]; }
    /// The token of two bytes, or no_token.
    [[nodiscard]] std::uint32_t of_bytes(std::uint8_t first, std::uint8_t second) const noexcept {
        return of_two_bytes_[first | std::uint32_t{second} << 8];
    }
    /// The last merge of a token of two bytes or more.
    [[nodiscard]] const TokenSplit& split(std::uint32_t token) const noexcept {
        return blob_.splits[token - byte_tokens_count];
    }
    /// Writes the token's bytes to the start of `text`, which has room for trie().length(token) of them.
    void spell(std::uint32_t token, std::span<char> text) const noexcept;

    /// True when BPE leaves these two tokens as they are when they stand side by side. A text's tokens are
    /// the one sequence of which every adjacent pair is so.
    [[nodiscard]] bool stay_apart(std::uint32_t left, std::uint32_t right) const noexcept;

  private:
    VocabularyBlob blob_;
    PairTable pairs_;
    TokenTrie trie_;
    BigramCut bigrams_;
    std::unique_ptr<std::uint32_t[]> of_two_bytes_;
    std::array<std::uint8_t, byte_tokens_count> bytes_{};
};

/// Both encodings.
class Vocabulary {
  public:
    /// Throws std::bad_alloc.
    Vocabulary();

    /// Of an encoding other than cl100k_base, those of o200k_base.
    [[nodiscard]] const TokenTables& tables(Encoding encoding) const noexcept {
        return encoding == Encoding::cl100k_base ? cl100k_base_ : o200k_base_;
    }

  private:
    TokenTables o200k_base_;
    TokenTables cl100k_base_;
};

} // namespace headroom::balance
