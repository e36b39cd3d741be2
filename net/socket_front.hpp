// SocketFront: the half of a socket's state that every loop keeps the same way: who waits, what was received,
// what was asked to end, and which of these a result tells of first. Base of Socket::State in the loops.
// Not here: anything the kernel knows.
#pragma once

#include "net/endpoint.hpp"
#include "net/inbox.hpp"
#include "net/loop.hpp"
#include "net/ready_queue.hpp"
#include "net/result.hpp"

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>

namespace headroom::net {

struct SocketFront {
    static constexpr std::size_t send_pieces_max = 1024;
    /// From this many announced bytes on, a large receive block is worth it.
    static constexpr std::size_t large_from_bytes = std::size_t{16} * 1024;

    explicit SocketFront(Side whose) noexcept : side(whose) {}

    bool cancelled() const noexcept { return sticky.code != ErrorCode::none; }
    bool peer_gone() const noexcept { return peer_ended || lost || inbox.peer_gone(); }
    bool awaited() const noexcept { return receiver.present() || sender.present() || connector.present(); }
    bool wants_large() const noexcept { return expected_bytes > large_from_bytes; }
    /// See Socket::expect: what is in the inbox has come already.
    void expect(std::size_t bytes) noexcept;
    /// The peer's address, asked of `descriptor` the first time.
    const Endpoint& peer_of(int descriptor);

    /// Received bytes go into the inbox; a few bytes do not keep a large block.
    void keep(Slice piece, BufferPool& pool);
    /// The kernel has nothing more: FIN for 0, else a positive errno. A FIN after a loss is that loss:
    /// whoever was told of it first took it from the kernel.
    void end_input(int error_number) noexcept;
    /// The connection is gone; bytes that came before may still be read. 0 when the kernel has not said why.
    void lose(int error_number) noexcept;
    /// Tells the watcher what nobody takes; `has_bytes` is the loop's view of what can be read.
    void tell(bool has_bytes);
    void fail_connect(int error_number) noexcept;

    /// A receive() begins; whether it has its result already.
    bool begin_receive() noexcept;
    /// A send() begins; whether it has its result already.
    bool begin_send(std::span<const iovec> pieces) noexcept;
    // The waiter runs again: cancelled before interrupted before what came of it.
    Result<Slice> finish_receive() noexcept;
    Result<void> finish_send() noexcept;
    Result<void> finish_connect() noexcept;

    Side side;
    bool lost = false;       ///< the connection is gone; bytes from before may still be read
    bool peer_ended = false; ///< a FIN has come; bytes from before it may still be read
    bool receive_interrupted = false;
    bool send_interrupted = false;
    Error sticky;
    Error send_error;
    Error connect_failure;
    int lost_errno = 0;
    std::size_t expected_bytes = 0;
    Waiter receiver;
    Waiter sender;
    Waiter connector;
    Inbox inbox;
    Watch watcher;
    std::unique_ptr<Endpoint> peer;
};

} // namespace headroom::net
