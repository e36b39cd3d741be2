// The epoll loop's insides: what Loop, Socket and Listener keep. Private to loop_epoll*.cpp.
// Every descriptor is registered once, edge-triggered; readiness is remembered in flags. Sockets are read
// only when somebody receives, so the kernel's own buffers are the bound. Sends of a busy turn are made
// together at its end.
#pragma once

#include "net/loop.hpp"
#include "net/random.hpp"
#include "net/ready_queue.hpp"
#include "net/socket_front.hpp"

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace headroom::net {

/// What an epoll event points to.
struct EventSource {
    enum class Kind : std::uint8_t { wake, socket, listener };
    Kind kind;
};

struct Loop::State {
    State(Loop& owner, const LoopOptions& options);
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    bool turn(Duration wait);
    /// False with errno set when the kernel has no room for one more.
    bool watch(int descriptor, EventSource& source) const noexcept;
    /// Whether this turn has so many events that its sends are better made together.
    bool busy() const noexcept { return busy_; }

    Loop& loop;
    Random random;
    ReadyQueue ready;
    EventSource wake_source{EventSource::Kind::wake};
    int epoll_descriptor = -1;
    int wake_descriptor = -1;
    bool stopping = false;
    void (*hook)(void*) = nullptr;
    void* hook_context = nullptr;
    std::uint32_t turns = 0;
    std::size_t sockets = 0;
    Duration spin;

    // Sockets to come back to; each entry is counted in Socket::State::listed.
    std::vector<Socket::State*> to_send;    ///< sends of this turn
    std::vector<Socket::State*> to_receive; ///< receives put off to the next turn, for fairness
    std::vector<Socket::State*> starved;    ///< receives that found no block
    std::vector<Socket::State*> to_tell;    ///< watchers with news
    std::vector<Listener::State*> to_accept;

  private:
    int wait_for_events(Duration wait);
    void dispatch(const epoll_event& event);
    std::size_t run_ready();
    void flush_sends();
    void receive_later();
    void feed_starved();
    void tell_watchers();

    std::vector<Socket::State*> scratch_;
    std::vector<epoll_event> events_;
    bool busy_ = false;
    bool woken_ = false;
};

struct Socket::State : EventSource, SocketFront {
    State(Loop::State& owner, Side whose) noexcept;
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void on_events(std::uint32_t events);
    /// Reads one block's worth into the empty inbox if the socket is readable; false when no block is to be
    /// had.
    bool fill();
    /// As fill(), then ends the waiter if there is something for it.
    void receive_now();
    /// Sends until all is sent, the socket is full, or it failed; true when the send has ended.
    bool send_now() noexcept;
    void end_connect(int error_number) noexcept;
    /// Queues news for the watcher, if there is one.
    void tell_soon();
    /// Whether bytes can be read now.
    bool has_bytes() const noexcept;
    void list(std::vector<State*>& list);
    /// One list membership less; deletes what is closed and in no list.
    void unlist() noexcept;
    void close() noexcept;
    /// Spends one of this turn's immediate operations; false when the others must come first.
    bool spend() noexcept;

    Loop::State& loop;
    int descriptor = -1;
    bool connecting = false;
    bool readable = false; ///< the kernel may have bytes or an end for us
    bool writable = true;
    bool closed = false;
    bool told_soon = false; ///< in loop.to_tell
    std::uint16_t spent = 0;
    std::uint16_t listed = 0;
    std::uint32_t spent_turn = 0;
    SendAwaiter* sending = nullptr;
};

struct Listener::State : EventSource {
    State(Loop::State& owner, const ListenOptions& options);
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void on_events();
    /// Accepts one connection into `accepted`; false when there is none, for now.
    bool accept_now();
    void stop() noexcept;

    Loop::State& loop;
    Endpoint local;
    int descriptor = -1;
    bool ready = true;   ///< the backlog may have a connection
    bool listed = false; ///< in loop.to_accept
    std::uint16_t spent = 0;
    std::uint32_t spent_turn = 0;
    Waiter acceptor;
    Socket accepted;
    Deadline retry; ///< while descriptors are exhausted
};

} // namespace headroom::net
