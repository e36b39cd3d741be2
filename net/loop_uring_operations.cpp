// Socket's public face on io_uring: the awaited operations, cancellation, and small system calls.
#include "net/assert.hpp"
#include "net/loop_uring.hpp"
#include "net/socket_calls.hpp"

#include <sys/socket.h>

#include <utility>

namespace headroom::net {
namespace {

constexpr std::size_t pieces_max = 1024;

} // namespace

Socket::Socket(Loop& loop, Side side) : state_(new State(loop.state(), side)) {}

Socket::Socket(Socket&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this != &other) {
        close();
        state_ = std::exchange(other.state_, nullptr);
    }
    return *this;
}

Socket::~Socket() {
    close();
}

Loop& Socket::loop() const noexcept {
    return state_->loop.loop;
}

Side Socket::side() const noexcept {
    return state_->side;
}

Endpoint Socket::peer() const noexcept {
    if (!state_->peer) state_->peer = std::make_unique<Endpoint>(peer_endpoint_of(state_->descriptor));
    return *state_->peer;
}

Socket::ConnectAwaiter Socket::connect(const Endpoint& endpoint) noexcept {
    return {*state_, endpoint};
}

Socket::ReceiveAwaiter Socket::receive() noexcept {
    return ReceiveAwaiter(*state_);
}

Socket::SendAwaiter Socket::send(std::span<iovec> pieces) noexcept {
    return {*state_, pieces};
}

void Socket::expect(std::size_t bytes) noexcept {
    state_->expected_bytes = bytes;
    // Decided at the end of the turn, when what has arrived already is known.
    if (state_->armed == State::Armed::small && bytes > BufferPool::small_bytes) state_->settle_soon();
}

bool Socket::has_input() const noexcept {
    return state_->inbox.has_input();
}

bool Socket::peer_gone() const noexcept {
    return state_->lost || state_->inbox.peer_gone();
}

void Socket::watch(void (*notify)(void* context, Attention attention), void* context) noexcept {
    state_->watcher.set(notify, context);
    if (notify == nullptr || !state_->inbox.has_input()) return;
    state_->tell_soon();
    state_->settle_soon();
}

void Socket::interrupt_receive() noexcept {
    if (!state_->receiver.present()) return;
    state_->receive_interrupted = true;
    state_->receiver.end(state_->loop.ready);
}

void Socket::interrupt_send() noexcept {
    if (!state_->sender.present() || std::exchange(state_->send_interrupted, true)) return;
    if (state_->in_send && !state_->cancelled()) state_->loop.cancel(state_, Request::send);
}

void Socket::cancel(Error error) noexcept {
    HEADROOM_ASSERT(error.code != ErrorCode::none);
    if (state_->cancelled()) return;
    state_->sticky = error;
    state_->receiver.end(state_->loop.ready);
    if (state_->in_send && !state_->send_interrupted) state_->loop.cancel(state_, Request::send);
    if (state_->in_connect) state_->loop.cancel(state_, Request::connect);
}

void Socket::shutdown_send() noexcept {
    if (state_->descriptor >= 0) ::shutdown(state_->descriptor, SHUT_WR);
}

void Socket::reset_on_close() noexcept {
    if (state_->descriptor >= 0) make_close_reset(state_->descriptor);
}

void Socket::close() noexcept {
    if (state_ != nullptr) std::exchange(state_, nullptr)->close();
}

// ConnectAwaiter

bool Socket::ConnectAwaiter::await_ready() noexcept {
    State& socket = socket_;
    HEADROOM_ASSERT(socket.descriptor < 0 && !socket.connector.present());
    if (socket.cancelled()) return true;
    // Blocking, as all sockets here: the ring waits for them itself, and returns EAGAIN for non-blocking
    // ones.
    const int opened = open_tcp_socket(endpoint_.family(), 0);
    if (opened < 0) {
        socket.fail_connect(-opened);
        return true;
    }
    socket.descriptor = opened;
    return false;
}

void Socket::ConnectAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    socket_.connector.wait(waiter);
    io_uring_sqe* entry = socket_.loop.ring.entry();
    io_uring_prep_connect(entry, socket_.descriptor, endpoint_.address(), endpoint_.length());
    Loop::State::tag(entry, &socket_, Request::connect);
    socket_.in_connect = true;
    ++socket_.requests;
}

Result<void> Socket::ConnectAwaiter::await_resume() noexcept {
    socket_.connector.clear();
    if (socket_.cancelled()) return socket_.sticky;
    return socket_.connect_failure.code == ErrorCode::none ? Result<void>() : socket_.connect_failure;
}

// ReceiveAwaiter

bool Socket::ReceiveAwaiter::await_ready() noexcept {
    socket_.receive_interrupted = false;
    return socket_.cancelled() || socket_.inbox.has_input();
}

void Socket::ReceiveAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    socket_.receiver.wait(waiter);
}

Result<Slice> Socket::ReceiveAwaiter::await_resume() noexcept {
    State& socket = socket_;
    socket.receiver.clear();
    if (socket.cancelled()) return socket.sticky;
    if (std::exchange(socket.receive_interrupted, false)) {
        return Error{ErrorCode::interrupted, socket.side, false};
    }
    if (socket.inbox.pieces() != 0) {
        socket.watcher.taken();
        if (socket.armed == State::Armed::none) socket.settle_soon();
    } else {
        socket.watcher.end_taken(socket.inbox.ended() ? Attention::ended : Attention::failed);
    }
    return socket.inbox.take();
}

// SendAwaiter

bool Socket::SendAwaiter::await_ready() noexcept {
    State& socket = socket_;
    HEADROOM_ASSERT(pieces_.size() <= pieces_max && !socket.sender.present());
    socket.send_interrupted = false;
    socket.send_error = Error{};
    if (socket.cancelled() || bytes_of(pieces_) == 0) return true;
    if (!socket.inbox.failed()) return false;
    socket.send_error = socket.inbox.failure();
    return true;
}

void Socket::SendAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    socket_.sender.wait(waiter);
    socket_.sending = this;
    socket_.submit_send();
}

Result<void> Socket::SendAwaiter::await_resume() noexcept {
    State& socket = socket_;
    socket.sender.clear();
    socket.sending = nullptr;
    if (socket.cancelled()) return socket.sticky;
    if (std::exchange(socket.send_interrupted, false)) {
        return Error{ErrorCode::interrupted, socket.side, false};
    }
    return socket.send_error.code == ErrorCode::none ? Result<void>() : socket.send_error;
}

} // namespace headroom::net
