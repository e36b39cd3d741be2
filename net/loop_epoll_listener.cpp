// Listeners on epoll: accept4 when somebody awaits, a bounded number per turn, with a pause when nothing is
// left.
#include "net/assert.hpp"
#include "net/loop_epoll.hpp"
#include "net/socket_calls.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace headroom::net {
namespace {

/// Connections one listener accepts per turn before the others come first.
constexpr std::uint16_t accepted_per_turn_max = 64;
/// How long accepting pauses when descriptors or memory are exhausted.
constexpr Duration exhausted_pause = std::chrono::milliseconds(100);

} // namespace

Listener::State::State(Loop::State& owner, const ListenOptions& options)
    : EventSource{Kind::listener},
      loop(owner),
      descriptor(open_listening_socket(options, SOCK_NONBLOCK)),
      retry(loop.loop.deadlines(), [](void* self) { static_cast<State*>(self)->on_events(); }, this) {
    local = local_endpoint_of(descriptor);
    if (!loop.watch(descriptor, *this)) {
        const int error_number = errno;
        ::close(descriptor);
        throw std::system_error(error_number, std::generic_category(), "cannot watch " + local.text());
    }
}

Listener::State::~State() {
    HEADROOM_ASSERT(!acceptor.present());
    if (listed) std::erase(loop.to_accept, this);
    if (descriptor >= 0) ::close(descriptor);
}

void Listener::State::on_events() {
    ready = true;
    if (acceptor.waiting() && accept_now()) acceptor.end(loop.ready);
}

bool Listener::State::accept_now() {
    if (spent_turn != loop.turns) {
        spent_turn = loop.turns;
        spent = 0;
    }
    while (ready && descriptor >= 0 && !retry.armed()) {
        if (++spent > accepted_per_turn_max) {
            if (!std::exchange(listed, true)) loop.to_accept.push_back(this);
            return false;
        }
        const int connection = ::accept4(descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        int error_number = connection < 0 ? errno : 0;
        if (connection >= 0) {
            auto* socket = new Socket::State(loop, Side::client);
            socket->descriptor = connection;
            accepted = Socket(socket);
            if (loop.watch(connection, *socket)) return true;
            error_number = errno;
            accepted.close();
        }
        if (error_number == EAGAIN) {
            ready = false;
        } else if (is_exhaustion(error_number)) {
            // The connection stays in the backlog and makes no new edge: only the clock brings us back.
            retry.arm(loop.loop.now() + exhausted_pause);
        }
        // Anything else is the end of one connection that was waiting (accept(2)): the next, please.
    }
    return false;
}

void Listener::State::stop() noexcept {
    if (descriptor < 0) return;
    retry.disarm();
    ::close(std::exchange(descriptor, -1));
    acceptor.end(loop.ready);
}

Listener::Listener(Loop& loop, const ListenOptions& options) : state_(new State(loop.state(), options)) {}

Listener::~Listener() {
    delete state_;
}

Endpoint Listener::local() const noexcept {
    return state_->local;
}

Listener::AcceptAwaiter Listener::accept() noexcept {
    return AcceptAwaiter(*state_);
}

void Listener::stop() noexcept {
    state_->stop();
}

bool Listener::AcceptAwaiter::await_ready() noexcept {
    return listener_.descriptor < 0 || listener_.accept_now();
}

void Listener::AcceptAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    listener_.acceptor.wait(waiter);
}

Result<Socket> Listener::AcceptAwaiter::await_resume() noexcept {
    listener_.acceptor.clear();
    if (listener_.accepted.open()) return std::move(listener_.accepted);
    return Error{ErrorCode::cancelled, Side::local, false};
}

} // namespace headroom::net
