// Listeners on io_uring: one multishot accept, disarmed while nobody takes what it accepts.
#include "net/assert.hpp"
#include "net/loop_uring.hpp"
#include "net/socket_calls.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace headroom::net {
namespace {

/// Accepted connections that may wait for accept(); beyond, the kernel's backlog holds them.
constexpr std::size_t accepted_max = 128;
/// How long accepting pauses when descriptors or memory are exhausted.
constexpr Duration exhausted_pause = std::chrono::milliseconds(100);

} // namespace

Listener::State::State(Loop::State& owner, const ListenOptions& options)
    : loop(owner),
      descriptor(open_listening_socket(options, 0)),
      retry(loop.loop.deadlines(), [](void* self) { static_cast<State*>(self)->arm(); }, this) {
    local = local_endpoint_of(descriptor);
    loop.to_arm.push_back(this); // the queue belongs to the thread that turns the loop
}

Listener::State::~State() {
    for (std::size_t i = first; i < accepted.size(); ++i)
        ::close(accepted[i]);
}

void Listener::State::arm() {
    if (armed || stopped || accepted.size() - first >= accepted_max) return;
    io_uring_sqe* entry = loop.ring.entry();
    io_uring_prep_multishot_accept(entry, descriptor, nullptr, nullptr, SOCK_CLOEXEC);
    Loop::State::tag(entry, this, Request::accept);
    armed = true;
}

void Listener::State::on_accept(int result, std::uint32_t flags) {
    if ((flags & IORING_CQE_F_MORE) == 0) armed = disarming = false;
    if (result >= 0) {
        accepted.push_back(result);
        if (armed && accepted.size() - first >= accepted_max && !std::exchange(disarming, true)) {
            loop.cancel(this, Request::accept);
        }
    }
    if (abandoned) {
        if (armed) return;
        std::erase(loop.retiring_listeners, this);
        delete this;
        return;
    }
    if (!armed && !stopped && result < 0 && is_exhaustion(-result)) {
        // The connection stays in the backlog: trying again at once would only spin.
        retry.arm(loop.loop.now() + exhausted_pause);
    } else if (!armed) {
        arm();
    }
    if (decided()) acceptor.end(loop.ready);
}

void Listener::State::stop() noexcept {
    if (std::exchange(stopped, true)) return;
    retry.disarm();
    if (armed && !std::exchange(disarming, true)) loop.cancel(this, Request::accept);
    loop.close_descriptor(std::exchange(descriptor, -1));
    // While armed, connections may still come; the waiter is told after the last one.
    if (!armed) acceptor.end(loop.ready);
}

void Listener::State::abandon() noexcept {
    HEADROOM_ASSERT(!acceptor.present());
    stop();
    std::erase(loop.to_arm, this);
    if (!armed) {
        delete this;
        return;
    }
    abandoned = true;
    loop.retiring_listeners.push_back(this);
}

Listener::Listener(Loop& loop, const ListenOptions& options) : state_(new State(loop.state(), options)) {}

Listener::~Listener() {
    state_->abandon();
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
    return listener_.decided();
}

void Listener::AcceptAwaiter::await_suspend(std::coroutine_handle<> waiter) noexcept {
    listener_.acceptor.wait(waiter);
}

Result<Socket> Listener::AcceptAwaiter::await_resume() noexcept {
    Listener::State& listener = listener_;
    listener.acceptor.clear();
    if (listener.first == listener.accepted.size()) return Error{ErrorCode::cancelled, Side::local, false};
    auto* socket = new Socket::State(listener.loop, Side::client);
    socket->descriptor = listener.accepted[listener.first++];
    socket->connected = true;
    socket->settle_soon();
    if (listener.first == listener.accepted.size()) {
        listener.accepted.clear();
        listener.first = 0;
        if (!listener.retry.armed()) listener.arm();
    }
    return Socket(socket);
}

} // namespace headroom::net
