// Edit distance and friends.
#include "core/config/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace headroom::core {
namespace {

constexpr std::size_t shown_characters_max = 80;
// Longer words are never a slip of a key, and the distance costs their product.
constexpr std::size_t compared_characters_max = 64;
// Shorter words are part of too many names.
constexpr std::size_t contained_characters_min = 3;

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
char upper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// Optimal string alignment distance: insert, delete, replace and swap of neighbours cost one each.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
        before_last.swap(last);
        last.swap(row);
    }
    return last[b.size()];
}

} // namespace

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blank = " \t\r\n\v\f";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::string lowered(std::string_view text) {
    std::string result{text};
    std::ranges::transform(result, result.begin(), lower);
    return result;
}

std::string uppered(std::string_view text) {
    std::string result{text};
    std::ranges::transform(result, result.begin(), upper);
    return result;
}

bool same_word(std::string_view a, std::string_view b) noexcept {
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string without_controls(std::string_view text) {
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            result += fmt::format("\\x{:02x}", byte);
        } else {
            result += c;
        }
    }
    return result;
}

std::string in_ticks(std::string_view text) {
    std::string result = "`";
    for (const char c : text.substr(0, shown_characters_max)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
            result += c;
        } else {
            result += fmt::format("\\x{:02x}", byte);
        }
    }
    if (text.size() > shown_characters_max) result += "...";
    return result + "`";
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
    if (word.empty() || word.size() > compared_characters_max) return {};
    const auto typed = lowered(word);
    std::string_view best;
    // A third of the word may be wrong, but never all of a short one.
    std::size_t allowed = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const auto candidate : candidates) {
        const auto steps = distance(typed, lowered(candidate));
        if (steps < allowed && steps < candidate.size()) {
            best = candidate;
            allowed = steps;
        }
    }
    if (!best.empty() || typed.size() < contained_characters_min) return best;
    // "KEY" for "APIKEY": a part of the name is remembered more often than a wrong spelling of it.
    for (const auto candidate : candidates) {
        const bool shorter = best.empty() || candidate.size() < best.size();
        if (shorter && lowered(candidate).find(typed) != std::string::npos) best = candidate;
    }
    return best;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> candidates) {
    const auto best = nearest(word, candidates);
    return best.empty() ? std::string{} : fmt::format("; did you mean `{}`?", best);
}

std::string alternatives(std::span<const std::string_view> words) {
    std::string result;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) result += i + 1 == words.size() ? " or " : ", ";
        result += words[i];
    }
    return result;
}

} // namespace headroom::core
