// Counts the tokens of long pieces in linear time: longest tokens first, with a step back where two of them
// do not stay apart. A text's tokens are the only sequence of which every adjacent pair stays apart, so
// whatever sequence is found is the right one. Repetitions are skipped: where a token follows itself, one
// more of it adds exactly one token, since no new pair of neighbours arises.
#pragma once

#include "balance/tokens/vocabulary.hpp"
#include "balance/tokens/work_budget.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace headroom::balance {

/// One per thread: it works in its own memory, 150 KB.
class LongEncoder {
  public:
    struct Count {
        std::uint64_t tokens;
        std::size_t bytes; ///< Of the piece, from its start; fewer than it has when the budget ran out.
    };

    /// Throws std::bad_alloc.
    explicit LongEncoder(const TokenTables& tables);

    [[nodiscard]] Count count(std::string_view piece, WorkBudget& budget) noexcept;

  private:
    class Walk;

    static constexpr std::size_t memo_size = 16 * 1024;
    /// How far a step back can go. Steps of more than a few tokens have not been seen; a longer one ends the
    /// exact count as if the budget had run out.
    static constexpr std::size_t tokens_kept = 1024;
    static constexpr std::size_t positions_kept = tokens_kept * 128;

    [[nodiscard]] bool stay_apart(std::uint32_t left, std::uint32_t right) noexcept;

    const TokenTables* tables_;
    /// Answers of TokenTables::stay_apart: left, right and the answer; all ones when empty.
    std::unique_ptr<std::array<std::uint64_t, memo_size>> memo_;
    /// The tokens chosen last, by their number modulo tokens_kept.
    std::unique_ptr<std::array<std::uint32_t, tokens_kept>> chosen_;
    /// The positions behind which no sequence can go on, modulo positions_kept.
    std::unique_ptr<std::array<std::uint64_t, positions_kept / 64>> dead_;
};

} // namespace headroom::balance
