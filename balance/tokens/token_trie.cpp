// The tree lies in the program's file; only what is small is made at start.
#include "balance/tokens/token_trie.hpp"

#include <algorithm>
#include <bit>

#if defined(__SSE2__)
// tidy: allow layers: intrinsics come with the compiler, not from a library
#include <emmintrin.h>
#endif

namespace headroom::balance {
TokenTrie::TokenTrie(const VocabularyBlob& blob)
    : nodes_(blob.nodes.data()),
      labels_(blob.labels.data()),
      shorter_(blob.shorter.data()),
      byte_tokens_(blob.header->byte_tokens.data()),
      second_level_(std::make_unique<std::uint32_t[]>(0x10000)),
      lengths_(std::make_unique_for_overwrite<std::uint8_t[]>(blob.header->tokens)) {
    std::fill_n(lengths_.get(), byte_tokens_count, std::uint8_t{1});
    std::uint8_t* length = lengths_.get() + byte_tokens_count;
    for (const TokenSplit& split : blob.splits)
        *length++ = static_cast<std::uint8_t>(lengths_[split.left] + lengths_[split.right]);
    for (std::uint32_t first = 0; first < blob.header->root_children; ++first) {
        for (std::uint32_t i = 0; i < nodes_[first].children_count; ++i) {
            const std::uint32_t second = nodes_[first].children + i;
            second_level_[labels_[first] | std::uint32_t{labels_[second]} << 8] = second + 1;
        }
    }
}

const PrefixNode* TokenTrie::child(const PrefixNode& parent, std::uint8_t label) const noexcept {
    std::uint32_t at = parent.children;
    const std::uint32_t end = at + parent.children_count;
#if defined(__SSE2__)
    const __m128i wanted = _mm_set1_epi8(static_cast<char>(label));
    for (; at < end; at += labels_padding) {
        const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(labels_ + at));
        const auto equal = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, wanted)));
        if (equal == 0) continue;
        at += static_cast<unsigned>(std::countr_zero(equal));
        // Behind the children of this node lie those of others.
        return at < end ? &nodes_[at] : nullptr;
    }
#else
    for (; at < end; ++at) {
        if (labels_[at] == label) return &nodes_[at];
    }
#endif
    return nullptr;
}

std::uint32_t TokenTrie::longest(std::string_view text) const noexcept {
    if (text.empty()) return no_token;
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    std::uint32_t token = byte_tokens_[byte(0)];
    if (text.size() == 1) return token;
    const std::uint32_t second = second_level_[byte(0) | std::uint32_t{byte(1)} << 8];
    if (second == 0) return token;
    const PrefixNode* node = &nodes_[second - 1];
    for (std::size_t depth = 2;; ++depth) {
        if (node->token != 0) token = node->token - 1;
        if (depth == text.size()) return token;
        node = child(*node, byte(depth));
        if (node == nullptr) return token;
    }
}

} // namespace headroom::balance
