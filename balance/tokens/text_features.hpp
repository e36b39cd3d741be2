// Twenty-seven counts that say much about how many tokens a text has, at several GB/s and without a
// vocabulary. Promises: the same counts from every Isa; any bytes will do. Not here: what they weigh
// (token_regression).
#pragma once

#include "balance/tokens/piece_splitter.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// What is counted: bytes, by their own class and those before them. "Letter" is an ASCII letter; what is not
/// ASCII is counted by its first byte, which tells the script.
enum class TextFeature : std::uint8_t {
    lower,
    upper,
    number,
    space,       ///< U+0020
    breaks,      ///< Tabs and line ends.
    punctuation, ///< All other ASCII, controls too.
    word_start,  ///< A letter behind ASCII that is no letter.
    bare_word,   ///< Of these, those that no space precedes.
    lower_upper, ///< An upper case letter behind a lower case one.
    upper_upper, ///< An upper case letter behind another.
    number_start,
    number_fourth, ///< A digit behind three digits.
    punctuation_start,
    space_again,  ///< A space behind a space.
    beyond_start, ///< A character beyond ASCII behind ASCII that is no letter.
    latin,        ///< C2 to CB
    greek,        ///< CC to CF, combining marks too
    cyrillic,     ///< D0 to D4
    semitic,      ///< D5 to DF: Armenian, Hebrew, Arabic and others
    indic,        ///< E0: India's scripts and Thai
    asian,        ///< E1: Georgian, Khmer, Mongolian; Latin with Vietnamese marks
    symbols,      ///< E2: punctuation and symbols
    kana,         ///< E3: also the punctuation of Chinese and Japanese
    han,          ///< E4 to E9
    hangul,       ///< EA to ED
    wide,         ///< EE and EF: also full-width forms
    beyond_plane, ///< F0 and above: emoji and rare scripts
};

inline constexpr std::size_t text_feature_count = 27;

/// How often each feature occurs.
class TextFeatures {
  public:
    /// Those of `text`. An `isa` that is not supported becomes the best one that is.
    [[nodiscard]] static TextFeatures of(std::string_view text, Isa isa = best_isa()) noexcept;

    [[nodiscard]] std::uint64_t operator[](TextFeature feature) const noexcept {
        return counts_[static_cast<std::size_t>(feature)];
    }
    [[nodiscard]] const std::array<std::uint64_t, text_feature_count>& counts() const noexcept {
        return counts_;
    }
    void add(TextFeature feature, std::uint64_t count) noexcept {
        counts_[static_cast<std::size_t>(feature)] += count;
    }
    void add(const TextFeatures& other) noexcept {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            counts_[i] += other.counts_[i];
    }

    friend bool operator==(const TextFeatures&, const TextFeatures&) = default;

  private:
    std::array<std::uint64_t, text_feature_count> counts_{};
};

} // namespace headroom::balance
