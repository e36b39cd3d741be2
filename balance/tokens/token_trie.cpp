// Breadth first order makes one pass enough: a node's parent is complete before the node is reached.
#include "balance/tokens/token_trie.hpp"

#include <bit>

#if defined(__SSE2__)
// tidy: allow layers: intrinsics come with the compiler, not from a library
#include <emmintrin.h>
#endif

namespace headroom::balance {
namespace {

/// What a node hands down to its children while the tree is built.
struct Above {
    std::uint32_t token; ///< The longest token that is a prefix of the node or the node itself.
    std::uint8_t depth;
    std::uint8_t first; ///< Its first byte.
};

} // namespace

TokenTrie::TokenTrie(const VocabularyBlob& blob)
    : labels_(blob.labels.data()),
      nodes_(std::make_unique_for_overwrite<Node[]>(blob.nodes.size())),
      second_level_(std::make_unique<std::uint32_t[]>(0x10000)),
      shorter_(std::make_unique_for_overwrite<std::uint32_t[]>(blob.header->tokens)),
      lengths_(std::make_unique_for_overwrite<std::uint8_t[]>(blob.header->tokens)),
      byte_tokens_(blob.header->byte_tokens.data()) {
    const auto above = std::make_unique_for_overwrite<Above[]>(blob.nodes.size());
    std::uint32_t next = blob.header->root_children;
    for (std::uint32_t node = 0; node < next; ++node)
        above[node] = {no_token, 0, labels_[node]};
    for (std::uint32_t node = 0; node < blob.nodes.size(); ++node) {
        const std::uint32_t count = blob.nodes[node] & 0xff;
        const std::uint32_t token_plus_one = blob.nodes[node] >> 8;
        Above below = above[node];
        ++below.depth;
        if (token_plus_one != 0) {
            shorter_[token_plus_one - 1] = below.token;
            lengths_[token_plus_one - 1] = below.depth;
            below.token = token_plus_one - 1;
        }
        if (below.depth == 2) second_level_[below.first | std::uint32_t{labels_[node]} << 8] = node + 1;
        nodes_[node] = {next, token_plus_one & 0xffffff, static_cast<std::uint8_t>(count)};
        for (const std::uint32_t end = next + count; next < end; ++next)
            above[next] = below;
    }
}

const TokenTrie::Node* TokenTrie::child(const Node& parent, std::uint8_t label) const noexcept {
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
    const Node* node = &nodes_[second - 1];
    for (std::size_t depth = 2;; ++depth) {
        if (node->token != 0) token = node->token - 1;
        if (depth == text.size()) return token;
        node = child(*node, byte(depth));
        if (node == nullptr) return token;
    }
}

} // namespace headroom::balance
