// SocketFront: keeping what was received, and deciding what an awaited operation returns.
#include "net/socket_front.hpp"

#include "net/assert.hpp"
#include "net/socket_calls.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace headroom::net {
namespace {

/// Up to this much in a large block is moved to a small one.
constexpr std::size_t moved_bytes_max = std::size_t{4} * 1024;

} // namespace

void SocketFront::expect(std::size_t bytes) noexcept {
    expected_bytes = bytes - std::min(bytes, inbox.bytes());
}

const Endpoint& SocketFront::peer_of(int descriptor) {
    if (!peer) peer = std::make_unique<Endpoint>(peer_endpoint_of(descriptor));
    return *peer;
}

void SocketFront::keep(Slice piece, BufferPool& pool) {
    expected_bytes -= std::min(expected_bytes, piece.size());
    if (piece.size() <= moved_bytes_max && piece.block()->capacity_bytes > BufferPool::small_bytes) {
        Slice moved = pool.acquire_slice(BlockSize::small);
        if (moved.block() != nullptr) {
            moved.append(piece.view());
            piece = std::move(moved);
        }
    }
    inbox.push(std::move(piece));
}

void SocketFront::end_input(int error_number) noexcept {
    if (error_number == 0 && !lost) {
        inbox.end();
        return;
    }
    lose(error_number);
    inbox.fail(stream_error(lost_errno != 0 ? lost_errno : ECONNRESET, side));
}

void SocketFront::lose(int error_number) noexcept {
    lost = true;
    if (lost_errno == 0) lost_errno = error_number;
}

void SocketFront::tell(bool has_bytes) {
    const auto tell_if = [this](bool is, Attention attention) {
        if (is && !receiver.present()) watcher.tell(attention);
    };
    tell_if(has_bytes, Attention::readable);
    tell_if(peer_ended || inbox.ended(), Attention::ended);
    tell_if(lost || inbox.failed(), Attention::failed);
}

void SocketFront::fail_connect(int error_number) noexcept {
    connect_failure = connect_error(error_number, side);
    inbox.fail(connect_failure);
}

bool SocketFront::begin_receive() noexcept {
    receive_interrupted = false;
    return cancelled() || inbox.has_input();
}

bool SocketFront::begin_send(std::span<const iovec> pieces) noexcept {
    HEADROOM_ASSERT(pieces.size() <= send_pieces_max && !sender.present());
    send_interrupted = false;
    send_error = inbox.failure();
    return cancelled() || inbox.failed() || bytes_of(pieces) == 0;
}

Result<Slice> SocketFront::finish_receive() noexcept {
    receiver.clear();
    if (cancelled()) return sticky;
    if (std::exchange(receive_interrupted, false)) return Error{ErrorCode::interrupted, side, false};
    if (inbox.pieces() != 0) {
        watcher.taken();
    } else {
        watcher.end_taken(inbox.ended() ? Attention::ended : Attention::failed);
    }
    return inbox.take();
}

Result<void> SocketFront::finish_send() noexcept {
    sender.clear();
    if (cancelled()) return sticky;
    if (std::exchange(send_interrupted, false)) return Error{ErrorCode::interrupted, side, false};
    return send_error.code == ErrorCode::none ? Result<void>() : send_error;
}

Result<void> SocketFront::finish_connect() noexcept {
    connector.clear();
    if (cancelled()) return sticky;
    return connect_failure.code == ErrorCode::none ? Result<void>() : connect_failure;
}

} // namespace headroom::net
