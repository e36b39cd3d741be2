// How a text becomes a number of tokens: the seam between reading a request and counting its texts.
// Not here: any counter; tests use a table, the product an exact one behind a memo.
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// The tokens of one text; not exact when some of it was estimated.
struct CountedText {
    std::uint64_t tokens = 0;
    bool exact = true;

    friend bool operator==(const CountedText&, const CountedText&) noexcept = default;
};

/// Counts texts, one at a time.
class TextCounting {
  public:
    /// Tokens of `text` as ordinary text (special tokens are text); any bytes are accepted.
    virtual CountedText count(std::string_view text) noexcept = 0;

  protected:
    TextCounting() noexcept = default;
    TextCounting(const TextCounting&) noexcept = default;
    TextCounting& operator=(const TextCounting&) noexcept = default;
    ~TextCounting() = default;
};

} // namespace headroom::balance
