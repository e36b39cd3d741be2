// The patterns as integer algebra: where the pieces of up to 64 characters begin, all at once.
// A window begins where a piece begins, so nothing is carried from one to the next. Bit i of every mask is
// character i, whatever its size in bytes; bits from `count` on are 0.
#pragma once

#include "balance/tokens/encoding.hpp"

#include <bit>
#include <cstdint>

namespace headroom::balance {

/// The classes of a window's characters (see character_class.hpp), and three characters by name.
struct WindowMasks {
    std::uint64_t upper;
    std::uint64_t lower;
    std::uint64_t caseless;
    std::uint64_t mark;
    std::uint64_t number;
    std::uint64_t blank;
    std::uint64_t line_end;
    std::uint64_t other;
    std::uint64_t space;      ///< U+0020, also in `blank`.
    std::uint64_t slash;      ///< Also in `other`.
    std::uint64_t apostrophe; ///< Also in `other`.
};

/// Where pieces begin.
struct WindowStarts {
    std::uint64_t starts;      ///< Bit 0 is always set; in an open window only those that cannot change.
    std::uint64_t apostrophes; ///< Where a contraction would change `starts`.
    std::uint64_t caseless;    ///< Letters without case, and marks that are letters.
    unsigned decided;          ///< Starts from this character on are not known; at least 1.
};

/// Where the pieces of a window begin, in bytes.
struct WindowCut {
    std::uint64_t starts = 1; ///< Bit 0 is set.
    unsigned bytes = 0;       ///< The window's end.
    bool final = false;       ///< The text ends there, and every start is known.
    bool undecided = false;   ///< The last start's piece is one that only the matcher can end.
    bool invalid = false;     ///< So are those behind it, because not all of the window is UTF-8.
    bool word = false; ///< That piece is a word, and a letter without case is the window's last character.
    bool has_lower = false; ///< It has a lower case letter.
};

/// The lowest `count` bits, for 0 to 64.
[[gnu::always_inline]] constexpr std::uint64_t bits_below(unsigned count) noexcept {
    return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

/// Bits of `run` that belong to a run of ones containing a bit of `seeds` (which are in `run`), from the seed
/// on: the carry of the sum ripples through them.
[[gnu::always_inline]] constexpr std::uint64_t from_seeds(std::uint64_t run, std::uint64_t seeds) noexcept {
    return (run & ~(run + seeds)) | seeds;
}

/// Starts of groups of three in runs of numbers.
[[gnu::always_inline]] constexpr std::uint64_t number_starts(std::uint64_t number) noexcept {
    std::uint64_t starts = number & ~(number << 1);
    const std::uint64_t fourth = number & number << 1 & number << 2 & number << 3;
    for (std::uint64_t next = starts << 3 & fourth; next != 0; next = next << 3 & fourth)
        starts |= next;
    return starts;
}

/// Starts in runs of blanks and line ends: `\s*[\r\n]+|\s+(?!\S)|\s+`, and a last blank that goes to what
/// follows. `closing` is the last character of the text if the window reaches it, else 0.
[[gnu::always_inline]] constexpr std::uint64_t space_starts(std::uint64_t blank, std::uint64_t line_end,
                                                            std::uint64_t closing) noexcept {
    const std::uint64_t all = blank | line_end;
    const std::uint64_t first = all & ~(all << 1);
    const std::uint64_t last_blank = blank & ~(all >> 1) & ~closing;
    // Blanks behind a line end are a piece, unless their run ends in another line end.
    std::uint64_t behind = blank & line_end << 1;
    std::uint64_t ends = (blank + behind) & line_end;
    for (; ends != 0; ends &= ends - 1)
        behind ^= std::bit_floor(behind & ((ends & -ends) - 1));
    return first | last_blank | behind;
}

/// Drops what the characters behind an open window could change: all but the first character of a run of
/// blanks that reaches its end.
[[gnu::always_inline]] constexpr std::uint64_t certain(std::uint64_t starts, std::uint64_t spaces,
                                                       unsigned count) noexcept {
    const std::uint64_t others = ~spaces & bits_below(count);
    const auto run_begin = static_cast<unsigned>(64 - std::countl_zero(others));
    return starts & bits_below(run_begin + 1);
}

/// Starts of one encoding in a window of `count` characters, contractions not considered.
template <Encoding>
WindowStarts window_starts(const WindowMasks& masks, unsigned count, bool closed) noexcept;

/// Runs of punctuation, and their tails of line ends (of o200k, and slashes).
struct PunctuationRuns {
    std::uint64_t tail;
    std::uint64_t other; ///< Punctuation that is in no tail.
    std::uint64_t
        first; ///< First characters of runs that are starts; one that is alone may be a word's prefix.
};

[[gnu::always_inline]] constexpr PunctuationRuns punctuation_runs(std::uint64_t punctuation,
                                                                  std::uint64_t tails, std::uint64_t line_end,
                                                                  std::uint64_t space) noexcept {
    const std::uint64_t tail = from_seeds(tails, line_end & punctuation << 1);
    const std::uint64_t other = punctuation & ~tail;
    return {tail, other, (other & ~((other | space) << 1)) | (other & 1)};
}

/// Marks that stand in a run of punctuation of o200k: behind any but a first one, of which they would be a
/// word.
[[gnu::noinline]] inline std::uint64_t punctuation_marks(const WindowMasks& masks) noexcept {
    std::uint64_t found = 0;
    while (true) {
        const PunctuationRuns runs =
            punctuation_runs(masks.other | found, masks.line_end | masks.slash, masks.line_end, masks.space);
        const std::uint64_t left = masks.mark & ~found;
        const std::uint64_t seeds = left & (runs.other & ~runs.first) << 1;
        if (seeds == 0) return found;
        // With these in their run, a line end behind them may be its tail: what is further on waits for that.
        const std::uint64_t ends = masks.line_end & ~(seeds ^ (seeds - 1));
        found |= from_seeds(left, seeds & (ends ^ (ends - 1)));
    }
}

/// Capitals behind letters without case.
struct CapitalStarts {
    std::uint64_t starts;    ///< Those that begin a piece.
    std::uint64_t undecided; ///< Those that depend on what follows the window.
};

/// A run of capitals and letters without case is the first part of a word if a lower case letter follows;
/// else it gives the capitals behind its last letter without case to the next piece. Behind a lower case
/// letter the second part of a word goes on up to the first capital, where such a run begins.
[[gnu::noinline]] inline CapitalStarts capital_starts(std::uint64_t upper, std::uint64_t lower,
                                                      std::uint64_t either, unsigned count,
                                                      bool closed) noexcept {
    CapitalStarts result{0, 0};
    const std::uint64_t both = upper | either;
    std::uint64_t capitals = upper & either << 1;
    while (capitals != 0) {
        const auto at = static_cast<unsigned>(std::countr_zero(capitals));
        const auto begin = static_cast<unsigned>(64 - std::countl_zero(~both & bits_below(at)));
        const std::uint64_t behind = ~both & ~bits_below(at);
        const auto end = behind == 0 ? 64U : static_cast<unsigned>(std::countr_zero(behind));
        std::uint64_t run = bits_below(end) & ~bits_below(begin);
        const std::uint64_t here = capitals & run;
        capitals &= ~run;
        if (begin > 0 && (lower >> (begin - 1) & 1) != 0) {
            const auto first = static_cast<unsigned>(std::countr_zero(upper & run));
            result.starts |= std::uint64_t{1} << first;
            run &= ~bits_below(first);
        }
        const std::uint64_t inner = here & run & (run - 1);
        if (inner == 0) continue;
        if (end >= count && !closed) {
            result.undecided |= inner;
        } else if (end >= count || (lower >> end & 1) == 0) {
            const std::uint64_t last = std::bit_floor(either & run);
            result.starts |= last << 1 & run;
        }
    }
    return result;
}

template <>
[[gnu::always_inline]] inline WindowStarts window_starts<Encoding::o200k_base>(const WindowMasks& masks,
                                                                               unsigned count,
                                                                               bool closed) noexcept {
    const std::uint64_t marks_in_runs = (masks.mark & masks.other << 1) == 0 ? 0 : punctuation_marks(masks);
    const std::uint64_t either = masks.caseless | (masks.mark & ~marks_in_runs);
    const std::uint64_t word = masks.upper | masks.lower | either;
    const PunctuationRuns runs = punctuation_runs(masks.other | marks_in_runs, masks.line_end | masks.slash,
                                                  masks.line_end, masks.space);
    const std::uint64_t line_end = masks.line_end & ~runs.tail;
    const std::uint64_t apostrophes = masks.apostrophe & runs.first & word << 1;
    const std::uint64_t ends_word = (masks.line_end | masks.number | runs.tail | (runs.other & ~runs.first))
                                    << 1;
    std::uint64_t word_first = word & (ends_word | (masks.upper & masks.lower << 1));
    std::uint64_t undecided = masks.upper & either << 1;
    if (undecided != 0 && apostrophes == 0) {
        // Behind a contraction a word begins anew, which is too rare to be looked at here.
        const CapitalStarts capitals = capital_starts(masks.upper, masks.lower, either, count, closed);
        word_first |= capitals.starts;
        undecided = capitals.undecided;
    }
    const std::uint64_t closing = closed ? std::uint64_t{1} << (count - 1) : 0;
    const std::uint64_t starts = 1 | runs.first | word_first | number_starts(masks.number) |
                                 space_starts(masks.blank, line_end, closing);
    return {closed ? starts : certain(starts, masks.blank | line_end, count), apostrophes, either,
            undecided == 0 ? count : static_cast<unsigned>(std::countr_zero(undecided))};
}

template <>
[[gnu::always_inline]] inline WindowStarts window_starts<Encoding::cl100k_base>(const WindowMasks& masks,
                                                                                unsigned count,
                                                                                bool closed) noexcept {
    const std::uint64_t word = masks.upper | masks.lower | masks.caseless;
    const PunctuationRuns runs =
        punctuation_runs(masks.other | masks.mark, masks.line_end, masks.line_end, masks.space);
    const std::uint64_t line_end = masks.line_end & ~runs.tail;
    const std::uint64_t ends_word = (masks.line_end | masks.number | (runs.other & ~runs.first)) << 1;
    const std::uint64_t closing = closed ? std::uint64_t{1} << (count - 1) : 0;
    const std::uint64_t starts = 1 | runs.first | (word & ends_word) | number_starts(masks.number) |
                                 space_starts(masks.blank, line_end, closing);
    return {closed ? starts : certain(starts, masks.blank | line_end, count), masks.apostrophe & runs.first,
            masks.caseless, count};
}

} // namespace headroom::balance
