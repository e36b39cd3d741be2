// Endpoint: an IPv4 or IPv6 address with a port.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::net {

class Endpoint {
  public:
    Endpoint() noexcept = default;

    /// Numeric addresses only ("127.0.0.1", "::1", "[::1]"); names are resolved elsewhere.
    static std::optional<Endpoint> parse(std::string_view address, std::uint16_t port);
    /// From what the kernel or a resolver gave; nullopt for other families.
    static std::optional<Endpoint> from_sockaddr(const sockaddr* address, socklen_t length) noexcept;

    const sockaddr* address() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
    socklen_t length() const noexcept { return length_; }
    int family() const noexcept { return storage_.ss_family; }
    std::uint16_t port() const noexcept;
    void set_port(std::uint16_t port) noexcept;
    /// "127.0.0.1" or "::1", without port or brackets.
    std::string host_text() const;
    /// "127.0.0.1:80" or "[::1]:80".
    std::string text() const;

    friend bool operator==(const Endpoint& a, const Endpoint& b) noexcept;

  private:
    sockaddr_storage storage_{};
    socklen_t length_ = 0;
};

} // namespace headroom::net
