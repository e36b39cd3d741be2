// Sockets on epoll: readiness flags, reads when somebody receives, sends at once or at the end of the turn.
#include "net/assert.hpp"
#include "net/loop_epoll.hpp"
#include "net/socket_calls.hpp"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace headroom::net {
namespace {

/// Operations that one socket may finish at once per turn before the others come first.
constexpr std::uint16_t spent_per_turn_max = 16;

ssize_t send_pieces(int descriptor, msghdr& message, std::span<iovec> pieces) noexcept {
    constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    if (pieces.size() == 1) return ::send(descriptor, pieces[0].iov_base, pieces[0].iov_len, flags);
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    return ::sendmsg(descriptor, &message, flags);
}

} // namespace

Socket::State::State(Loop::State& owner, Side whose) noexcept
    : EventSource{Kind::socket}, SocketFront(whose), loop(owner) {
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
    if (--listed == 0 && closed) delete this;
}

bool Socket::State::spend() noexcept {
    if (spent_turn != loop.turns) {
        spent_turn = loop.turns;
        spent = 0;
    }
    return ++spent <= spent_per_turn_max;
}

void Socket::State::on_events(std::uint32_t events) {
    if (connecting) {
        int error_number = 0;
        socklen_t length = sizeof error_number;
        ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error_number, &length);
        if (error_number == 0 && (events & EPOLLOUT) == 0) return;
        end_connect(error_number);
        if (error_number != 0) return;
    }
    if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) peer_ended = true;
    if ((events & EPOLLERR) != 0) lose(0);
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        readable = true;
        if (receiver.waiting()) receive_now();
        tell_soon();
    }
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
        writable = true;
        if (sender.waiting()) {
            if (loop.busy()) {
                list(loop.to_send);
            } else if (send_now()) {
                sender.end(loop.ready);
            }
        }
    }
}

void Socket::State::end_connect(int error_number) noexcept {
    connecting = false;
    if (error_number != 0) fail_connect(error_number);
    connector.end(loop.ready);
}

bool Socket::State::fill() {
    if (inbox.has_input() || !readable) return true;
    BufferPool& pool = loop.loop.buffers();
    Block* block = pool.acquire(wants_large() ? BlockSize::large : BlockSize::small);
    if (block == nullptr && wants_large()) block = pool.acquire(BlockSize::small);
    if (block == nullptr) {
        // who waits for memory must still see that its peer has reset, or two that wait could wait for ever
        if (!lost) return false;
        readable = false;
        end_input(0);
        return true;
    }
    Slice piece(block, block->data(), block->capacity_bytes);
    ssize_t received = 0;
    do {
        received = ::recv(descriptor, block->data(), block->capacity_bytes, MSG_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    if (received > 0) {
        piece.truncate(static_cast<std::size_t>(received));
        // A partly filled block has emptied the kernel's buffer; a FIN behind it has an edge of its own,
        // which may have been seen already.
        if (piece.size() < block->capacity_bytes && !peer_ended && !lost) readable = false;
        keep(std::move(piece), pool);
        return true;
    }
    readable = false;
    if (received == 0) {
        end_input(0);
    } else if (errno != EAGAIN) {
        end_input(errno);
    }
    return true;
}

void Socket::State::receive_now() {
    if (!receiver.waiting()) return;
    if (!fill()) {
        list(loop.starved);
        return;
    }
    if (inbox.has_input()) receiver.end(loop.ready);
}

bool Socket::State::send_now() noexcept {
    std::span<iovec>& pieces = sending->pieces_;
    while (!pieces.empty()) {
        const ssize_t sent = send_pieces(descriptor, sending->message_, pieces);
        if (sent >= 0) {
            advance_pieces(pieces, static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) {
            writable = false;
            return false;
        }
        lose(errno);
        send_error = stream_error(errno, side);
        return true;
    }
    return true;
}

void Socket::State::tell_soon() {
    if (!watcher.set() || std::exchange(told_soon, true)) return;
    list(loop.to_tell);
}

bool Socket::State::has_bytes() const noexcept {
    if (inbox.pieces() != 0) return true;
    if (!readable || !(peer_ended || lost)) return readable;
    int bytes = 0; // the edge may have been of the end alone
    return ::ioctl(descriptor, FIONREAD, &bytes) == 0 && bytes > 0;
}

void Socket::State::close() noexcept {
    HEADROOM_ASSERT(!awaited());
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
    inbox.clear();
    watcher.set(nullptr, nullptr);
    closed = true;
    if (listed == 0) delete this;
}

// Socket

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
}

bool Socket::has_input() const noexcept {
    // After a full block `readable` may be stale: look.
    if (!state_->inbox.has_input() && state_->readable && !state_->fill()) return true;
    return state_->inbox.has_input();
}

bool Socket::peer_gone() const noexcept {
    return state_->peer_gone();
}

void Socket::watch(void (*notify)(void* context, Attention attention), void* context) noexcept {
    state_->watcher.set(notify, context);
    if (state_->readable || state_->inbox.has_input() || state_->peer_gone()) state_->tell_soon();
}

void Socket::interrupt_receive() noexcept {
    if (!state_->receiver.present()) return;
    state_->receive_interrupted = true;
    state_->receiver.end(state_->loop.ready);
}

void Socket::interrupt_send() noexcept {
    if (!state_->sender.present()) return;
    state_->send_interrupted = true;
    state_->sender.end(state_->loop.ready);
}

void Socket::cancel(Error error) noexcept {
    HEADROOM_ASSERT(error.code != ErrorCode::none);
    if (state_->cancelled()) return;
    state_->sticky = error;
    state_->receiver.end(state_->loop.ready);
    state_->sender.end(state_->loop.ready);
    state_->connector.end(state_->loop.ready);
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
    HEADROOM_ASSERT(socket.descriptor < 0);
    if (socket.cancelled()) return true;
    const int opened = open_tcp_socket(endpoint_.family(), SOCK_NONBLOCK);
    if (opened < 0) {
        socket.end_connect(-opened);
        return true;
    }
    socket.descriptor = opened;
    const int error_number = ::connect(opened, endpoint_.address(), endpoint_.length()) == 0 ? 0 : errno;
    socket.connecting = error_number == EINPROGRESS || error_number == EINTR;
    if (!socket.connecting && error_number != 0) {
        socket.end_connect(error_number);
        return true;
    }
    if (!socket.loop.watch(opened, socket)) socket.end_connect(errno);
    return !socket.connecting;
}

void Socket::ConnectAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    socket_.connector.wait(waiter);
}

Result<void> Socket::ConnectAwaiter::await_resume() noexcept {
    return socket_.finish_connect();
}

// ReceiveAwaiter

bool Socket::ReceiveAwaiter::await_ready() noexcept {
    State& socket = socket_;
    if (socket.begin_receive()) return true;
    return socket.readable && socket.spend() && socket.fill() && socket.inbox.has_input();
}

void Socket::ReceiveAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    socket_.receiver.wait(waiter);
    if (socket_.readable) socket_.list(socket_.loop.to_receive);
}

Result<Slice> Socket::ReceiveAwaiter::await_resume() noexcept {
    return socket_.finish_receive();
}

// SendAwaiter

bool Socket::SendAwaiter::await_ready() noexcept {
    State& socket = socket_;
    if (socket.begin_send(pieces_)) return true;
    socket.sending = this;
    return !socket.loop.busy() && socket.writable && socket.spend() && socket.send_now();
}

void Socket::SendAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    socket_.sender.wait(waiter);
    if (socket_.writable) socket_.list(socket_.loop.to_send);
}

Result<void> Socket::SendAwaiter::await_resume() noexcept {
    socket_.sending = nullptr;
    return socket_.finish_send();
}

} // namespace headroom::net
