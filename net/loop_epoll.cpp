// The loop on epoll: one wait, one pass over the events, the coroutines, then the sends of the turn.
#include "net/loop_epoll.hpp"

#include "net/assert.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace headroom::net {
namespace {

constexpr std::size_t events_per_turn = 512;
/// From this many events on, sends wait for the end of the turn.
constexpr int busy_events = 16;
/// How often coroutines may run and send again inside one turn before the loop looks for events.
constexpr int rounds_per_turn = 4;

int milliseconds_of(Duration wait) noexcept {
    if (wait <= Duration::zero()) return 0;
    constexpr auto longest = std::chrono::minutes(1);
    if (wait > longest) return static_cast<int>(std::chrono::milliseconds(longest).count());
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

} // namespace

std::string_view Loop::name() noexcept {
    return "epoll";
}

std::string Loop::probe() {
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) return std::string("epoll_create1: ") + std::strerror(errno);
    ::close(descriptor);
    return {};
}

Loop::Loop(const LoopOptions& options)
    : now_(std::chrono::steady_clock::now()),
      buffers_(options.memory_bytes_max),
      deadlines_(now_),
      state_(std::make_unique<State>(*this, options)) {}

Loop::~Loop() = default;

WallTime Loop::wall_now() const noexcept {
    return std::chrono::system_clock::now();
}

std::uint64_t Loop::random() noexcept {
    return state_->random.next();
}

void Loop::run() {
    while (!state_->stopping)
        state_->turn(Duration::max());
    state_->stopping = false;
}

void Loop::stop() noexcept {
    state_->stopping = true;
}

bool Loop::turn(Duration wait) {
    return state_->turn(wait);
}

void Loop::wake() noexcept {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the loop is being woken anyway.
    [[maybe_unused]] const auto written = ::write(state_->wake_descriptor, &one, sizeof one);
}

void Loop::on_wake(void (*hook)(void* context), void* context) noexcept {
    state_->hook = hook;
    state_->hook_context = context;
}

void Loop::resume_soon(std::coroutine_handle<> handle) {
    state_->ready.push(handle);
}

Loop::State::State(Loop& owner, const LoopOptions& options)
    : loop(owner), random(options.seed), spin(options.spin), events_(events_per_turn) {
    epoll_descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_descriptor < 0) {
        throw std::system_error(errno, std::generic_category(), "cannot create an epoll instance");
    }
    wake_descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_descriptor < 0 || !watch(wake_descriptor, wake_source)) {
        const int error_number = errno;
        if (wake_descriptor >= 0) ::close(wake_descriptor);
        ::close(epoll_descriptor);
        throw std::system_error(error_number, std::generic_category(), "cannot create an eventfd");
    }
}

Loop::State::~State() {
    for (auto* list : {&to_send, &to_receive, &starved, &to_tell}) {
        for (Socket::State* socket : *list)
            socket->unlist();
    }
    HEADROOM_ASSERT(sockets == 0);
    ::close(wake_descriptor);
    ::close(epoll_descriptor);
}

bool Loop::State::watch(int descriptor, EventSource& source) const noexcept {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    if (source.kind == EventSource::Kind::socket) event.events |= EPOLLOUT | EPOLLRDHUP;
    event.data.ptr = &source;
    return ::epoll_ctl(epoll_descriptor, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool Loop::State::turn(Duration wait) {
    ++turns;
    const int count = wait_for_events(wait);
    loop.now_ = std::chrono::steady_clock::now();
    busy_ = count > busy_events;
    for (int i = 0; i < count; ++i)
        dispatch(events_[static_cast<std::size_t>(i)]);
    if (std::exchange(woken_, false) && hook != nullptr) hook(hook_context);
    loop.deadlines_.advance(loop.now_);
    receive_later();
    const std::size_t resumed = run_ready();
    tell_watchers();
    feed_starved();
    return count > 0 || resumed > 0;
}

int Loop::State::wait_for_events(Duration wait) {
    const bool pending =
        !ready.empty() || !to_receive.empty() || !to_send.empty() || !to_tell.empty() || !to_accept.empty();
    const Duration longest =
        pending ? Duration::zero() : std::min(wait, loop.deadlines_.sleep_bound(loop.now_));
    const auto look = [this](int timeout_ms) {
        const int count =
            ::epoll_wait(epoll_descriptor, events_.data(), static_cast<int>(events_.size()), timeout_ms);
        HEADROOM_ASSERT(count >= 0 || errno == EINTR);
        return std::max(count, 0);
    };
    if (spin > Duration::zero() && longest > Duration::zero()) {
        const Time until = std::chrono::steady_clock::now() + std::min(spin, longest);
        do {
            const int count = look(0);
            if (count > 0) return count;
        } while (std::chrono::steady_clock::now() < until);
    }
    return look(milliseconds_of(longest));
}

void Loop::State::dispatch(const epoll_event& event) {
    auto* source = static_cast<EventSource*>(event.data.ptr);
    switch (source->kind) {
        case EventSource::Kind::socket: static_cast<Socket::State*>(source)->on_events(event.events); return;
        case EventSource::Kind::listener: static_cast<Listener::State*>(source)->on_events(); return;
        case EventSource::Kind::wake: {
            std::uint64_t wakes = 0;
            woken_ = ::read(wake_descriptor, &wakes, sizeof wakes) == sizeof wakes || woken_;
            return;
        }
    }
}

std::size_t Loop::State::run_ready() {
    std::size_t resumed = 0;
    std::vector<Listener::State*> listeners;
    std::swap(listeners, to_accept);
    for (Listener::State* listener : listeners) {
        listener->listed = false;
        listener->on_events();
    }
    for (int round = 0; round < rounds_per_turn; ++round) {
        const std::size_t count = ready.run();
        resumed += count;
        flush_sends();
        if (ready.empty()) break;
    }
    return resumed;
}

void Loop::State::flush_sends() {
    if (to_send.empty()) return;
    std::swap(scratch_, to_send);
    for (Socket::State* socket : scratch_) {
        if (socket->sender.waiting() && socket->send_now()) socket->sender.end(ready);
        socket->unlist();
    }
    scratch_.clear();
}

void Loop::State::receive_later() {
    if (to_receive.empty()) return;
    std::swap(scratch_, to_receive);
    for (Socket::State* socket : scratch_) {
        socket->receive_now();
        socket->unlist();
    }
    scratch_.clear();
}

void Loop::State::feed_starved() {
    if (starved.empty() || !loop.buffers_.has_room_for(BufferPool::small_bytes)) return;
    std::swap(scratch_, starved);
    for (Socket::State* socket : scratch_) {
        socket->receive_now();
        socket->unlist();
    }
    scratch_.clear();
}

void Loop::State::tell_watchers() {
    if (to_tell.empty()) return;
    std::vector<Socket::State*> sockets_to_tell;
    std::swap(sockets_to_tell, to_tell);
    for (Socket::State* socket : sockets_to_tell) {
        socket->told_soon = false;
        socket->tell(socket->has_bytes());
        socket->unlist();
    }
}

} // namespace headroom::net
