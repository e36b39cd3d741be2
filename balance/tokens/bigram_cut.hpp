// Where a text of three-byte characters (Chinese, Japanese, Korean and others) falls into parts that BPE
// never joins: BPE cannot merge across a boundary that no token of the vocabulary spans. The parts are short
// and come again, so they can be remembered as words are.
#pragma once

#include "balance/tokens/vocabulary_blob.hpp"

#include <cstddef>
#include <string_view>

namespace headroom::balance {

class BigramCut {
  public:
    explicit BigramCut(const VocabularyBlob& blob) noexcept
        : bigrams_(blob.bigrams.data()), partial_(blob.header->partial_bigrams.data()) {}

    /// True when no token can hold bytes from both sides of `at` in `text`. Only a boundary between two
    /// three-byte characters is ever cut; the text may be invalid UTF-8.
    [[nodiscard]] bool cuts(std::string_view text, std::size_t at) const noexcept;

    /// The first cut of `text` behind `from`, or its end.
    [[nodiscard]] std::size_t next(std::string_view text, std::size_t from) const noexcept;

  private:
    const std::uint64_t* bigrams_;
    const std::uint64_t* partial_;
};

} // namespace headroom::balance
