// Opening, naming and describing TCP sockets.
#include "net/socket_calls.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace headroom::net {
namespace {

bool set_flag(int descriptor, int level, int option) noexcept {
    const int on = 1;
    return ::setsockopt(descriptor, level, option, &on, sizeof on) == 0;
}

[[noreturn]] void throw_listen_error(int error_number, const Endpoint& endpoint) {
    std::string text = "cannot listen on " + endpoint.text();
    if (error_number == EADDRINUSE) text += " (another program listens there: choose another port)";
    if (error_number == EACCES) text += " (ports below 1024 need CAP_NET_BIND_SERVICE)";
    throw std::system_error(error_number, std::generic_category(), text);
}

} // namespace

int open_tcp_socket(int family, int flags) noexcept {
    const int descriptor = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (descriptor < 0) return -errno;
    set_flag(descriptor, IPPROTO_TCP, TCP_NODELAY);
    return descriptor;
}

int open_listening_socket(const ListenOptions& options, int flags) {
    const Endpoint& endpoint = options.endpoint;
    const int descriptor = open_tcp_socket(endpoint.family(), flags);
    if (descriptor < 0) throw_listen_error(-descriptor, endpoint);
    bool ready = set_flag(descriptor, SOL_SOCKET, SO_REUSEADDR);
    if (options.reuse_port) ready = ready && set_flag(descriptor, SOL_SOCKET, SO_REUSEPORT);
    // "[::]" means IPv6 only: an IPv4 listener beside it must not collide.
    if (endpoint.family() == AF_INET6) ready = ready && set_flag(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
    ready = ready && ::bind(descriptor, endpoint.address(), endpoint.length()) == 0 &&
            ::listen(descriptor, options.backlog) == 0;
    if (!ready) {
        const int error_number = errno;
        ::close(descriptor);
        throw_listen_error(error_number, endpoint);
    }
    return descriptor;
}

Endpoint local_endpoint_of(int descriptor) noexcept {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    if (::getsockname(descriptor, address, &length) != 0) return {};
    return Endpoint::from_sockaddr(address, length).value_or(Endpoint{});
}

Endpoint peer_endpoint_of(int descriptor) noexcept {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    if (::getpeername(descriptor, address, &length) != 0) return {};
    return Endpoint::from_sockaddr(address, length).value_or(Endpoint{});
}

void make_close_reset(int descriptor) noexcept {
    const linger reset{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

Error connect_error(int error_number, Side side) noexcept {
    Error error = error_from_errno(error_number);
    // Anything the kernel says that has no name of its own leaves the destination unreached.
    if (error.code == ErrorCode::reset && error_number != ECONNRESET) error.code = ErrorCode::unreachable;
    error.side = side;
    error.retryable = error.code != ErrorCode::cancelled;
    return error;
}

Error stream_error(int error_number, Side side) noexcept {
    Error error = error_from_errno(error_number);
    const bool named = error.code == ErrorCode::timed_out || error.code == ErrorCode::cancelled ||
                       error.code == ErrorCode::no_memory;
    if (!named) error.code = ErrorCode::reset;
    error.side = side;
    error.retryable = error.code != ErrorCode::cancelled;
    return error;
}

bool is_exhaustion(int error_number) noexcept {
    return error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM ||
           error_number == ENOBUFS || error_number == ENOSPC;
}

std::size_t bytes_of(std::span<const iovec> pieces) noexcept {
    std::size_t total = 0;
    for (const iovec& piece : pieces)
        total += piece.iov_len;
    return total;
}

void advance_pieces(std::span<iovec>& pieces, std::size_t bytes) noexcept {
    while (!pieces.empty() && bytes >= pieces.front().iov_len) {
        bytes -= pieces.front().iov_len;
        pieces = pieces.subspan(1);
    }
    if (bytes == 0) return;
    HEADROOM_ASSERT(!pieces.empty());
    iovec& first = pieces.front();
    first.iov_base = static_cast<char*>(first.iov_base) + bytes;
    first.iov_len -= bytes;
}

} // namespace headroom::net
