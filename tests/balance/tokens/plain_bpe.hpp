// Byte pair encoding as its definition says, with a map from bytes to ranks: the reference of every faster
// way.
#pragma once

#include "balance/tokens/vocabulary.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headroom::balance {

/// One for the whole test program: its tables take a moment in a debug build.
inline const Vocabulary& shared_vocabulary() {
    static const Vocabulary vocabulary;
    return vocabulary;
}

inline constexpr Encoding both_encodings[] = {Encoding::o200k_base, Encoding::cl100k_base};

class PlainBpe {
  public:
    explicit PlainBpe(const TokenTables& tables) : texts_(tables.tokens()) {
        for (std::uint32_t token = 0; token < tables.tokens(); ++token) {
            texts_[token].resize(tables.trie().length(token));
            tables.spell(token, texts_[token]);
        }
        ranks_.reserve(texts_.size());
        for (std::uint32_t token = 0; token < tables.tokens(); ++token)
            ranks_.emplace(texts_[token], token);
    }

    static const PlainBpe& of(Encoding encoding) {
        static const PlainBpe o200k(shared_vocabulary().tables(Encoding::o200k_base));
        static const PlainBpe cl100k(shared_vocabulary().tables(Encoding::cl100k_base));
        return encoding == Encoding::cl100k_base ? cl100k : o200k;
    }

    [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

    [[nodiscard]] std::uint32_t find(std::string_view text) const {
        const auto found = ranks_.find(text);
        return found == ranks_.end() ? no_token : found->second;
    }

    /// The tokens of one piece.
    [[nodiscard]] std::vector<std::uint32_t> encode(std::string_view piece) const {
        // Ends of the parts; ranks[i] is that of part i joined with the next one.
        std::vector<std::size_t> starts(piece.size() + 1);
        for (std::size_t i = 0; i < starts.size(); ++i)
            starts[i] = i;
        const auto joined = [&](std::size_t i) {
            return i + 2 < starts.size() ? find(piece.substr(starts[i], starts[i + 2] - starts[i]))
                                         : no_token;
        };
        std::vector<std::uint32_t> ranks(piece.size());
        for (std::size_t i = 0; i < ranks.size(); ++i)
            ranks[i] = joined(i);
        while (true) {
            const auto lowest = std::min_element(ranks.begin(), ranks.end());
            if (lowest == ranks.end() || *lowest == no_token) break;
            const auto at = static_cast<std::size_t>(lowest - ranks.begin());
            starts.erase(starts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
            ranks.erase(lowest + 1);
            ranks[at] = joined(at);
            if (at > 0) ranks[at - 1] = joined(at - 1);
        }
        std::vector<std::uint32_t> tokens;
        for (std::size_t i = 0; i + 1 < starts.size(); ++i)
            tokens.push_back(find(piece.substr(starts[i], starts[i + 1] - starts[i])));
        return tokens;
    }

  private:
    std::vector<std::string> texts_;
    std::unordered_map<std::string_view, std::uint32_t> ranks_;
};

} // namespace headroom::balance
