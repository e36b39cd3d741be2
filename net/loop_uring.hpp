// The io_uring loop's insides: what Loop, Socket and Listener keep. Private to loop_uring*.cpp.
// Every request to the kernel is counted; what a request points to is deleted after its last completion only.
#pragma once

#include "net/inbox.hpp"
#include "net/loop.hpp"
#include "net/loop_uring_blocks.hpp"
#include "net/loop_uring_ring.hpp"
#include "net/random.hpp"
#include "net/ready_queue.hpp"

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
    void close_descriptor(int descriptor);

    Loop& loop;
    Random random;
    ReadyQueue ready;
    Ring ring;
    BlockRing small;
    BlockRing large;
    bool stopping = false;
    void (*hook)(void*) = nullptr;
    void* hook_context = nullptr;
    std::size_t sockets = 0;  ///< in existence
    std::size_t retiring = 0; ///< closed, with completions to come

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

    Duration spin_;
    int wake_descriptor_ = -1;
    std::uint64_t wakes_ = 0; ///< where the kernel puts the eventfd's counter
    bool wake_armed_ = false;
    bool woken_ = false;
    std::vector<Socket::State*> scratch_;
};

struct Socket::State {
    State(Loop::State& owner, Side whose) noexcept;
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void on_receive(int result, std::uint32_t flags);
    void on_send(int result) noexcept;
    void on_connect(int result) noexcept;
    void on_hang_up() noexcept;
    /// Brings the receive in line with what the inbox has room for and what is expected next.
    void settle();
    void settle_soon();
    void submit_send();
    void close() noexcept;
    void list(std::vector<State*>& list);
    void unlist() noexcept;
    /// Queues news for the watcher, if there is one.
    void tell_soon();
    void fail_connect(int error_number) noexcept;
    bool cancelled() const noexcept { return sticky.code != ErrorCode::none; }

    /// What receives in the kernel: one multishot into small blocks, or one receive into a large block.
    enum class Armed : std::uint8_t { none, small, large };

    Loop::State& loop;
    int descriptor = -1;
    Side side;
    Armed armed = Armed::none;
    bool disarming = false; ///< the armed receive was asked to end
    bool connected = false;
    bool lost = false; ///< the connection failed; bytes received before that may still come
    bool closed = false;
    bool hang_up_armed = false;
    bool settling = false;  ///< in loop.to_settle
    bool told_soon = false; ///< in loop.to_tell
    bool starving = false;  ///< in loop.starved
    bool in_send = false;   ///< the kernel has the awaited send
    bool in_connect = false;
    bool receive_interrupted = false;
    bool send_interrupted = false;
    std::uint16_t listed = 0;
    std::uint16_t requests = 0; ///< completions to come
    int lost_errno = 0;
    Error sticky;
    Error send_error;
    Error connect_failure;
    std::size_t expected_bytes = 0;
    SendAwaiter* sending = nullptr;
    Waiter receiver;
    Waiter sender;
    Waiter connector;
    Inbox inbox;
    Watch watcher;
    std::unique_ptr<Endpoint> peer;

  private:
    void arm();
    void disarm();
    void arm_hang_up();
    void keep(Slice piece);
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
