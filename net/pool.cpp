// The pool's lists and the life of a connection: connecting, in use, idle, gone.
#include "net/pool.hpp"

#include "net/assert.hpp"
#include "net/tls/session.hpp"
#include "net/tls/session_cache.hpp"

#include <algorithm>
#include <utility>

namespace headroom::net {
namespace {

/// Connection objects kept for the next ones.
constexpr std::size_t spare_max = 64;

void count(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); // one writer
}

} // namespace

struct ConnectionPool::Connection {
    enum class Phase : std::uint8_t { spare, connecting, in_use, idle };

    Connection(Inside& inside, Deadlines& deadlines) noexcept
        : pool(inside), deadline(deadlines, on_deadline, this) {}

    Task<Result<void>> connect();
    Task<Result<void>> attempt();
    void note_failure(Error error);
    void cancel(Error error) noexcept;
    bool clean() noexcept;
    static void on_deadline(void* self) noexcept;
    static void on_attention(void* self, Attention attention) noexcept;

    Inside& pool;
    Stream stream;
    Endpoint endpoint;
    std::string failure;
    Deadline deadline;           ///< of one address while connecting, of idleness while idle
    Connection* newer = nullptr; ///< among the idle ones
    Connection* older = nullptr; ///< among the idle ones; the next among the spare ones
    Error cancelled;
    std::uint64_t generation = 0; ///< of the address list that its address was last seen in
    Phase phase = Phase::spare;
    bool reused = false;
    bool keep = false;
};

struct ConnectionPool::Inside {
    Inside(Loop& on, PoolOptions given) : loop(on), options(std::move(given)) {}
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside();

    Connection* obtain();
    /// Ends the use of a connection: idle again when it is clean and was to be kept, else closed.
    void put_back(Connection& connection) noexcept;
    void retire(Connection& connection) noexcept;
    void push_idle(Connection& connection) noexcept;
    void remove_idle(Connection& connection) noexcept;
    void close_idle(Connection& connection, std::atomic<std::uint64_t>& why) noexcept;
    /// The listed addresses, the one that answered last first.
    std::vector<Endpoint> in_order() const;
    /// Whether its address is still listed.
    bool lists(Connection& connection) const noexcept;

    Loop& loop;
    PoolOptions options;
    std::vector<Endpoint> endpoints;
    std::uint64_t generation = 0; ///< of `endpoints`
    Endpoint answered_last;
    TlsSessionCache sessions;
    PoolCounters counters;
    Connection* newest = nullptr;
    Connection* oldest = nullptr;
    Connection* spare = nullptr;
    std::size_t idle = 0;
    std::size_t in_use = 0;
    std::size_t spares = 0;
};

// ---- connection ----

Task<Result<void>> ConnectionPool::Connection::connect() {
    HEADROOM_ASSERT(phase == Phase::in_use && !stream.open());
    phase = Phase::connecting;
    Result<void> result = Error{ErrorCode::unreachable, Side::backend, true};
    const std::vector<Endpoint> addresses = pool.in_order();
    if (addresses.empty()) failure = "no address is known";
    for (const Endpoint& address : addresses) {
        if (cancelled.code != ErrorCode::none) break;
        stream = Stream(Socket(pool.loop, Side::backend));
        endpoint = address;
        deadline.arm(pool.loop.now() + pool.options.connect_timeout);
        result = co_await attempt();
        deadline.disarm();
        if (result.ok() || cancelled.code != ErrorCode::none) break;
        count(pool.counters.connect_failures);
        note_failure(result.error());
        stream.close();
        // Another address needs a descriptor and memory as well.
        if (result.error().code == ErrorCode::no_descriptors || result.error().code == ErrorCode::no_memory)
            break;
    }
    phase = Phase::in_use;
    if (cancelled.code != ErrorCode::none) co_return cancelled;
    if (!result.ok()) co_return result;
    failure.clear();
    pool.answered_last = endpoint;
    count(pool.counters.connects);
    co_return result;
}

Task<Result<void>> ConnectionPool::Connection::attempt() {
    const Result<void> connected = co_await stream.socket().connect(endpoint);
    if (!connected || pool.options.tls == nullptr) co_return connected;
    const Result<void> secured =
        co_await stream.connect_tls(*pool.options.tls, pool.options.server_name, &pool.sessions);
    if (!secured) co_return secured;
    count(pool.counters.tls_handshakes);
    if (stream.tls()->resumed()) count(pool.counters.tls_resumptions);
    co_return secured;
}

void ConnectionPool::Connection::note_failure(Error error) {
    failure = endpoint.text() + ": ";
    const bool explained = stream.tls() != nullptr && !stream.tls()->failure().empty();
    failure += explained ? stream.tls()->failure() : std::string(name_of(error.code));
}

void ConnectionPool::Connection::cancel(Error error) noexcept {
    if (cancelled.code == ErrorCode::none) cancelled = error;
    if (stream.open()) stream.cancel(error);
}

/// Whether the next exchange may begin on it: nothing came that nobody asked for, and nothing broke.
bool ConnectionPool::Connection::clean() noexcept {
    return cancelled.code == ErrorCode::none && stream.open() && !stream.socket().peer_gone() &&
           !stream.has_input();
}

void ConnectionPool::Connection::on_deadline(void* self) noexcept {
    auto& connection = *static_cast<Connection*>(self);
    if (connection.phase == Phase::connecting) {
        connection.stream.cancel({ErrorCode::timed_out, Side::backend, true});
    } else if (connection.phase == Phase::idle) {
        connection.pool.close_idle(connection, connection.pool.counters.aged);
    }
}

/// Whatever an idle connection has to tell, it is not a response to anything.
void ConnectionPool::Connection::on_attention(void* self, Attention /*attention*/) noexcept {
    auto& connection = *static_cast<Connection*>(self);
    if (connection.phase == Phase::idle) {
        connection.pool.close_idle(connection, connection.pool.counters.stale_evictions);
    }
}

// ---- lists ----

ConnectionPool::Inside::~Inside() {
    HEADROOM_ASSERT(in_use == 0 && idle == 0);
    while (spare != nullptr) {
        delete std::exchange(spare, spare->older);
    }
}

ConnectionPool::Connection* ConnectionPool::Inside::obtain() {
    Connection* connection = spare;
    if (connection != nullptr) {
        spare = std::exchange(connection->older, nullptr);
        --spares;
    } else {
        connection = new Connection(*this, loop.deadlines());
    }
    connection->phase = Connection::Phase::in_use;
    ++in_use;
    return connection;
}

void ConnectionPool::Inside::put_back(Connection& connection) noexcept {
    HEADROOM_ASSERT(connection.phase == Connection::Phase::in_use); // not while connect() is awaited
    --in_use;
    const bool stays = connection.keep && options.idle_max > 0 && lists(connection) && connection.clean();
    if (!stays) {
        retire(connection);
        return;
    }
    if (idle == options.idle_max) {
        Connection& last = *oldest;
        remove_idle(last);
        retire(last);
    }
    push_idle(connection);
}

void ConnectionPool::Inside::push_idle(Connection& connection) noexcept {
    connection.phase = Connection::Phase::idle;
    connection.keep = false;
    connection.newer = nullptr;
    connection.older = newest;
    (newest != nullptr ? newest->newer : oldest) = &connection;
    newest = &connection;
    ++idle;
    connection.stream.expect(0);
    connection.stream.watch(Connection::on_attention, &connection);
    connection.deadline.arm(loop.now() + options.idle_for_max);
}

void ConnectionPool::Inside::remove_idle(Connection& connection) noexcept {
    (connection.newer != nullptr ? connection.newer->older : newest) = connection.older;
    (connection.older != nullptr ? connection.older->newer : oldest) = connection.newer;
    connection.newer = nullptr;
    connection.older = nullptr;
    --idle;
    connection.stream.watch(nullptr, nullptr);
    connection.deadline.disarm();
    connection.phase = Connection::Phase::in_use;
}

void ConnectionPool::Inside::close_idle(Connection& connection, std::atomic<std::uint64_t>& why) noexcept {
    count(why);
    remove_idle(connection);
    retire(connection);
}

/// Closes it and keeps the object for the next one.
void ConnectionPool::Inside::retire(Connection& connection) noexcept {
    connection.stream.close();
    if (spares == spare_max) {
        delete &connection;
        return;
    }
    connection.stream = Stream();
    connection.endpoint = Endpoint();
    connection.generation = 0;
    connection.failure.clear();
    connection.cancelled = Error{};
    connection.reused = false;
    connection.keep = false;
    connection.phase = Connection::Phase::spare;
    connection.older = std::exchange(spare, &connection);
    ++spares;
}

std::vector<Endpoint> ConnectionPool::Inside::in_order() const {
    std::vector<Endpoint> ordered = endpoints;
    const auto last = std::find(ordered.begin(), ordered.end(), answered_last);
    if (last != ordered.end()) std::rotate(ordered.begin(), last, last + 1);
    return ordered;
}

bool ConnectionPool::Inside::lists(Connection& connection) const noexcept {
    if (connection.generation == generation) return true; // comparing addresses is not for every exchange
    if (std::find(endpoints.begin(), endpoints.end(), connection.endpoint) == endpoints.end()) return false;
    connection.generation = generation;
    return true;
}

// ---- pool ----

ConnectionPool::ConnectionPool(Loop& loop, PoolOptions options)
    : inside_(std::make_unique<Inside>(loop, std::move(options))) {}

ConnectionPool::~ConnectionPool() {
    drop_idle();
}

void ConnectionPool::set_endpoints(std::vector<Endpoint> endpoints) {
    inside_->endpoints = std::move(endpoints);
    ++inside_->generation;
}

ConnectionPool::Handle ConnectionPool::take_idle() noexcept {
    // What came in this very turn has not been told yet: look before giving it away.
    while (inside_->newest != nullptr) {
        Connection& connection = *inside_->newest;
        if (!connection.clean()) {
            inside_->close_idle(connection, inside_->counters.stale_evictions);
            continue;
        }
        inside_->remove_idle(connection);
        ++inside_->in_use;
        connection.reused = true;
        count(inside_->counters.reuses);
        return Handle(&connection);
    }
    return Handle();
}

ConnectionPool::Handle ConnectionPool::fresh() {
    return Handle(inside_->obtain());
}

std::size_t ConnectionPool::idle() const noexcept {
    return inside_->idle;
}

std::size_t ConnectionPool::in_use() const noexcept {
    return inside_->in_use;
}

const PoolCounters& ConnectionPool::counters() const noexcept {
    return inside_->counters;
}

void ConnectionPool::drop_idle() noexcept {
    while (inside_->newest != nullptr) {
        Connection& connection = *inside_->newest;
        inside_->remove_idle(connection);
        inside_->retire(connection);
    }
}

// ---- handle ----

ConnectionPool::Handle::Handle(Handle&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

ConnectionPool::Handle& ConnectionPool::Handle::operator=(Handle&& other) noexcept {
    if (this != &other) {
        if (connection_ != nullptr) connection_->pool.put_back(*connection_);
        connection_ = std::exchange(other.connection_, nullptr);
    }
    return *this;
}

ConnectionPool::Handle::~Handle() {
    if (connection_ != nullptr) connection_->pool.put_back(*connection_);
}

bool ConnectionPool::Handle::reused() const noexcept {
    return connection_->reused;
}

Stream& ConnectionPool::Handle::stream() noexcept {
    return connection_->stream;
}

Task<Result<void>> ConnectionPool::Handle::connect() {
    return connection_->connect();
}

const Endpoint& ConnectionPool::Handle::endpoint() const noexcept {
    return connection_->endpoint;
}

const std::string& ConnectionPool::Handle::failure() const noexcept {
    return connection_->failure;
}

void ConnectionPool::Handle::cancel(Error error) noexcept {
    connection_->cancel(error);
}

void ConnectionPool::Handle::keep() noexcept {
    connection_->keep = true;
}

void ConnectionPool::Handle::close() noexcept {
    connection_->keep = false;
    Connection& connection = *std::exchange(connection_, nullptr);
    connection.pool.put_back(connection);
}

} // namespace headroom::net
