// Counts the tokens of short pieces by merging them, many at a time: while one piece waits for the pair
// table, the others go on.
#pragma once

#include "balance/tokens/piece_splitter.hpp"
#include "balance/tokens/vocabulary.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace headroom::balance {

/// The longest piece that ShortMerge takes, in bytes.
inline constexpr std::uint32_t short_piece_max = 40;

/// A piece whose tokens are to be counted.
struct UncountedPiece {
    const char* text;
    std::uint32_t size;   ///< 1 … short_piece_max
    std::uint32_t tokens; ///< The answer.
};

/// One per thread: it works in its own memory.
class ShortMerge {
  public:
    /// `isa` is one that isa_supported.
    ShortMerge(const TokenTables& tables, Isa isa) noexcept;

    /// Sets `tokens` of every piece.
    void count(std::span<UncountedPiece> pieces) noexcept { count_(*this, pieces); }

  private:
    static constexpr std::size_t lanes_max = 24;
    static constexpr std::uint32_t wall = 63;

    /// One piece being merged. Parts are named by the position of their first byte; `wall` stands for the
    /// part before the first one and for the one behind the last one.
    struct Lane {
        /// For each part, rank of the merge with the next one << 6 | position; all ones when there is none.
        alignas(64) std::array<std::uint32_t, 64> merges;
        std::array<std::uint32_t, 64> parts; ///< The token of each part; that of the wall merges with none.
        std::uint64_t live;                  ///< The positions at which a part begins.
        PairTable::Probe with_left;          ///< Of the part merged last and the one before.
        PairTable::Probe with_right;
        std::uint32_t left; ///< Position of the part before.
        std::uint32_t at;   ///< Position of the part merged last.
        std::uint32_t size; ///< Bytes of the piece, which is how many merges there are to look at.
        bool probing;
        UncountedPiece* piece;
    };

    using Count = void (*)(ShortMerge&, std::span<UncountedPiece>) noexcept;

    template <unsigned Width>
    static void run(ShortMerge& self, std::span<UncountedPiece> pieces) noexcept;
    static void count_scalar(ShortMerge& self, std::span<UncountedPiece> pieces) noexcept;
    static void count_avx2(ShortMerge& self, std::span<UncountedPiece> pieces) noexcept;
    static void count_avx512(ShortMerge& self, std::span<UncountedPiece> pieces) noexcept;

    void start(Lane& lane, UncountedPiece& piece) const noexcept;
    template <unsigned Width>
    bool advance(Lane& lane) const noexcept;

    const TokenTables* tables_;
    Count count_;
    std::array<Lane, lanes_max> lanes_;
};

} // namespace headroom::balance
