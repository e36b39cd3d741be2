// Cuts text into the pieces (pretokens) that an encoding counts one by one.
// Shared by any number of threads: it has no state between calls. Every Isa gives the same pieces.
// Not here: the patterns (piece_matcher), the windows that find many ends at once (piece_windows).
#pragma once

#include "balance/tokens/encoding.hpp"
#include "balance/tokens/piece.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace headroom::balance {

/// The instructions that a splitter uses; avx512 needs F, BW, VBMI and VBMI2, both need BMI2.
enum class Isa : std::uint8_t { scalar, avx2, avx512 };

/// Whether this CPU has them and this program was built with them.
[[nodiscard]] bool isa_supported(Isa isa) noexcept;
/// The fastest one that is supported.
[[nodiscard]] Isa best_isa() noexcept;

/// The pretokenizer of one encoding; `unknown` splits as o200k_base.
class PieceSplitter {
  public:
    /// An `isa` that is not supported becomes the best one that is.
    explicit PieceSplitter(Encoding encoding, Isa isa = best_isa()) noexcept;

    /// Writes the next pieces of `text` from `at` on to `out`, moves `at` behind them and returns how many
    /// they are: at least one unless the text ends there or `out` is empty, but not always as many as fit.
    /// `at` is 0 at first and then what the last call left. 256 or more at a time are fastest. Never reads
    /// outside `text`, which may be any bytes, less than 4 GiB.
    std::size_t split(std::string_view text, std::size_t& at, std::span<Piece> out) const noexcept {
        return split_(text, at, out);
    }

  private:
    using Split = std::size_t (*)(std::string_view, std::size_t&, std::span<Piece>) noexcept;

    Split split_;
};

} // namespace headroom::balance
