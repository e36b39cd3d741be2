// Socket system calls that both loops make the same way: opening, naming, closing with a reset, errors.
// Not here: sending and receiving, which are what the loops differ in.
#pragma once

#include "net/endpoint.hpp"
#include "net/loop.hpp"
#include "net/result.hpp"

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace headroom::net {

/// A TCP socket with TCP_NODELAY; `flags` as for socket(2), such as SOCK_NONBLOCK. Negative errno on failure.
int open_tcp_socket(int family, int flags) noexcept;
/// A bound, listening socket whose connections inherit TCP_NODELAY. Throws std::system_error naming the
/// address.
int open_listening_socket(const ListenOptions& options, int flags);
/// An unset Endpoint (family 0) when the kernel has none.
Endpoint local_endpoint_of(int descriptor) noexcept;
Endpoint peer_endpoint_of(int descriptor) noexcept;
/// SO_LINGER with zero seconds: close(2) sends RST (RFC 9293 section 3.10.4, ABORT).
void make_close_reset(int descriptor) noexcept;
/// As error_from_errno, on `side`. Losing an established connection, by whatever errno, is `reset`.
Error connect_error(int error_number, Side side) noexcept;
Error stream_error(int error_number, Side side) noexcept;
/// Whether accept(2) failed for want of descriptors or memory, which only time heals.
bool is_exhaustion(int error_number) noexcept;

std::size_t bytes_of(std::span<const iovec> pieces) noexcept;
/// Drops the first `bytes` of `pieces`, and pieces that are empty.
void advance_pieces(std::span<iovec>& pieces, std::size_t bytes) noexcept;

} // namespace headroom::net
