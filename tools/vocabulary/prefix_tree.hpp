// The tree of all prefixes of all tokens, laid out breadth first.
#pragma once

#include "balance/tokens/vocabulary_format.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom::vocabulary {

struct PrefixTree {
    std::vector<balance::PrefixNode> nodes;
    std::vector<std::uint8_t> labels;   ///< As VocabularySections::labels.
    std::vector<std::uint32_t> shorter; ///< As VocabularySections::shorter.
    std::uint32_t root_children = 0;
};

/// Children lie side by side in the order of their labels, in the order of their parents.
PrefixTree build_prefix_tree(const std::vector<std::string>& tokens);

} // namespace headroom::vocabulary
