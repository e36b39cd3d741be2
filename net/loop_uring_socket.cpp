// What happens to a socket in the ring: completions, the armed receive, sends and their remainders, closing.
#include "net/alive.hpp"
#include "net/assert.hpp"
#include "net/loop_uring.hpp"
#include "net/socket_calls.hpp"

#include <poll.h>

#include <cerrno>
#include <utility>

namespace headroom::net {
namespace {

/// What may wait in an inbox before the receive is disarmed and TCP's own window pushes back.
constexpr std::size_t inbox_pieces_max = 4;
constexpr std::size_t inbox_bytes_max = std::size_t{128} * 1024;

} // namespace

Socket::State::State(Loop::State& owner, Side whose) noexcept : SocketFront(whose), loop(owner) {
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
    State* last = loop.retiring_sockets.back();
    last->retiring_place = retiring_place;
    loop.retiring_sockets[retiring_place] = last;
    loop.retiring_sockets.pop_back();
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
    if (result == -ENOBUFS) {
        if (!std::exchange(starving, true)) list(loop.starved);
        return;
    }
    if (result > 0) {
        keep(std::move(piece), loop.loop.buffers());
        if (full()) settle_soon();
    } else if (result != -ECANCELED) {
        end_input(-result);
    }
    if (inbox.has_input()) {
        receiver.end(loop.ready);
        tell_soon();
    }
}

bool Socket::State::full() const noexcept {
    return inbox.pieces() >= inbox_pieces_max || inbox.bytes() >= inbox_bytes_max;
}

void Socket::State::settle() {
    if (closed || !connected || inbox.failed()) return;
    if (inbox.ended()) {
        if (watcher.set()) arm_hang_up();
    } else if (armed == Armed::none && full()) {
        arm_hang_up();
    } else if (armed == Armed::none) {
        if (!starving) arm();
    } else if (armed == Armed::small && (full() || (wants_large() && loop.large.offered() != 0))) {
        disarm();
    }
}

void Socket::State::arm() {
    const bool want_large = wants_large() && loop.large.offered() != 0;
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

/// While no receive is armed, after the FIN or with a full inbox, only this sees that the peer goes.
void Socket::State::arm_hang_up() {
    if (hang_up_armed || lost) return;
    hang_up_armed = true;
    io_uring_sqe* entry = loop.ring.entry();
    // Multishot, because a FIN that is known already is reported first, and the loss comes after it.
    io_uring_prep_poll_multishot(entry, descriptor, POLLRDHUP | POLLERR);
    Loop::State::tag(entry, this, Request::hang_up);
    ++requests;
}

void Socket::State::on_hang_up(int result, std::uint32_t flags) noexcept {
    if ((flags & IORING_CQE_F_MORE) == 0) {
        --requests;
        hang_up_armed = false;
    }
    if (closed) {
        delete_if_gone();
        return;
    }
    if (result < 0) return;
    // A hang-up without an error is our own FIN beside the peer's: an orderly end.
    if ((result & POLLRDHUP) != 0) peer_ended = true;
    if ((result & POLLERR) != 0) {
        lose(ECONNRESET);
        // Nothing is armed, so what was received is all there will be.
        if (armed == Armed::none) inbox.fail(stream_error(ECONNRESET, side));
    }
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
    assert_alive(sending, sizeof *sending);
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
    } else {
        if (result != -ECANCELED) lose(-result);
        send_error = stream_error(-result, side);
    }
    sender.end(loop.ready);
}

void Socket::State::submit_connect(const Endpoint& endpoint) {
    io_uring_sqe* entry = loop.ring.entry();
    io_uring_prep_connect(entry, descriptor, endpoint.address(), endpoint.length());
    Loop::State::tag(entry, this, Request::connect);
    in_connect = true;
    ++requests;
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
    HEADROOM_ASSERT(!awaited());
    inbox.clear();
    watcher.set(nullptr, nullptr);
    closed = true;
    retiring_place = loop.retiring_sockets.size();
    loop.retiring_sockets.push_back(this);
    if (descriptor >= 0) {
        if (armed != Armed::none) disarm();
        if (hang_up_armed) loop.cancel(this, Request::hang_up);
        loop.close_descriptor(std::exchange(descriptor, -1));
    }
    delete_if_gone();
}

} // namespace headroom::net
