// Finds the displacements that make PairHash perfect for a set of pairs.
#pragma once

#include "balance/tokens/vocabulary_format.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace headroom::vocabulary {

/// Chooses slot_bits, bucket_bits and multiplier in `header`; returns one displacement per bucket. Throws
/// std::runtime_error when no multiplier fits.
std::vector<std::uint16_t> place_pairs(std::span<const balance::TokenSplit> pairs,
                                       balance::VocabularyHeader& header);

} // namespace headroom::vocabulary
