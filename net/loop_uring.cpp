// The loop on io_uring: one enter per turn submits, waits and collects; then the coroutines run.
#include "net/loop_uring.hpp"

#include "net/assert.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace headroom::net {
namespace {

constexpr std::uint16_t small_group = 0;
constexpr std::uint16_t large_group = 1;
/// Requests are told apart in the low bits of pointers that `new` aligns to sixteen bytes.
constexpr std::uint64_t request_mask = 7;
/// How often a loop that ends looks whether the kernel has let go of what was closed.
constexpr int finish_turns_max = 500;

} // namespace

std::string_view Loop::name() noexcept {
    return "io_uring";
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
    state_->finish();
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
    [[maybe_unused]] const auto written = ::write(state_->wake_descriptor_, &one, sizeof one);
}

void Loop::on_wake(void (*hook)(void* context), void* context) noexcept {
    state_->hook = hook;
    state_->hook_context = context;
}

void Loop::resume_soon(std::coroutine_handle<> handle) {
    state_->ready.push(handle);
}

Loop::State::State(Loop& owner, const LoopOptions& options)
    : loop(owner),
      random(options.seed),
      ring(options.queue_entries),
      small(ring.get(), owner.buffers_, BlockSize::small, small_group, options.small_blocks),
      large(ring.get(), owner.buffers_, BlockSize::large, large_group, options.large_blocks),
      spin_(options.spin),
      wake_descriptor_(::eventfd(0, EFD_CLOEXEC)) {
    if (wake_descriptor_ < 0) {
        throw std::system_error(errno, std::generic_category(), "cannot create an eventfd");
    }
}

Loop::State::~State() {
    finish();
    ring.close();
    for (auto* list : {&to_settle, &to_tell, &starved}) {
        for (Socket::State* socket : *list)
            socket->unlist();
    }
    delete_retiring();
    HEADROOM_ASSERT(sockets == 0);
    ::close(wake_descriptor_);
}

/// With the ring closed no completion comes any more; there are some only when another thread than the loop's
/// closed sockets after its last turn.
void Loop::State::delete_retiring() noexcept {
    for (const Socket::State* socket : retiring_sockets)
        delete socket;
    for (const Listener::State* listener : retiring_listeners)
        delete listener;
}

void Loop::State::tag(io_uring_sqe* entry, void* owner, Request request) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(owner);
    HEADROOM_ASSERT((address & request_mask) == 0);
    io_uring_sqe_set_data64(entry, address | static_cast<std::uint64_t>(request));
}

void Loop::State::cancel(void* owner, Request request) {
    io_uring_sqe* entry = ring.entry();
    io_uring_prep_cancel64(entry,
                           reinterpret_cast<std::uintptr_t>(owner) | static_cast<std::uint64_t>(request), 0);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    tag(entry, nullptr, Request::unanswered);
}

void Loop::State::close_descriptor(int descriptor) noexcept {
    if (!ring.is_mine()) { // before the first turn, or after the last: nothing waits in the queue
        ::close(descriptor);
        return;
    }
    // In the queue, not by close(2): requests on the descriptor may wait there before it.
    io_uring_sqe* entry = ring.entry();
    io_uring_prep_close(entry, descriptor);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    tag(entry, nullptr, Request::unanswered);
}

void Loop::State::arm_wake() {
    io_uring_sqe* entry = ring.entry();
    io_uring_prep_read(entry, wake_descriptor_, &wakes_, sizeof wakes_, 0);
    tag(entry, nullptr, Request::wake);
    wake_armed_ = true;
}

bool Loop::State::turn(Duration wait) {
    if (!wake_armed_) arm_wake();
    for (Listener::State* listener : std::exchange(to_arm, {}))
        listener->arm();
    settle_sockets(); // what happened between turns
    const bool pending = !ready.empty() || !to_tell.empty();
    const Duration longest =
        pending ? Duration::zero() : std::min(wait, loop.deadlines_.sleep_bound(loop.now_));
    if (spin_ > Duration::zero() && longest > Duration::zero()) {
        ring.enter_spinning(spin_, longest);
    } else {
        ring.enter(longest);
    }
    loop.now_ = std::chrono::steady_clock::now();
    const unsigned completed = ring.reap([this](const io_uring_cqe& completion) { complete(completion); });
    if (std::exchange(woken_, false) && hook != nullptr) hook(hook_context);
    loop.deadlines_.advance(loop.now_);
    const std::size_t resumed = ready.run();
    tell_watchers();
    feed_starved();
    settle_sockets();
    small.publish();
    large.publish();
    return completed > 0 || resumed > 0;
}

void Loop::State::complete(const io_uring_cqe& completion) {
    const std::uint64_t data = io_uring_cqe_get_data64(&completion);
    void* owner = reinterpret_cast<void*>(data & ~request_mask); // NOLINT(performance-no-int-to-ptr)
    switch (static_cast<Request>(data & request_mask)) {
        case Request::unanswered: return;
        case Request::wake:
            wake_armed_ = false;
            woken_ = true;
            return;
        case Request::accept:
            static_cast<Listener::State*>(owner)->on_accept(completion.res, completion.flags);
            return;
        case Request::connect: static_cast<Socket::State*>(owner)->on_connect(completion.res); return;
        case Request::receive:
            static_cast<Socket::State*>(owner)->on_receive(completion.res, completion.flags);
            return;
        case Request::send: static_cast<Socket::State*>(owner)->on_send(completion.res); return;
        case Request::hang_up:
            static_cast<Socket::State*>(owner)->on_hang_up(completion.res, completion.flags);
            return;
    }
}

void Loop::State::tell_watchers() {
    if (to_tell.empty()) return;
    std::swap(scratch_, to_tell);
    for (Socket::State* socket : scratch_) {
        socket->told_soon = false;
        socket->tell(socket->inbox.pieces() != 0);
        socket->unlist();
    }
    scratch_.clear();
}

void Loop::State::feed_starved() {
    const bool fed = small.refill();
    large.refill();
    if (starved.empty() || !fed) return;
    // As many as there are blocks, oldest first: more would only find the ring empty again.
    const std::size_t count = std::min<std::size_t>(starved.size(), small.offered());
    scratch_.assign(starved.begin(), starved.begin() + static_cast<std::ptrdiff_t>(count));
    starved.erase(starved.begin(), starved.begin() + static_cast<std::ptrdiff_t>(count));
    for (Socket::State* socket : scratch_) {
        socket->starving = false;
        socket->settle_soon();
        socket->unlist();
    }
    scratch_.clear();
}

void Loop::State::settle_sockets() {
    if (to_settle.empty()) return;
    std::swap(scratch_, to_settle);
    for (Socket::State* socket : scratch_) {
        socket->settling = false;
        socket->settle();
        socket->unlist();
    }
    scratch_.clear();
}

void Loop::State::finish() noexcept {
    if (!ring.is_mine()) return;
    for (int turns = 0; turns < finish_turns_max; ++turns) {
        ring.enter(retiring() ? std::chrono::milliseconds(1) : Duration::zero());
        ring.reap([this](const io_uring_cqe& completion) { complete(completion); });
        if (!retiring()) return;
    }
}

} // namespace headroom::net
