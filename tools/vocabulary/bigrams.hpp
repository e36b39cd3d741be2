// Which adjacent three-byte characters may belong to one token: between all others BPE never merges.
#pragma once

#include "balance/tokens/vocabulary_format.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace headroom::vocabulary {

/// Returns the bitmap of whole pairs; pairs of which a token holds only a part go into
/// header.partial_bigrams.
std::vector<std::uint64_t> collect_bigrams(const std::vector<std::string>& tokens,
                                           balance::VocabularyHeader& header);

} // namespace headroom::vocabulary
