// Loop, Socket, Listener: the event loop of one thread and what it drives.
// One header, several implementations chosen when linking: loop_uring*.cpp (liburing), loop_epoll*.cpp, and
// the simulator of the tests. No other file makes a socket system call, reads a clock or draws a random
// number.
//
// Promises that hold in every implementation:
// - One thread. Coroutines are resumed by the loop, never from inside a call into it.
// - A receive is always armed while the socket is open and its inbox is not full, so a hang-up is seen at
// once.
// - At most one receive(), one send() and one connect() are awaited at a time on a socket.
// - The kernel owns buffers until it says otherwise: cancel() asks, and the awaited operation ends later,
// once.
// - Bytes for one turn are sent together: sends are queued and handed to the kernel once per turn.
#pragma once

#include "net/buffer.hpp"
#include "net/clock.hpp"
#include "net/deadline.hpp"
#include "net/endpoint.hpp"
#include "net/result.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace headroom::net {

class Listener;
class Socket;

struct LoopOptions {
    /// Bound on all buffers of this loop, the provided rings included.
    std::size_t memory_bytes_max = std::size_t{1} << 30;
    /// Receive blocks offered to the kernel at one time (io_uring; powers of two).
    std::uint32_t small_blocks = 64;
    std::uint32_t large_blocks = 16;
    /// Submission queue entries; shrunk when RLIMIT_MEMLOCK is small.
    std::uint32_t queue_entries = 512;
    /// Seed of random(); 0 draws one from the system.
    std::uint64_t seed = 0;
    /// Looks for events this long before it sleeps: lower latency for much more CPU. Zero: never.
    Duration spin{};
};

class Loop {
  public:
    struct State;

    /// "io_uring", "epoll" or "sim".
    static std::string_view name() noexcept;
    /// Tries a real round trip (io_uring: setup, NOP, buffer ring, multishot receive on a socket pair).
    /// The text says why the kernel refuses; empty when all is well.
    static std::string probe();

    /// Start-up: throws std::system_error with a text that says what to do.
    explicit Loop(const LoopOptions& options = {});
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    /// Every socket and listener must be gone.
    ~Loop();

    /// The time at the start of this turn.
    Time now() const noexcept { return now_; }
    WallTime wall_now() const noexcept;
    std::uint64_t random() noexcept;
    BufferPool& buffers() noexcept { return buffers_; }
    Deadlines& deadlines() noexcept { return deadlines_; }

    /// Turns until stop() is called.
    void run();
    /// Ends run() after this turn; own thread only. Before run(), it returns at once.
    void stop() noexcept;
    /// One turn; waits for an event for at most `wait`. Returns whether anything happened. For tests and
    /// simulation.
    bool turn(Duration wait);
    /// Makes the loop turn soon; any thread, also a signal handler.
    void wake() noexcept;
    /// `hook` is called at the top of every turn that follows a wake().
    void on_wake(void (*hook)(void* context), void* context) noexcept;
    /// Resumes `handle` from the loop, in this turn or the next; own thread only.
    void resume_soon(std::coroutine_handle<> handle);

    State& state() noexcept { return *state_; }

  private:
    friend struct State;
    Time now_;
    BufferPool buffers_;
    Deadlines deadlines_;
    std::unique_ptr<State> state_;
};

/// What a socket has for its owner while nobody awaits receive().
enum class Attention : std::uint8_t {
    readable, ///< bytes are waiting
    ended,    ///< the peer has sent FIN (bytes may still be waiting before it)
    failed,   ///< the connection is lost
};

/// One TCP connection. Move-only; the destructor closes it (no operation may be awaited then).
class Socket {
  public:
    struct State;

    Socket() noexcept = default;
    /// An unconnected socket on `loop`, for connect(). `side` goes into every Error.
    Socket(Loop& loop, Side side);
    Socket(Socket&& other) noexcept;
    Socket& operator=(Socket&& other) noexcept;
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket();

    bool open() const noexcept { return state_ != nullptr; }
    Loop& loop() const noexcept;
    Side side() const noexcept;
    /// The peer's address; asks the kernel the first time.
    Endpoint peer() const noexcept;

    class ConnectAwaiter;
    class ReceiveAwaiter;
    class SendAwaiter;

    /// Connects with TCP_NODELAY; Result<void>. Errors: refused, unreachable, timed_out, cancelled,
    /// no_descriptors.
    ConnectAwaiter connect(const Endpoint& endpoint) noexcept;
    /// The next received bytes; an empty Slice is the peer's FIN (again at every further call).
    /// Result<Slice>.
    ReceiveAwaiter receive() noexcept;
    /// Sends all bytes of `pieces`, which (and what they point to) must live until the end; the array may be
    /// changed. Result<void>. Never signals SIGPIPE. At most 1,024 pieces.
    SendAwaiter send(std::span<iovec> pieces) noexcept;

    /// Hint: about this many more bytes are expected (0: a head or small chunks). Picks the receive block
    /// size.
    void expect(std::size_t bytes) noexcept;
    /// Bytes, FIN or an error are waiting for the next receive().
    bool has_input() const noexcept;
    /// FIN or an error has been seen, even if bytes wait before it.
    bool peer_gone() const noexcept;
    /// `notify` is called from the loop for every new Attention that no receive() takes; null ends it.
    void watch(void (*notify)(void* context, Attention attention), void* context) noexcept;
    /// Ends an awaited receive() with ErrorCode::interrupted; bytes are kept for the next one. No-op
    /// otherwise.
    void interrupt_receive() noexcept;
    /// Ends an awaited send() with ErrorCode::interrupted: how much was sent is unknown, only receive() may
    /// follow.
    void interrupt_send() noexcept;
    /// Sticky: ends everything awaited with `error`, and every later operation at once with the same.
    void cancel(Error error) noexcept;
    /// Sends FIN after what was sent; receive() goes on.
    void shutdown_send() noexcept;
    /// Makes the coming close a RST, so that the peer cannot take a cut message for a whole one.
    void reset_on_close() noexcept;
    /// Closes now; nothing may be awaited. open() is false after it.
    void close() noexcept;

    State* state() const noexcept { return state_; }

  private:
    friend class Listener;
    friend class Loop;
    explicit Socket(State* state) noexcept : state_(state) {}
    State* state_ = nullptr;
};

class [[nodiscard]] Socket::ConnectAwaiter {
  public:
    ConnectAwaiter(State& socket, const Endpoint& endpoint) noexcept : socket_(socket), endpoint_(endpoint) {}
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> waiter) noexcept;
    Result<void> await_resume() noexcept;

  private:
    State& socket_;
    Endpoint endpoint_;
};

class [[nodiscard]] Socket::ReceiveAwaiter {
  public:
    explicit ReceiveAwaiter(State& socket) noexcept : socket_(socket) {}
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> waiter) noexcept;
    Result<Slice> await_resume() noexcept;

  private:
    State& socket_;
};

class [[nodiscard]] Socket::SendAwaiter {
  public:
    SendAwaiter(State& socket, std::span<iovec> pieces) noexcept : socket_(socket), pieces_(pieces) {}
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> waiter) noexcept;
    Result<void> await_resume() noexcept;

  private:
    friend struct State;
    friend class Loop;
    State& socket_;
    std::span<iovec> pieces_;
    msghdr message_{};
};

struct ListenOptions {
    Endpoint endpoint;
    bool reuse_port = true;
    int backlog = 4096;
};

/// A listening TCP socket. While descriptors are exhausted accepting pauses and goes on by itself.
class Listener {
  public:
    struct State;

    /// Start-up: throws std::system_error naming the address ("cannot listen on 0.0.0.0:80: Permission
    /// denied").
    Listener(Loop& loop, const ListenOptions& options);
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener();

    /// With the port that the kernel chose for port 0.
    Endpoint local() const noexcept;

    class AcceptAwaiter;
    /// The next connection, TCP_NODELAY set, side client. Result<Socket>; `cancelled` after stop().
    AcceptAwaiter accept() noexcept;
    /// Closes the listening socket: connections in its backlog that were not accepted are refused by the
    /// kernel.
    void stop() noexcept;

    State* state() const noexcept { return state_; }

  private:
    State* state_;
};

class [[nodiscard]] Listener::AcceptAwaiter {
  public:
    explicit AcceptAwaiter(Listener::State& listener) noexcept : listener_(listener) {}
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> waiter) noexcept;
    Result<Socket> await_resume() noexcept;

  private:
    Listener::State& listener_;
};

} // namespace headroom::net
