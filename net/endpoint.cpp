// Endpoint: text to socket address and back.
#include "net/endpoint.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace headroom::net {
namespace {

const sockaddr_in* as_v4(const sockaddr_storage& storage) noexcept {
    return reinterpret_cast<const sockaddr_in*>(&storage);
}
const sockaddr_in6* as_v6(const sockaddr_storage& storage) noexcept {
    return reinterpret_cast<const sockaddr_in6*>(&storage);
}

} // namespace

std::optional<Endpoint> Endpoint::parse(std::string_view address, std::uint16_t port) {
    if (address.size() >= 2 && address.front() == '[' && address.back() == ']') {
        address = address.substr(1, address.size() - 2);
    }
    const std::string text(address);
    Endpoint endpoint;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&endpoint.storage_);
    if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        endpoint.length_ = sizeof(sockaddr_in);
        return endpoint;
    }
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&endpoint.storage_);
    if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        endpoint.length_ = sizeof(sockaddr_in6);
        return endpoint;
    }
    return std::nullopt;
}

std::optional<Endpoint> Endpoint::from_sockaddr(const sockaddr* address, socklen_t length) noexcept {
    const bool known = (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) ||
                       (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6));
    if (!known || length > sizeof(sockaddr_storage)) return std::nullopt;
    Endpoint endpoint;
    std::memcpy(&endpoint.storage_, address, length);
    endpoint.length_ = length;
    return endpoint;
}

std::uint16_t Endpoint::port() const noexcept {
    if (family() == AF_INET) return ntohs(as_v4(storage_)->sin_port);
    if (family() == AF_INET6) return ntohs(as_v6(storage_)->sin6_port);
    return 0;
}

void Endpoint::set_port(std::uint16_t port) noexcept {
    if (family() == AF_INET) {
        reinterpret_cast<sockaddr_in*>(&storage_)->sin_port = htons(port);
    } else if (family() == AF_INET6) {
        reinterpret_cast<sockaddr_in6*>(&storage_)->sin6_port = htons(port);
    }
}

std::string Endpoint::host_text() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (family() == AF_INET) {
        inet_ntop(AF_INET, &as_v4(storage_)->sin_addr, text.data(), text.size());
    } else if (family() == AF_INET6) {
        inet_ntop(AF_INET6, &as_v6(storage_)->sin6_addr, text.data(), text.size());
    }
    return text.data();
}

std::string Endpoint::text() const {
    const std::string host = host_text();
    const std::string port_text = std::to_string(port());
    return family() == AF_INET6 ? "[" + host + "]:" + port_text : host + ":" + port_text;
}

bool operator==(const Endpoint& a, const Endpoint& b) noexcept {
    return a.family() == b.family() && a.port() == b.port() && a.host_text() == b.host_text();
}

} // namespace headroom::net
