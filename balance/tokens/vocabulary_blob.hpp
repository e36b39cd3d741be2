// The embedded tables of the vocabularies, as the build's generator wrote them.
#pragma once

#include "balance/tokens/encoding.hpp"
#include "balance/tokens/vocabulary_format.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace headroom::balance {

/// The sections of one encoding's tables; the memory is the program's own and read-only.
struct VocabularyBlob {
    const VocabularyHeader* header = nullptr;
    std::span<const TokenSplit> splits; ///< Of token 256 + index.
    std::span<const std::uint16_t> displacements;
    std::span<const std::uint64_t> bigrams;
    std::span<const PrefixNode> nodes;
    std::span<const std::uint8_t> labels;
    std::span<const std::uint32_t> shorter;
};

/// Of an encoding other than cl100k_base, those of o200k_base.
[[nodiscard]] VocabularyBlob vocabulary_blob(Encoding encoding) noexcept;

} // namespace headroom::balance
