// Sockets on epoll: readiness flags, reads when somebody receives, sends at once or at the end of the turn.
#include "net/assert.hpp"
#include "net/loop_epoll.hpp"
#include "net/socket_calls.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace headroom::net {
namespace {

/// Operations that one socket may finish at once per turn before the others come first.
constexpr std::uint16_t spent_per_turn_max = 16;
/// From this many announced bytes on, a large block is worth it.
constexpr std::size_t large_from_bytes = std::size_t{16} * 1024;
/// Less than this in a large block is moved to a small one.
constexpr std::size_t moved_bytes_max = std::size_t{4} * 1024;
constexpr std::size_t pieces_max = 1024;

} // namespace

Socket::State::State(Loop::State& owner, Side whose) noexcept
    : EventSource{Kind::socket}, loop(owner), side(whose) {
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
    if ((events & EPOLLERR) != 0) lost = true;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        readable = true;
        if (receiver.waiting()) receive_now();
        if (!told_soon && watcher.set()) {
            told_soon = true;
            list(loop.to_tell);
        }
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
    if (error_number != 0) {
        connect_failure = connect_error(error_number, side);
        inbox.fail(connect_failure);
    }
    connector.end(loop.ready);
}

bool Socket::State::fill() {
    if (inbox.has_input() || !readable) return true;
    const bool large = expected_bytes > large_from_bytes;
    BufferPool& pool = loop.loop.buffers();
    Block* block = pool.acquire(large ? BlockSize::large : BlockSize::small);
    if (block == nullptr && large) block = pool.acquire(BlockSize::small);
    if (block == nullptr) return false;
    Slice slice(block, block->data(), 0);
    ssize_t received = 0;
    do {
        received = ::recv(descriptor, block->data(), block->capacity_bytes, MSG_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    if (received > 0) {
        // A partly filled block has emptied the kernel's buffer; a FIN behind it has an edge of its own,
        // which may have been seen already.
        if (static_cast<std::size_t>(received) < block->capacity_bytes && !peer_ended && !lost)
            readable = false;
        take_received(block, static_cast<std::size_t>(received));
        slice = Slice();
        return true;
    }
    readable = false;
    if (received == 0 && !lost) {
        inbox.end();
    } else if (received == 0) {
        // Whoever was told of the loss first took it from the kernel: what is left looks like a FIN, but is
        // not.
        inbox.fail(stream_error(lost_errno != 0 ? lost_errno : ECONNRESET, side));
    } else if (errno != EAGAIN) {
        lost = true;
        inbox.fail(stream_error(errno, side));
    }
    return true;
}

void Socket::State::take_received(Block* block, std::size_t size) noexcept {
    expected_bytes -= std::min(expected_bytes, size);
    ++block->references; // the caller's slice drops its own
    Slice received(block, block->data(), size);
    if (size <= moved_bytes_max && block->size_class == static_cast<std::uint8_t>(BlockSize::large)) {
        Slice moved = loop.loop.buffers().acquire_slice(BlockSize::small);
        if (moved.block() != nullptr) {
            moved.append(received.view());
            received = std::move(moved);
        }
    }
    inbox.push(std::move(received));
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
        sending->message_.msg_iov = pieces.data();
        sending->message_.msg_iovlen = pieces.size();
        const ssize_t sent = ::sendmsg(descriptor, &sending->message_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            advance_pieces(pieces, static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) {
            writable = false;
            return false;
        }
        lost = true;
        lost_errno = errno;
        send_error = stream_error(errno, side);
        return true;
    }
    return true;
}

void Socket::State::close() noexcept {
    HEADROOM_ASSERT(!receiver.present() && !sender.present() && !connector.present());
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
    inbox.clear();
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
}

bool Socket::has_input() const noexcept {
    // After a full block `readable` may be stale: look.
    if (!state_->inbox.has_input() && state_->readable && !state_->fill()) return true;
    return state_->inbox.has_input();
}

bool Socket::peer_gone() const noexcept {
    return state_->peer_ended || state_->lost || state_->inbox.peer_gone();
}

void Socket::watch(void (*notify)(void* context, Attention attention), void* context) noexcept {
    state_->watcher.set(notify, context);
    if (notify == nullptr || state_->told_soon) return;
    if (state_->readable || state_->inbox.has_input() || state_->lost) {
        state_->told_soon = true;
        state_->list(state_->loop.to_tell);
    }
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
    socket_.connector.clear();
    if (socket_.cancelled()) return socket_.sticky;
    return socket_.connect_failure.code == ErrorCode::none ? Result<void>() : socket_.connect_failure;
}

// ReceiveAwaiter

bool Socket::ReceiveAwaiter::await_ready() noexcept {
    State& socket = socket_;
    socket.receive_interrupted = false;
    if (socket.cancelled() || socket.inbox.has_input()) return true;
    return socket.readable && socket.spend() && socket.fill() && socket.inbox.has_input();
}

void Socket::ReceiveAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    socket_.receiver.wait(waiter);
    if (socket_.readable) socket_.list(socket_.loop.to_receive);
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
    if (socket.cancelled()) return true;
    if (bytes_of(pieces_) == 0) return true;
    if (socket.inbox.failed()) {
        socket.send_error = socket.inbox.failure();
        return true;
    }
    socket.sending = this;
    return !socket.loop.busy() && socket.spend() && socket.send_now();
}

void Socket::SendAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    socket_.sender.wait(waiter);
    if (socket_.writable) socket_.list(socket_.loop.to_send);
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
