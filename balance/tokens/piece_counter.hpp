// Counts the tokens of pieces: remembered ones at once, the others by merging. Many pieces go through every
// step together, so that they wait for memory together. Not here: cutting text into pieces (PieceSplitter).
#pragma once

#include "balance/tokens/long_encoder.hpp"
#include "balance/tokens/piece.hpp"
#include "balance/tokens/piece_cache.hpp"
#include "balance/tokens/piece_splitter.hpp"
#include "balance/tokens/short_merge.hpp"
#include "balance/tokens/text_features.hpp"
#include "balance/tokens/vocabulary.hpp"
#include "balance/tokens/work_budget.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace headroom::balance {

/// A number of tokens; `exact` is false when it is not of all the text, or part of it was estimated.
struct TextCount {
    std::uint64_t tokens = 0;
    bool exact = true;
};

/// One per thread. It allocates when it is made and never again.
class PieceCounter {
  public:
    /// An `isa` that is not supported becomes the best one that is. Throws std::bad_alloc.
    PieceCounter(const TokenTables& tables, Isa isa, const PieceCacheSizes& sizes);

    /// The tokens of `pieces`, which lie in `text` one behind the other, none of them empty. Once the budget
    /// has run out, what is not remembered is left out and added to uncounted().
    [[nodiscard]] TextCount count(std::string_view text, std::span<const Piece> pieces,
                                  WorkBudget& budget) noexcept;

    /// Of what the last call left out.
    [[nodiscard]] const TextFeatures& uncounted() const noexcept { return uncounted_; }

  private:
    static constexpr std::size_t batch_max = 256;
    /// A piece of 16 to 31 bytes whose place in the cache is being fetched.
    struct Phrase {
        Piece part;
        ShortKey start;
        ShortKey rest;
        std::size_t line;
    };
    /// A word that is not hot.
    struct Word {
        ShortKey key;
        std::uint32_t piece; ///< Its number in the batch.
        std::uint32_t line;  ///< Where the table of words may hold it.
    };
    using LookUp = void (*)(PieceCounter&, std::span<const Piece>) noexcept;

    [[nodiscard]] const char* at(const Piece& part) const noexcept { return text_.data() + part.begin; }
    void remember_common();
    void add(const Piece& part) noexcept;
    void add_long(const Piece& piece) noexcept;
    void add_phrase(const Piece& part) noexcept;
    void look_up_parts() noexcept;
    void look_up_phrases() noexcept;
    void add_chain(const Piece& part) noexcept;
    void add_unknown(const Piece& part) noexcept;
    void encode(const Piece& part) noexcept;
    void remember(const char* text, std::uint32_t size, std::uint32_t tokens) noexcept;
    void merge_unknown() noexcept;
    void leave_out(std::string_view rest) noexcept;

    [[gnu::always_inline]] inline void look_up(std::span<const Piece> pieces) noexcept;
    template <bool Inside>
    [[gnu::always_inline]] inline void sort_pieces(std::span<const Piece> pieces, std::size_t from) noexcept;
    static void look_up_scalar(PieceCounter& self, std::span<const Piece> pieces) noexcept;
    static void look_up_avx2(PieceCounter& self, std::span<const Piece> pieces) noexcept;
    static void look_up_avx512(PieceCounter& self, std::span<const Piece> pieces) noexcept;

    const TokenTables* tables_;
    Isa isa_;
    PieceCache cache_;
    ShortMerge merge_;
    LongEncoder encoder_;
    LookUp look_up_;
    std::uint32_t hits_ = 0; ///< In the table of words, to choose those that become hot.

    // Of the call that is under way:
    std::string_view text_;
    WorkBudget* budget_ = nullptr;
    TextCount result_;
    TextFeatures uncounted_;
    bool has_nul_ = false;
    std::size_t parts_count_ = 0;
    std::size_t words_count_ = 0;
    std::size_t long_count_ = 0;
    std::size_t phrases_count_ = 0;
    std::size_t unknown_count_ = 0;
    std::array<Piece, batch_max> parts_;        ///< Of longer pieces, up to 15 bytes, to be looked up.
    std::array<std::uint16_t, batch_max> long_; ///< The pieces of a batch that are longer than that.
    std::array<Word, batch_max> words_;         ///< Those that are not hot, then those that are not known.
    std::array<Phrase, 32> phrases_;            ///< To be looked up.
    std::array<UncountedPiece, batch_max> unknown_; ///< To be merged.
};

} // namespace headroom::balance
