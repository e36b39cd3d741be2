// Looks at every place inside every token where a boundary between two characters of three bytes can lie.
#include "tools/vocabulary/bigrams.hpp"

#include <algorithm>

namespace headroom::vocabulary {
namespace {

std::uint8_t byte(const std::string& token, std::size_t at) {
    return static_cast<std::uint8_t>(token[at]);
}
bool is_lead(std::uint8_t byte) {
    return byte >> 4 == 0xe;
}
bool is_continuation(std::uint8_t byte) {
    return byte >> 6 == 2;
}

std::uint32_t character(const std::string& token, std::size_t at) {
    return static_cast<std::uint32_t>(byte(token, at) << 16 | byte(token, at + 1) << 8 | byte(token, at + 2));
}

} // namespace

std::vector<std::uint64_t> collect_bigrams(const std::vector<std::string>& tokens,
                                           balance::VocabularyHeader& header) {
    std::vector<std::uint64_t> bitmap(balance::bigram_words);
    for (const std::string& token : tokens) {
        for (std::size_t at = 1; at < token.size(); ++at) {
            if (!is_lead(byte(token, at)) || !is_continuation(byte(token, at - 1))) continue;
            if (at >= 3 && at + 3 <= token.size()) {
                const std::size_t bit = balance::bigram_bit(character(token, at - 3), character(token, at));
                bitmap[bit / 64] |= std::uint64_t{1} << bit % 64;
            } else {
                header.partial_bigrams[byte(token, at) & 15] |= std::uint64_t{1}
                                                                << (byte(token, at - 1) & 63);
            }
        }
    }
    return bitmap;
}

} // namespace headroom::vocabulary
