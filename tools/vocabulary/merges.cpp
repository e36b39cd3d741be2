// Quadratic on purpose: it runs once per build, on short texts, and is easily seen to be right.
#include "tools/vocabulary/merges.hpp"

#include <algorithm>
#include <stdexcept>

namespace headroom::vocabulary {

using balance::byte_tokens_count;
using balance::no_token;

Merges::Merges(const std::vector<std::string>& tokens) : tokens_(tokens) {
    ranks_.reserve(tokens.size());
    for (std::uint32_t rank = 0; rank < tokens.size(); ++rank)
        ranks_.emplace(tokens[rank], rank);
    if (ranks_.size() != tokens.size()) throw std::runtime_error("two tokens are equal");
    if (tokens.size() >= std::size_t{1} << balance::token_bits) throw std::runtime_error("too many tokens");
    for (std::uint32_t rank = 0; rank < byte_tokens_count; ++rank) {
        if (tokens.at(rank).size() != 1) throw std::runtime_error("the first ranks are not the bytes");
    }
}

std::uint32_t Merges::find(std::string_view bytes) const {
    const auto found = ranks_.find(bytes);
    return found == ranks_.end() ? no_token : found->second;
}

std::vector<std::uint32_t> Merges::encode(std::string_view text, std::size_t least) const {
    std::vector<std::uint32_t> parts;
    parts.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i)
        parts.push_back(find(text.substr(i, 1)));
    const auto merged = [&](std::size_t i) {
        return i + 1 < parts.size() ? find(tokens_[parts[i]] + tokens_[parts[i + 1]]) : no_token;
    };
    std::vector<std::uint32_t> pairs;
    pairs.reserve(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i)
        pairs.push_back(merged(i));
    while (parts.size() > least) {
        const auto lowest = std::min_element(pairs.begin(), pairs.end());
        if (lowest == pairs.end() || *lowest == no_token) break;
        const auto at = static_cast<std::size_t>(lowest - pairs.begin());
        parts[at] = *lowest;
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
        pairs.erase(lowest + 1);
        pairs[at] = merged(at);
        if (at > 0) pairs[at - 1] = merged(at - 1);
    }
    return parts;
}

std::vector<balance::TokenSplit> Merges::canonical_splits() const {
    std::vector<balance::TokenSplit> splits;
    for (std::uint32_t token = byte_tokens_count; token < tokens_.size(); ++token) {
        const std::vector<std::uint32_t> parts = encode(tokens_[token], 2);
        if (parts.size() != 2 || tokens_[parts[0]] + tokens_[parts[1]] != tokens_[token])
            throw std::runtime_error("token " + std::to_string(token) + " cannot be reached by merges");
        if (parts[0] >= token || parts[1] >= token)
            throw std::runtime_error("token " + std::to_string(token) + " ranks before its parts");
        splits.push_back({parts[0], parts[1]});
    }
    return splits;
}

} // namespace headroom::vocabulary
