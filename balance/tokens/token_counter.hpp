// The number of tokens of a text, exactly: cut into pieces, each counted.
// One per shard; a text is any bytes, valid UTF-8 or not.
#pragma once

#include "balance/tokens/piece_counter.hpp"
#include "balance/tokens/piece_splitter.hpp"
#include "balance/tokens/vocabulary.hpp"
#include "balance/tokens/work_budget.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// What a TokenCounter is made with.
struct TokenCounterOptions {
    Isa isa = best_isa();
    PieceCacheSizes caches = {}; ///< 5.4 MB as they are.
};

class TokenCounter {
  public:
    using Options = TokenCounterOptions;

    /// Borrows `vocabulary`. Encoding::unknown counts as o200k_base. Throws std::bad_alloc.
    TokenCounter(const Vocabulary& vocabulary, Encoding encoding, const Options& options = {});

    /// The tokens of `text` as ordinary text: what looks like a special token is counted by its letters. When
    /// the budget runs out the rest is estimated, and so is a text of 4 GiB or more.
    [[nodiscard]] TextCount count(std::string_view text, WorkBudget& budget) noexcept;

  private:
    [[nodiscard]] double regressed(std::string_view text) const noexcept;
    [[nodiscard]] TextCount with_estimate(std::string_view text, std::size_t seen,
                                          std::uint64_t counted) const noexcept;

    Encoding encoding_;
    Isa isa_;
    PieceSplitter splitter_;
    PieceCounter counter_;
    std::array<Piece, 256> pieces_;
};

} // namespace headroom::balance
