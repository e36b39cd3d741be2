// The assembler embeds the files: unlike #embed it costs no compile time, and ccache knows to keep out.
#include "balance/tokens/vocabulary_blob.hpp"

#include <cassert>

__asm__(
    ".pushsection .rodata.headroom_vocabulary, \"a\", @progbits\n"
    ".balign 64\n"
    "headroom_o200k_base:\n.incbin \"o200k_base.bin\"\n"
    "headroom_o200k_base_end:\n"
    ".balign 64\n"
    "headroom_cl100k_base:\n.incbin \"cl100k_base.bin\"\n"
    "headroom_cl100k_base_end:\n"
    ".popsection\n");

extern "C" {
// NOLINTBEGIN(readability-identifier-naming)
extern const std::byte headroom_o200k_base[];
extern const std::byte headroom_o200k_base_end[];
extern const std::byte headroom_cl100k_base[];
extern const std::byte headroom_cl100k_base_end[];
// NOLINTEND(readability-identifier-naming)
}

namespace headroom::balance {
namespace {

template <class Value>
std::span<const Value> section(const std::byte* blob, std::size_t at, std::size_t count) noexcept {
    return {reinterpret_cast<const Value*>(blob + at), count};
}

} // namespace

VocabularyBlob vocabulary_blob(Encoding encoding) noexcept {
    const bool cl100k = encoding == Encoding::cl100k_base;
    const std::byte* const blob = cl100k ? headroom_cl100k_base : headroom_o200k_base;
    const std::byte* const end = cl100k ? headroom_cl100k_base_end : headroom_o200k_base_end;
    const auto* const header = reinterpret_cast<const VocabularyHeader*>(blob);
    const VocabularySections at(*header);
    assert(header->magic == vocabulary_magic);
    assert(at.end == static_cast<std::size_t>(end - blob));
    return {header,
            section<TokenSplit>(blob, at.splits, header->tokens - byte_tokens_count),
            section<std::uint16_t>(blob, at.displacements, std::size_t{1} << header->bucket_bits),
            section<std::uint64_t>(blob, at.bigrams, bigram_words),
            section<PrefixNode>(blob, at.nodes, header->nodes),
            section<std::uint8_t>(blob, at.labels, header->nodes),
            section<std::uint32_t>(blob, at.shorter, header->tokens)};
}

} // namespace headroom::balance
