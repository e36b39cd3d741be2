// CharacterClass: which bytes may stand where in a message (RFC 9110 §5.6, RFC 3986), as one table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::net {

enum class CharacterClass : std::uint8_t {
    name = 1,      ///< RFC 9110 §5.6.2: letters, digits and !#$%&'*+-.^_`|~
    text = 2,      ///< field values and reason phrases: HTAB, SP, visible ASCII, obs-text
    path = 4,      ///< RFC 3986 §3.3: pchar and "/"; "%" is looked at apart
    query = 8,     ///< RFC 3986 §3.4: path and "?", and the brackets that clients send bare
    host = 16,     ///< RFC 3986 §3.2.2 reg-name; without "," because that is a merged list
    quoted = 32,   ///< RFC 9110 §5.6.4: inside quotes, other than the quote and the backslash
    digit = 64,    ///< 0-9
    hexdigit = 128 ///< 0-9, a-f, A-F
};

namespace detail {

constexpr bool is_one_of(char c, std::string_view set) {
    return set.find(c) != std::string_view::npos;
}

constexpr std::uint8_t classes_of(unsigned code) {
    const char c = static_cast<char>(code);
    const bool number = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool word = number || letter;
    const bool visible = code > 0x20 && code < 0x7f;
    const bool text = visible || c == ' ' || c == '\t' || code >= 0x80;
    const bool path = word || is_one_of(c, "-._~!$&'()*+,;=:@/");
    unsigned classes = 0;
    if (word || is_one_of(c, "!#$%&'*+-.^_`|~")) classes |= 1U;
    if (text) classes |= 2U;
    if (path) classes |= 4U;
    if (path || is_one_of(c, "?[]")) classes |= 8U;
    if (word || is_one_of(c, "-._~!$&'()*+;=")) classes |= 16U;
    if (text && c != '"' && c != '\\') classes |= 32U;
    if (number) classes |= 64U;
    if (number || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) classes |= 128U;
    return static_cast<std::uint8_t>(classes);
}

inline constexpr std::array<std::uint8_t, 256> character_classes = [] {
    std::array<std::uint8_t, 256> table{};
    for (unsigned code = 0; code < 256; ++code)
        table[code] = classes_of(code);
    return table;
}();

} // namespace detail

inline bool is_a(char c, CharacterClass what) noexcept {
    return (detail::character_classes[static_cast<unsigned char>(c)] & static_cast<std::uint8_t>(what)) != 0;
}

inline bool all_are(std::string_view text, CharacterClass what) noexcept {
    for (const char c : text) {
        if (!is_a(c, what)) return false;
    }
    return true;
}

constexpr char to_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

/// Without leading and trailing SP and HTAB (OWS, RFC 9110 §5.6.3).
constexpr std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

} // namespace headroom::net
