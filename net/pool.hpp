// ConnectionPool: the warm connections of one shard to one destination.
// Last in, first out, so that the warmest is used and the rest can age out. An idle connection is watched:
// when the peer closes it or sends anything, it leaves the pool before anybody can take it.
// A connection comes back only when its last exchange ended provably clean (Handle::keep).
#pragma once

#include "net/stream.hpp"
#include "net/task.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace headroom::net {

struct PoolOptions {
    std::string server_name;    ///< for SNI and the certificate check
    TlsContext* tls = nullptr;  ///< null: plain
    std::size_t idle_max = 256; ///< idle connections kept
    Duration idle_for_max = std::chrono::seconds(60);
    Duration connect_timeout = std::chrono::seconds(5); ///< one address, TCP and TLS together
};

/// What a pool has done so far: written by its thread alone, read by any (relaxed: each number on its own).
struct PoolCounters {
    std::atomic<std::uint64_t> connects{0};         ///< connections made, TLS included
    std::atomic<std::uint64_t> connect_failures{0}; ///< addresses that could not be connected to
    std::atomic<std::uint64_t> reuses{0};           ///< idle connections taken
    std::atomic<std::uint64_t> stale_evictions{0};  ///< idle connections that the peer ended
    std::atomic<std::uint64_t> aged{0};             ///< idle connections closed for their age
    std::atomic<std::uint64_t> tls_handshakes{0};   ///< completed, the short ones included
    std::atomic<std::uint64_t> tls_resumptions{0};  ///< short ones
};

class ConnectionPool {
  public:
    struct Connection;

    ConnectionPool(Loop& loop, PoolOptions options);
    ConnectionPool(const ConnectionPool&) = delete;
    ConnectionPool& operator=(const ConnectionPool&) = delete;
    /// Closes what is idle; no Handle may be out.
    ~ConnectionPool();

    /// Addresses to connect to, in order of preference; connections to addresses no longer listed age out.
    void set_endpoints(std::vector<Endpoint> endpoints);

    /// One connection in use. Destroyed without keep(): closed.
    class Handle {
      public:
        Handle() noexcept = default;
        Handle(Handle&& other) noexcept;
        Handle& operator=(Handle&& other) noexcept;
        Handle(const Handle&) = delete;
        Handle& operator=(const Handle&) = delete;
        ~Handle();

        explicit operator bool() const noexcept { return connection_ != nullptr; }
        /// Taken from the idle ones: a failure before the first response byte may be a stale connection.
        bool reused() const noexcept;
        Stream& stream() noexcept;
        /// For a handle of fresh(): tries the addresses in turn, TLS included. Errors as Socket::connect and
        /// Stream::connect_tls.
        Task<Result<void>> connect();
        /// Where it is connected to, or tried last.
        const Endpoint& endpoint() const noexcept;
        /// Why connect() failed last, for the log: "10.0.0.4:443: certificate has expired (...)".
        const std::string& failure() const noexcept;
        /// Ends a connect() or whatever is awaited on the stream with `error`.
        void cancel(Error error) noexcept;
        /// The exchange ended cleanly: on destruction the connection goes back to the pool.
        void keep() noexcept;
        /// Closes now; the handle is empty after it. Nothing may be awaited.
        void close() noexcept;

      private:
        friend class ConnectionPool;
        explicit Handle(Connection* connection) noexcept : connection_(connection) {}
        Connection* connection_ = nullptr;
    };

    /// An idle connection, or an empty Handle when there is none.
    Handle take_idle() noexcept;
    /// A handle to connect().
    Handle fresh();

    std::size_t idle() const noexcept;
    std::size_t in_use() const noexcept;
    const PoolCounters& counters() const noexcept;
    /// Closes all idle connections (their destination is thought dead, or at shutdown).
    void drop_idle() noexcept;

  private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace headroom::net
