// ASCII text without locale: classes, comparison and search that ignore the case of letters.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace headroom::balance {

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
constexpr bool is_letter(char c) noexcept {
    return lower(c) >= 'a' && lower(c) <= 'z';
}

/// Optional white space of header fields: blanks and tabs.
constexpr std::string_view trim(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

constexpr bool equal_nocase(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

constexpr bool starts_with_nocase(std::string_view text, std::string_view start) noexcept {
    return text.size() >= start.size() && equal_nocase(text.substr(0, start.size()), start);
}

/// Position of the first occurrence at or behind `from`, or npos.
constexpr std::size_t find_nocase(std::string_view text, std::string_view word,
                                  std::size_t from = 0) noexcept {
    for (std::size_t at = from; at + word.size() <= text.size(); ++at) {
        if (equal_nocase(text.substr(at, word.size()), word)) return at;
    }
    return std::string_view::npos;
}

} // namespace headroom::balance
