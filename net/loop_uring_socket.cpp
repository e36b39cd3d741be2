// What happens to a socket in the ring: completions, the armed receive, sends and their remainders, closing.
#include "net/alive.hpp"
#include "net/assert.hpp"
#include "net/loop_uring.hpp"
#include "net/socket_calls.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace headroom::net {
namespace {

/// What may wait in an inbox before the receive is disarmed and TCP's own window pushes back.
constexpr std::size_t inbox_pieces_max = 4;
constexpr std::size_t inbox_bytes_max = std::size_t{128} * 1024;
/// From this many announced bytes on, a large block is worth it.
constexpr std::size_t large_from_bytes = std::size_t{16} * 1024;
/// Less than this in a large block is moved to a small one.
constexpr std::size_t moved_bytes_max = std::size_t{4} * 1024;

} // namespace

Socket::State::State(Loop::State& owner, Side whose) noexcept : loop(owner), side(whose) {
    ++loop.sockets;
}

Socket::State::~State() {
    --loop.sockets;
}

void Socket::State::list(std::vector<State*>& list) {
    ++listed;
    list.push_back(this);
}

void Socket::State::unlist() noexcept {
    HEADROOM_ASSERT(listed > 0);
    --listed;
    delete_if_gone();
}

void Socket::State::delete_if_gone() noexcept {
    if (!closed || listed != 0 || requests != 0) return;
    --loop.retiring;
    delete this;
}

void Socket::State::settle_soon() {
    if (std::exchange(settling, true)) return;
    list(loop.to_settle);
}

void Socket::State::tell_soon() {
    if (!watcher.set() || std::exchange(told_soon, true)) return;
    list(loop.to_tell);
}

void Socket::State::on_receive(int result, std::uint32_t flags) {
    Slice piece;
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        BlockRing& blocks = armed == Armed::large ? loop.large : loop.small;
        piece = blocks.take(flags, result > 0 ? static_cast<std::size_t>(result) : 0);
    }
    if ((flags & IORING_CQE_F_MORE) == 0) {
        armed = Armed::none;
        disarming = false;
        --requests;
        if (!closed) settle_soon();
    }
    if (closed) {
        piece.reset();
        delete_if_gone();
        return;
    }
    if (result > 0) {
        keep(std::move(piece));
    } else if (result == 0 && !lost) {
        inbox.end();
    } else if (result == 0) {
        // Whoever was told of the loss first took it from the kernel: what is left looks like a FIN, but is
        // not.
        inbox.fail(stream_error(lost_errno, side));
    } else if (result == -ENOBUFS) {
        if (!std::exchange(starving, true)) list(loop.starved);
        return;
    } else if (result != -ECANCELED) {
        lost = true;
        lost_errno = -result;
        inbox.fail(stream_error(-result, side));
    }
    if (inbox.has_input()) {
        receiver.end(loop.ready);
        tell_soon();
    }
}

void Socket::State::keep(Slice piece) {
    expected_bytes -= std::min(expected_bytes, piece.size());
    if (piece.size() <= moved_bytes_max && piece.spare_bytes() > BufferPool::small_bytes) {
        Slice moved = loop.loop.buffers().acquire_slice(BlockSize::small);
        if (moved.block() != nullptr) {
            moved.append(piece.view());
            piece = std::move(moved);
        }
    }
    inbox.push(std::move(piece));
    if (inbox.pieces() >= inbox_pieces_max || inbox.bytes() >= inbox_bytes_max) settle_soon();
}

void Socket::State::settle() {
    if (closed || !connected) return;
    if (inbox.peer_gone()) {
        if (!inbox.failed() && watcher.set()) arm_hang_up();
        return;
    }
    const bool full = inbox.pieces() >= inbox_pieces_max || inbox.bytes() >= inbox_bytes_max;
    if (armed == Armed::none) {
        if (!full && !starving) arm();
    } else if (armed == Armed::small &&
               (full || (expected_bytes > large_from_bytes && loop.large.offered() != 0))) {
        disarm();
    }
}

void Socket::State::arm() {
    const bool want_large = expected_bytes > large_from_bytes && loop.large.offered() != 0;
    BlockRing& blocks = want_large ? loop.large : loop.small;
    if (blocks.offered() == 0) {
        starving = true;
        list(loop.starved);
        return;
    }
    io_uring_sqe* entry = loop.ring.entry();
    if (want_large) {
        io_uring_prep_recv(entry, descriptor, nullptr, 0, 0);
    } else {
        io_uring_prep_recv_multishot(entry, descriptor, nullptr, 0, 0);
    }
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = blocks.group();
    Loop::State::tag(entry, this, Request::receive);
    armed = want_large ? Armed::large : Armed::small;
    ++requests;
}

void Socket::State::disarm() {
    if (std::exchange(disarming, true)) return;
    loop.cancel(this, Request::receive);
}

/// After the FIN no receive is armed, and only this sees the connection being lost.
void Socket::State::arm_hang_up() {
    if (std::exchange(hang_up_armed, true)) return;
    io_uring_sqe* entry = loop.ring.entry();
    io_uring_prep_poll_add(entry, descriptor, POLLHUP | POLLERR);
    Loop::State::tag(entry, this, Request::hang_up);
    ++requests;
}

void Socket::State::on_hang_up() noexcept {
    --requests;
    if (closed) {
        delete_if_gone();
        return;
    }
    lost = true;
    lost_errno = ECONNRESET;
    inbox.fail(stream_error(ECONNRESET, side));
    tell_soon();
}

void Socket::State::submit_send() {
    sending->message_.msg_iov = sending->pieces_.data();
    sending->message_.msg_iovlen = sending->pieces_.size();
    assert_alive(sending->pieces_);
    io_uring_sqe* entry = loop.ring.entry();
    if (sending->pieces_.size() == 1) {
        const iovec& piece = sending->pieces_.front();
        io_uring_prep_send(entry, descriptor, piece.iov_base, piece.iov_len, MSG_NOSIGNAL | MSG_WAITALL);
    } else {
        io_uring_prep_sendmsg(entry, descriptor, &sending->message_, MSG_NOSIGNAL | MSG_WAITALL);
    }
    Loop::State::tag(entry, this, Request::send);
    in_send = true;
    ++requests;
}

void Socket::State::on_send(int result) noexcept {
    HEADROOM_ASSERT(in_send && sending != nullptr);
    in_send = false;
    --requests;
    assert_alive(sending->pieces_);
    if (result >= 0) {
        advance_pieces(sending->pieces_, static_cast<std::size_t>(result));
        if (!sending->pieces_.empty() && !send_interrupted && !cancelled()) {
            submit_send();
            return;
        }
    } else if (result == -EINTR || result == -EAGAIN) {
        submit_send();
        return;
    } else if (result != -ECANCELED) {
        if (!lost) lost_errno = -result;
        lost = true;
        send_error = stream_error(-result, side);
    }
    sender.end(loop.ready);
}

void Socket::State::fail_connect(int error_number) noexcept {
    connect_failure = connect_error(error_number, side);
    inbox.fail(connect_failure);
}

void Socket::State::on_connect(int result) noexcept {
    in_connect = false;
    --requests;
    if (result == 0) {
        connected = true;
        settle_soon();
    } else {
        fail_connect(-result);
    }
    connector.end(loop.ready);
}

void Socket::State::close() noexcept {
    HEADROOM_ASSERT(!receiver.present() && !sender.present() && !connector.present());
    inbox.clear();
    closed = true;
    ++loop.retiring;
    if (descriptor >= 0) {
        if (armed != Armed::none) disarm();
        if (hang_up_armed) loop.cancel(this, Request::hang_up);
        loop.close_descriptor(std::exchange(descriptor, -1));
    }
    delete_if_gone();
}

} // namespace headroom::net
