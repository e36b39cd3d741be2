// The longest token at a place of a text, and the next shorter token with which a token begins.
#pragma once

#include "balance/tokens/vocabulary_blob.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace headroom::balance {

class TokenTrie {
  public:
    explicit TokenTrie(const VocabularyBlob& blob);

    /// The longest token that `text` begins with; every byte is one, so there is none only for an empty text.
    [[nodiscard]] std::uint32_t longest(std::string_view text) const noexcept;

    /// The longest token that is a proper prefix of `token`, or no_token for a single byte.
    [[nodiscard]] std::uint32_t shorter(std::uint32_t token) const noexcept { return shorter_[token]; }

    /// In bytes, 1 … 128.
    [[nodiscard]] std::uint32_t length(std::uint32_t token) const noexcept { return lengths_[token]; }

  private:
    [[nodiscard]] const PrefixNode* child(const PrefixNode& parent, std::uint8_t label) const noexcept;

    const PrefixNode* nodes_;
    const std::uint8_t* labels_;
    const std::uint32_t* shorter_;
    const std::uint8_t* byte_tokens_;
    /// Of the prefix of two bytes, [first | second << 8]: its node + 1, or 0.
    std::unique_ptr<std::uint32_t[]> second_level_;
    std::unique_ptr<std::uint8_t[]> lengths_;
};

} // namespace headroom::balance
