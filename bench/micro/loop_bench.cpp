// What the loop itself costs: a relay without any HTTP between clients and backends that a plain driver
// plays. The relay runs on a thread of its own; `cpu_us` is that thread's CPU time per request or chunk,
// which is what to compare between loops and between changes (interleave the runs: the machine's noise is ten
// per cent).
#include "net/gate.hpp"
#include "net/loop.hpp"

#include <benchmark/benchmark.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace headroom::net {
namespace {

constexpr std::size_t held_pieces_max = 64;

void require(bool condition, const char* what) {
    if (condition) return;
    std::perror(what);
    std::abort();
}

/// How much a request and its response are, and whether the relay gathers a request before it sends it on.
struct Work {
    std::size_t request_bytes = 0;
    std::size_t response_bytes = 0;
};

/// The thing measured: pairs every client with a connection to the backend and moves bytes both ways.
class Relay {
  public:
    Relay(Endpoint backend, Work work)
        : backend_(backend),
          work_(work),
          loop_(std::make_unique<Loop>()),
          listener_(std::make_unique<Listener>(*loop_,
                                               ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0)})) {
        loop_->on_wake([](void* self) { static_cast<Relay*>(self)->stop(); }, this);
        (void)gate_.spawn(accept());
        thread_ = std::thread([this] { loop_->run(); });
    }
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    ~Relay() {
        loop_->wake();
        thread_.join();
    }

    Endpoint endpoint() const { return listener_->local(); }
    double cpu_seconds() {
        clockid_t clock{};
        require(::pthread_getcpuclockid(thread_.native_handle(), &clock) == 0, "pthread_getcpuclockid");
        timespec spent{};
        ::clock_gettime(clock, &spent);
        return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
    }

  private:
    struct Pair {
        Socket client;
        Socket backend;
    };

    void stop() {
        listener_->stop();
        (void)closing_.spawn(close());
    }
    Task<void> close() {
        co_await gate_.close();
        loop_->stop();
    }
    Task<void> accept() {
        while (true) {
            Result<Socket> client = co_await listener_->accept();
            if (!client.ok()) co_return;
            (void)gate_.spawn(serve(std::move(*client)));
        }
    }
    Task<void> serve(Socket client) {
        Pair pair{.client = std::move(client), .backend = Socket(*loop_, Side::backend)};
        const Result<void> connected = co_await pair.backend.connect(backend_);
        if (!connected.ok()) co_return;
        Gate ways;
        (void)ways.spawn(pump(&pair.client, &pair.backend, work_.request_bytes));
        (void)ways.spawn(pump(&pair.backend, &pair.client, 0));
        co_await ways.close();
    }
    /// Sends on what comes; messages of `message_bytes` are gathered first, as a body that may be sent again.
    Task<void> pump(Socket* from, Socket* to, std::size_t message_bytes) {
        std::vector<Slice> held;
        std::vector<iovec> pieces;
        std::size_t gathered = 0;
        while (true) {
            Result<Slice> received = co_await from->receive();
            if (!received.ok() || received->empty()) break;
            gathered += received->size();
            held.push_back(std::move(*received));
            if (gathered < message_bytes && held.size() < held_pieces_max) {
                from->expect(message_bytes - gathered);
                continue;
            }
            from->expect(0);
            gathered = 0;
            pieces.clear();
            for (Slice& slice : held)
                pieces.push_back({slice.mutable_data(), slice.size()});
            const Result<void> sent = co_await to->send(pieces);
            held.clear();
            if (!sent.ok()) break;
        }
        to->cancel(Error{ErrorCode::cancelled, Side::local, false});
    }

    Endpoint backend_;
    Work work_;
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<Listener> listener_;
    Gate gate_;
    Gate closing_;
    std::thread thread_;
};

/// One end that the driver plays: counts bytes up to a whole message.
struct End {
    int descriptor = -1;
    bool client = false;
    std::size_t got = 0;
};

/// Plays clients and backend on plain epoll, on the calling thread.
class Driver {
  public:
    Driver(std::size_t connections, Work work) : work_(work), message_(256 * 1024, 'x') {
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        Endpoint any = *Endpoint::parse("127.0.0.1", 0);
        require(::bind(listening, any.address(), any.length()) == 0 && ::listen(listening, 1024) == 0,
                "listen");
        sockaddr_storage storage{};
        socklen_t length = sizeof storage;
        ::getsockname(listening, reinterpret_cast<sockaddr*>(&storage), &length);
        relay_ = std::make_unique<Relay>(
            *Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length), work);
        const Endpoint relay = relay_->endpoint();
        for (std::size_t i = 0; i < connections; ++i) {
            const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            require(::connect(client, relay.address(), relay.length()) == 0, "connect");
            add(client, true);
            const int backend = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
            require(backend >= 0, "accept");
            add(backend, false);
        }
        ::close(listening);
    }
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    ~Driver() {
        for (const auto& end : ends_)
            ::close(end->descriptor);
        relay_.reset();
        ::close(epoll_);
    }

    /// Sends `bytes` from end number `place` of the clients or the backends.
    void send(std::size_t place, bool client, std::size_t bytes) {
        write(*ends_[place * 2 + (client ? 0 : 1)], bytes);
    }
    /// Handles what comes within `wait_ms`; returns how many whole responses clients have got.
    std::size_t turn(int wait_ms, bool answering) {
        std::array<epoll_event, 256> events{};
        const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
        std::size_t responses = 0;
        for (int i = 0; i < count; ++i) {
            End& end = *static_cast<End*>(events[static_cast<std::size_t>(i)].data.ptr);
            const ssize_t received = ::recv(end.descriptor, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
            if (received <= 0) continue;
            end.got += static_cast<std::size_t>(received);
            const std::size_t whole = end.client ? work_.response_bytes : work_.request_bytes;
            for (; whole != 0 && end.got >= whole; end.got -= whole) {
                if (end.client) ++responses;
                if (answering) write(end, end.client ? work_.request_bytes : work_.response_bytes);
            }
        }
        return responses;
    }
    Relay& relay() { return *relay_; }

  private:
    void add(int descriptor, bool client) {
        const int on = 1;
        ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ends_.push_back(std::make_unique<End>(End{.descriptor = descriptor, .client = client}));
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = ends_.back().get();
        require(::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll_ctl");
    }
    void write(const End& end, std::size_t bytes) const {
        const ssize_t sent = ::send(end.descriptor, message_.data(), bytes, MSG_NOSIGNAL);
        require(sent == static_cast<ssize_t>(bytes), "send");
    }

    Work work_;
    std::string message_;
    std::array<char, 256 * 1024> buffer_{};
    std::vector<std::unique_ptr<End>> ends_;
    std::unique_ptr<Relay> relay_;
    int epoll_ = -1;
};

void report(benchmark::State& state, double cpu_seconds, std::size_t operations) {
    state.SetItemsProcessed(static_cast<std::int64_t>(operations));
    state.counters["cpu_us"] = operations == 0 ? 0 : cpu_seconds * 1e6 / static_cast<double>(operations);
    state.SetLabel(std::string(Loop::name()));
}

/// Requests and responses at saturation: connections, request bytes, response bytes.
void relay_requests(benchmark::State& state) {
    const Work work{.request_bytes = static_cast<std::size_t>(state.range(1)),
                    .response_bytes = static_cast<std::size_t>(state.range(2))};
    const auto connections = static_cast<std::size_t>(state.range(0));
    Driver driver(connections, work);
    for (std::size_t i = 0; i < connections; ++i)
        driver.send(i, true, work.request_bytes);
    for (std::size_t warm = 0; warm < connections * 4;)
        warm += driver.turn(10, true);
    const double before = driver.relay().cpu_seconds();
    std::size_t responses = 0;
    for (auto _ : state) {
        for (std::size_t batch = 0; batch < connections;) {
            const std::size_t got = driver.turn(10, true);
            batch += got;
            responses += got;
        }
    }
    report(state, driver.relay().cpu_seconds() - before, responses);
}

/// Streams at a fixed pace: streams, milliseconds between the chunks of one stream, chunk bytes.
void relay_streams(benchmark::State& state) {
    const auto streams = static_cast<std::size_t>(state.range(0));
    const auto interval = std::chrono::milliseconds(state.range(1));
    const Work work{.response_bytes = static_cast<std::size_t>(state.range(2))};
    Driver driver(streams, work);
    for (std::size_t i = 0; i < streams; ++i)
        driver.send(i, false, work.response_bytes);
    for (std::size_t warm = 0; warm < streams;)
        warm += driver.turn(10, false);
    const double before = driver.relay().cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    std::size_t sent = 0;
    std::size_t received = 0;
    for (auto _ : state) { // one iteration is one chunk of every stream
        for (const std::size_t until = sent + streams; sent < until;) {
            const auto due =
                static_cast<std::size_t>((std::chrono::steady_clock::now() - start) * streams / interval);
            for (; sent < std::min(due, until); ++sent)
                driver.send(sent % streams, false, work.response_bytes);
            received += driver.turn(0, false);
        }
    }
    while (received < sent)
        received += driver.turn(10, false);
    report(state, driver.relay().cpu_seconds() - before, received);
}

BENCHMARK(relay_requests)
    ->ArgNames({"connections", "request", "response"})
    ->Args({1, 2048, 1536})
    ->Args({64, 2048, 1536})
    ->Args({64, 65536, 1536})
    ->Args({16, 2048, 65536})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();
BENCHMARK(relay_streams)
    ->ArgNames({"streams", "every_ms", "bytes"})
    ->Args({40, 1, 200})
    ->Args({600, 20, 200})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

} // namespace
} // namespace headroom::net
