// Syntax of host and port.
#include "net/http/characters.hpp"
#include "net/http/start_line.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace headroom::net {
namespace {

/// A DNS name is at most 253 characters; escapes make a reg-name longer.
constexpr std::size_t host_bytes_max = 1024;

bool is_port(std::string_view digits) noexcept {
    // An empty port is valid (RFC 3986 §3.2.3) and means the default one.
    if (digits.size() > 5 || !all_are(digits, CharacterClass::digit)) return false;
    unsigned port = 0;
    for (const char c : digits)
        port = port * 10 + static_cast<unsigned>(c - '0');
    return port <= 65535;
}

bool is_ipv6(std::string_view address) noexcept {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.size() >= text.size()) return false;
    std::memcpy(text.data(), address.data(), address.size());
    in6_addr parsed;
    return inet_pton(AF_INET6, text.data(), &parsed) == 1;
}

bool is_reg_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > host_bytes_max) return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (is_a(name[i], CharacterClass::host)) continue;
        const bool escape =
            name[i] == '%' && i + 2 < name.size() && all_are(name.substr(i + 1, 2), CharacterClass::hexdigit);
        if (!escape) return false;
        i += 2;
    }
    return true;
}

} // namespace

bool is_authority(std::string_view host) noexcept {
    if (!host.empty() && host.front() == '[') {
        const std::size_t close = host.find(']');
        if (close == std::string_view::npos || !is_ipv6(host.substr(1, close - 1))) return false;
        const std::string_view rest = host.substr(close + 1);
        return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
    }
    const std::size_t colon = host.find(':');
    if (colon != std::string_view::npos && !is_port(host.substr(colon + 1))) return false;
    return is_reg_name(host.substr(0, colon));
}

} // namespace headroom::net
