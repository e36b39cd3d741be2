// Byte pair encoding in its plainest form, from which the tables are derived.
#pragma once

#include "balance/tokens/vocabulary_format.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headroom::vocabulary {

class Merges {
  public:
    /// Borrows `tokens`, indexed by rank.
    explicit Merges(const std::vector<std::string>& tokens);

    /// Merges the pair of lowest rank, the leftmost of equals, until there is none or `least` parts are left.
    [[nodiscard]] std::vector<std::uint32_t> encode(std::string_view text, std::size_t least = 1) const;

    /// The last merge of each token's own BPE. Throws std::runtime_error when a token cannot be reached, or
    /// when a part does not rank below the whole: the counter's theorems rest on both.
    [[nodiscard]] std::vector<balance::TokenSplit> canonical_splits() const;

    [[nodiscard]] std::uint32_t find(std::string_view bytes) const;

  private:
    const std::vector<std::string>& tokens_;
    std::unordered_map<std::string_view, std::uint32_t> ranks_;
};

} // namespace headroom::vocabulary
