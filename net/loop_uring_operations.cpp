// Socket's public face on io_uring: the awaited operations, cancellation, and small system calls.
#include "net/assert.hpp"
#include "net/loop_uring.hpp"
#include "net/socket_calls.hpp"

#include <sys/socket.h>

#include <utility>

namespace headroom::net {
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
    return state_->peer_of(state_->descriptor);
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
    state_->expect(bytes);
    // Decided at the end of the turn, when what has arrived already is known.
    if (state_->armed == State::Armed::small && state_->wants_large()) state_->settle_soon();
}

bool Socket::has_input() const noexcept {
    return state_->inbox.has_input();
}

bool Socket::peer_gone() const noexcept {
    return state_->peer_gone();
}

void Socket::watch(void (*notify)(void* context, Attention attention), void* context) noexcept {
    state_->watcher.set(notify, context);
    if (notify == nullptr || !(state_->inbox.has_input() || state_->peer_gone())) return;
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
    socket_.submit_connect(endpoint_);
}

Result<void> Socket::ConnectAwaiter::await_resume() noexcept {
    return socket_.finish_connect();
}

// ReceiveAwaiter

bool Socket::ReceiveAwaiter::await_ready() noexcept {
    return socket_.begin_receive();
}

void Socket::ReceiveAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    socket_.receiver.wait(waiter);
}

Result<Slice> Socket::ReceiveAwaiter::await_resume() noexcept {
    Result<Slice> received = socket_.finish_receive();
    // Room again: a receive that was disarmed for the want of it goes on.
    if (socket_.armed == State::Armed::none && !socket_.inbox.peer_gone()) socket_.settle_soon();
    return received;
}

// SendAwaiter

bool Socket::SendAwaiter::await_ready() noexcept {
    return socket_.begin_send(pieces_);
}

void Socket::SendAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    socket_.sender.wait(waiter);
    socket_.sending = this;
    socket_.submit_send();
}

Result<void> Socket::SendAwaiter::await_resume() noexcept {
    socket_.sending = nullptr;
    return socket_.finish_send();
}

} // namespace headroom::net
