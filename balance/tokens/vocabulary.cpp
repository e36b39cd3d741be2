// Everything here follows from the canonical splits.
#include "balance/tokens/vocabulary.hpp"

#include <algorithm>

namespace headroom::balance {

TokenTables::TokenTables(Encoding encoding)
    : blob_(vocabulary_blob(encoding)),
      pairs_(blob_),
      trie_(blob_),
      bigrams_(blob_),
      of_two_bytes_(std::make_unique_for_overwrite<std::uint32_t[]>(0x10000)) {
    for (std::uint32_t byte = 0; byte < 256; ++byte)
        bytes_[of_byte(static_cast<std::uint8_t>(byte))] = static_cast<std::uint8_t>(byte);
    std::fill_n(of_two_bytes_.get(), 0x10000, no_token);
    std::uint32_t token = byte_tokens_count;
    for (const TokenSplit& split : blob_.splits) {
        if (split.left < byte_tokens_count && split.right < byte_tokens_count)
            of_two_bytes_[bytes_[split.left] | std::uint32_t{bytes_[split.right]} << 8] = token;
        ++token;
    }
}

void TokenTables::spell(std::uint32_t token, std::span<char> text) const noexcept {
    // Right parts first, so that what is left to do is always one token at the start of the text.
    std::size_t end = trie_.length(token);
    while (token >= byte_tokens_count) {
        const TokenSplit& parts = split(token);
        const std::size_t size = trie_.length(parts.right);
        spell(parts.right, text.subspan(end - size, size));
        end -= size;
        token = parts.left;
    }
    text[0] = static_cast<char>(byte_of(token));
}

bool TokenTables::stay_apart(std::uint32_t left, std::uint32_t right) const noexcept {
    // Time runs backwards here: of the two tokens at the boundary, the one that was merged last is undone,
    // and what then meets at the boundary would have merged instead if its rank had come before. Of equal
    // ranks BPE takes the leftmost, so a pair across the boundary loses against the left token and wins
    // against the right one.
    std::uint32_t limit = no_token;
    while (true) {
        if (pairs_.find(left, right) < limit) return false;
        if (left > right) {
            if (left < byte_tokens_count) return true;
            limit = left;
            left = split(left).right;
        } else {
            if (right < byte_tokens_count) return true;
            limit = right + 1;
            right = split(right).left;
        }
    }
}

Vocabulary::Vocabulary() : o200k_base_(Encoding::o200k_base), cl100k_base_(Encoding::cl100k_base) {}

} // namespace headroom::balance
