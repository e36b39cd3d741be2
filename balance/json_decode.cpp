// Escapes become bytes (RFC 8259 section 7); code points become UTF-8 (RFC 3629).
#include "balance/json_decode.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace headroom::balance {
namespace {

constexpr std::uint32_t lone_surrogate = 0xfffd;
// One byte, so that it always fits where the escape was.
constexpr std::uint32_t unreadable = '?';
constexpr std::uint32_t malformed = 0xffffffff;

std::uint32_t hex4(std::string_view text) noexcept {
    if (text.size() < 4) return malformed;
    std::uint32_t value = 0;
    for (const char c : text.substr(0, 4)) {
        const char low = static_cast<char>(c | 0x20);
        if (c >= '0' && c <= '9') {
            value = value << 4 | static_cast<std::uint32_t>(c - '0');
        } else if (low >= 'a' && low <= 'f') {
            value = value << 4 | static_cast<std::uint32_t>(low - 'a' + 10);
        } else {
            return malformed;
        }
    }
    return value;
}

std::size_t put(char* out, std::uint32_t point) noexcept {
    const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
    const auto tail = [&](unsigned shift) { return byte(0x80 | (point >> shift & 0x3f)); };
    if (point < 0x80) {
        out[0] = byte(point);
        return 1;
    }
    if (point < 0x800) {
        out[0] = byte(0xc0 | point >> 6), out[1] = tail(0);
        return 2;
    }
    if (point < 0x10000) {
        out[0] = byte(0xe0 | point >> 12), out[1] = tail(6), out[2] = tail(0);
        return 3;
    }
    out[0] = byte(0xf0 | point >> 18), out[1] = tail(12), out[2] = tail(6), out[3] = tail(0);
    return 4;
}

/// Reads "uXXXX", and the second half of a surrogate pair; removes what it read.
std::uint32_t take_unicode(std::string_view& text) noexcept {
    const std::uint32_t first = hex4(text.substr(1));
    text.remove_prefix(first == malformed ? 1 : 5);
    if (first == malformed) return unreadable;
    if (first < 0xd800 || first > 0xdfff) return first;
    const bool pair = first < 0xdc00 && text.starts_with("\\u");
    const std::uint32_t second = pair ? hex4(text.substr(2)) : malformed;
    if (second < 0xdc00 || second > 0xdfff) return lone_surrogate;
    text.remove_prefix(6);
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

std::uint32_t take_escape(std::string_view& text) noexcept {
    if (text.empty()) return unreadable;
    if (text[0] == 'u') return take_unicode(text);
    constexpr std::string_view names = "\"\\/bfnrt";
    constexpr std::string_view values = "\"\\/\b\f\n\r\t";
    const std::size_t index = names.find(text[0]);
    text.remove_prefix(1);
    return index == names.npos ? unreadable : static_cast<unsigned char>(values[index]);
}

} // namespace

std::string_view json_decode(std::span<char> raw) noexcept {
    std::string_view text(raw.data(), raw.size());
    std::size_t written = 0;
    while (!text.empty()) {
        const std::size_t plain = std::min(text.find('\\'), text.size());
        std::memmove(raw.data() + written, text.data(), plain);
        written += plain;
        text.remove_prefix(plain);
        if (text.empty()) break;
        text.remove_prefix(1);
        written += put(raw.data() + written, take_escape(text));
    }
    return {raw.data(), written};
}

} // namespace headroom::balance
