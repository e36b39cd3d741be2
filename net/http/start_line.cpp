// Request lines, their targets, and status lines.
#include "net/http/start_line.hpp"

#include "net/http/characters.hpp"

#include <optional>

namespace headroom::net {
namespace {

constexpr std::size_t version_bytes = 8; // "HTTP/1.1"

bool is_version(std::string_view text) noexcept {
    return text.size() == version_bytes && text.substr(0, 5) == "HTTP/" &&
           is_a(text[5], CharacterClass::digit) && text[6] == '.' && is_a(text[7], CharacterClass::digit);
}

std::optional<HttpVersion> version_from(std::string_view text) noexcept {
    if (text == "HTTP/1.1") return HttpVersion::http11;
    if (text == "HTTP/1.0") return HttpVersion::http10;
    return std::nullopt;
}

/// Only visible ASCII, so that a control character is 400 wherever it stands.
bool is_visible(std::string_view text) noexcept {
    for (const char c : text) {
        if (c <= 0x20 || c == 0x7f) return false; // bytes from 0x80 are negative
    }
    return !text.empty();
}

/// Whether all of `text` is of `what`, or a complete escape.
bool is_escaped(std::string_view text, CharacterClass what) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_a(text[i], what)) continue;
        const bool escape = text[i] == '%' && i + 2 < text.size() &&
                            is_a(text[i + 1], CharacterClass::hexdigit) &&
                            is_a(text[i + 2], CharacterClass::hexdigit);
        if (!escape) return false;
        i += 2;
    }
    return true;
}

} // namespace

ParseFailure StartLine::read_request(std::size_t begin, std::size_t end) noexcept {
    const std::string_view line = bytes_.substr(begin, end - begin);
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return {400, "request line without version"};
    const std::string_view method = line.substr(0, first);
    const std::string_view version = line.substr(last + 1);
    if (!is_name(method)) return {400, "invalid method"};
    if (!is_version(version)) return {400, "invalid version"};
    const std::optional<HttpVersion> known_version = version_from(version);
    const std::optional<Method> known_method = method_from(method);
    if (!known_version || !known_method) {
        // Whatever the other parts say, a broken line is 400.
        if (!is_visible(line.substr(first + 1, last - first - 1))) return {400, "invalid request target"};
        return known_version ? ParseFailure{501, "method not supported"}
                             : ParseFailure{505, "version not supported"};
    }
    head_.version_ = *known_version;
    head_.method_ = *known_method;
    if (!read_target(begin + first + 1, begin + last)) return {400, "invalid request target"};
    return {};
}

bool StartLine::read_target(std::size_t begin, std::size_t end) noexcept {
    const std::string_view target = bytes_.substr(begin, end - begin);
    if (target.empty()) return false;
    head_.target_ = Head::range(begin, end);
    if (target.front() == '/') return read_path_and_query(begin, end);
    if (target == "*") {
        head_.path_ = head_.target_;
        return head_.method_ == Method::options; // RFC 9112 §3.2.4
    }
    constexpr std::string_view http = "http://";
    constexpr std::string_view https = "https://";
    if (same_name(target.substr(0, http.size()), http)) return read_absolute(begin + http.size(), end);
    if (same_name(target.substr(0, https.size()), https)) return read_absolute(begin + https.size(), end);
    return false; // authority-form is for CONNECT only; no other scheme is served
}

bool StartLine::read_absolute(std::size_t scheme_end, std::size_t end) noexcept {
    std::size_t path = scheme_end;
    while (path < end && bytes_[path] != '/' && bytes_[path] != '?')
        ++path;
    if (!is_authority(bytes_.substr(scheme_end, path - scheme_end))) return false;
    head_.authority_ = Head::range(scheme_end, path);
    return read_path_and_query(path, end);
}

bool StartLine::read_path_and_query(std::size_t begin, std::size_t end) noexcept {
    const std::size_t mark = bytes_.substr(0, end).find('?', begin);
    const std::size_t path_end = mark == std::string_view::npos ? end : mark;
    head_.path_ = Head::range(begin, path_end);
    if (!is_escaped(bytes_.substr(begin, path_end - begin), CharacterClass::path)) return false;
    if (mark == std::string_view::npos) return true;
    head_.has_query_ = true;
    head_.query_ = Head::range(mark + 1, end);
    return is_escaped(bytes_.substr(mark + 1, end - mark - 1), CharacterClass::query);
}

ParseFailure StartLine::read_status(std::size_t begin, std::size_t end) noexcept {
    const std::string_view line = bytes_.substr(begin, end - begin);
    constexpr std::size_t code_end = version_bytes + 4;
    const std::optional<HttpVersion> version = version_from(line.substr(0, version_bytes));
    if (!version) return {400, "not a status line of HTTP/1.x"};
    if (line.size() < code_end || line[version_bytes] != ' ') return {400, "invalid status line"};
    const std::string_view code = line.substr(version_bytes + 1, 3);
    if (!all_are(code, CharacterClass::digit)) return {400, "invalid status"};
    // A reason may be missing together with its space: seen in the wild, and not ambiguous.
    const std::string_view reason = line.substr(code_end);
    if (!reason.empty() && reason.front() != ' ') return {400, "invalid status"};
    if (!is_field_value(reason)) return {400, "invalid reason phrase"};
    head_.version_ = *version;
    head_.status_ =
        static_cast<std::uint16_t>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
    if (head_.status_ < 100 || head_.status_ > 599) return {400, "status out of range"};
    if (!reason.empty()) head_.reason_ = Head::range(begin + code_end + 1, end);
    return {};
}

} // namespace headroom::net
