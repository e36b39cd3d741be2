// The io_uring loop's insides: what Loop, Socket and Listener keep. Private to loop_uring*.cpp.
// Every request to the kernel is counted; what a request points to is deleted after its last completion only.
#pragma once

#include "net/loop.hpp"
#include "net/loop_uring_blocks.hpp"
#include "net/loop_uring_ring.hpp"
#include "net/random.hpp"
#include "net/ready_queue.hpp"
#include "net/socket_front.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace headroom::net {

/// What a completion is about; kept in the low bits of user_data beside the pointer to its owner.
enum class Request : std::uint8_t { unanswered, wake, accept, connect, receive, send, hang_up };

struct Loop::State {
    State(Loop& owner, const LoopOptions& options);
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    bool turn(Duration wait);
    /// Submits what is queued and waits until closed sockets are gone from the kernel.
    void finish() noexcept;
    /// Names the owner of a prepared entry's completion.
    static void tag(io_uring_sqe* entry, void* owner, Request request) noexcept;
    /// Asks the kernel to end the request with that owner; its completion still comes.
    void cancel(void* owner, Request request);
    void close_descriptor(int descriptor) noexcept;
    /// Whether the kernel still has requests of what was closed.
    bool retiring() const noexcept { return !retiring_sockets.empty() || !retiring_listeners.empty(); }

    Loop& loop;
    Random random;
    ReadyQueue ready;
    Ring ring;
    BlockRing small;
    BlockRing large;
    bool stopping = false;
    void (*hook)(void*) = nullptr;
    void* hook_context = nullptr;
    std::size_t sockets = 0; ///< in existence

    // Closed, with completions to come.
    std::vector<Socket::State*> retiring_sockets;
    std::vector<Listener::State*> retiring_listeners;
    std::vector<Listener::State*> to_arm; ///< listeners made since the last turn

    // Sockets to come back to at the end of the turn; each entry is counted in Socket::State::listed.
    std::vector<Socket::State*> to_settle;
    std::vector<Socket::State*> to_tell;
    std::vector<Socket::State*> starved; ///< receives that found no block

  private:
    friend class Loop;

    void arm_wake();
    void complete(const io_uring_cqe& completion);
    void tell_watchers();
    void feed_starved();
    void settle_sockets();
    void delete_retiring() noexcept;

    Duration spin_;
    int wake_descriptor_ = -1;
    std::uint64_t wakes_ = 0; ///< where the kernel puts the eventfd's counter
    bool wake_armed_ = false;
    bool woken_ = false;
    std::vector<Socket::State*> scratch_;
};

struct Socket::State : SocketFront {
    State(Loop::State& owner, Side whose) noexcept;
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void on_receive(int result, std::uint32_t flags);
    void on_send(int result) noexcept;
    void on_connect(int result) noexcept;
    void on_hang_up(int result, std::uint32_t flags) noexcept;
    /// Brings the armed receive in line with what the inbox has room for and what is expected next.
    void settle();
    void settle_soon();
    /// Queues news for the watcher, if there is one.
    void tell_soon();
    void submit_connect(const Endpoint& endpoint);
    void submit_send();
    void close() noexcept;
    void list(std::vector<State*>& list);
    /// One list membership less; deletes what is closed, in no list and unknown to the kernel.
    void unlist() noexcept;

    /// What receives in the kernel: one multishot into small blocks, or one receive into a large block.
    enum class Armed : std::uint8_t { none, small, large };

    Loop::State& loop;
    int descriptor = -1;
    Armed armed = Armed::none;
    bool disarming = false; ///< the armed receive was asked to end
    bool connected = false;
    bool closed = false;
    bool hang_up_armed = false;
    bool settling = false;  ///< in loop.to_settle
    bool told_soon = false; ///< in loop.to_tell
    bool starving = false;  ///< in loop.starved
    bool in_send = false;   ///< the kernel has the awaited send
    bool in_connect = false;
    std::uint16_t listed = 0;
    std::uint16_t requests = 0; ///< completions to come
    std::size_t retiring_place = 0;
    SendAwaiter* sending = nullptr;

  private:
    bool full() const noexcept;
    void arm();
    void disarm();
    void arm_hang_up();
    void delete_if_gone() noexcept;
};

struct Listener::State {
    State(Loop::State& owner, const ListenOptions& options);
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void on_accept(int result, std::uint32_t flags);
    void arm();
    void stop() noexcept;
    /// The listener is gone; deletes once the kernel has answered.
    void abandon() noexcept;
    /// Whether accept() has its result already.
    bool decided() const noexcept { return first < accepted.size() || (stopped && !armed); }

    Loop::State& loop;
    Endpoint local;
    int descriptor = -1;
    bool armed = false;
    bool disarming = false;
    bool stopped = false;
    bool abandoned = false;
    Waiter acceptor;
    std::vector<int> accepted; ///< descriptors nobody has asked for yet, oldest first from `first`
    std::size_t first = 0;
    Deadline retry; ///< while descriptors are exhausted
};

} // namespace headroom::net
