// A shard's life: listen, accept, pick up what the control thread publishes, drain.
#include "core/shard.hpp"

#include "core/session.hpp"

#include <utility>

namespace headroom::core {
namespace {

/// One part in so many of the memory is kept from request bodies and held responses: what ends requests, and
/// so frees memory, needs some.
constexpr std::size_t reserve_share = 16;

net::LoopOptions loop_options(const SharedState& shared) {
    net::LoopOptions options;
    options.memory_bytes_max = shared.memory_bytes_per_shard.load(std::memory_order_relaxed);
    return options;
}

net::PoolOptions pool_options(const Config& config, const BackendConfig& backend, net::TlsContext* tls) {
    net::PoolOptions options;
    options.server_name = backend.tls_server_name.empty() ? backend.url.host : backend.tls_server_name;
    options.tls = tls;
    options.idle_for_max = config.timeouts.backend_keepalive;
    options.connect_timeout = config.timeouts.connect;
    return options;
}

} // namespace

Shard::Shard(SharedState& shared, unsigned index, const std::vector<net::Endpoint>& listen)
    : shared_(shared),
      index_(index),
      loop_(loop_options(shared)),
      waiting_(loop_, shared.queue_per_shard, counters_.waits),
      estimator_(shared.estimating, shared.config.models, loop_.random()),
      drain_limit_(loop_.deadlines(), [](void* self) { static_cast<Shard*>(self)->end_sessions(); }, this) {
    const Config& config = shared.config;
    pools_.reserve(config.backends.size());
    for (std::size_t i = 0; i < config.backends.size(); ++i) {
        auto options = pool_options(config, config.backends[i], shared.backend_tls[i]);
        pools_.push_back(std::make_unique<net::ConnectionPool>(loop_, std::move(options)));
    }
    for (const net::Endpoint& endpoint : listen) {
        listeners_.push_back(std::make_unique<net::Listener>(loop_, net::ListenOptions{endpoint}));
    }
    loop_.on_wake([](void* self) { static_cast<Shard*>(self)->on_wake(); }, this);
    apply_snapshot();
}

Shard::~Shard() = default;

void Shard::run() {
    for (const auto& listener : listeners_)
        accepting_.spawn(accept_from(listener.get()));
    on_wake(); // what was published while this shard was being built
    loop_.run();
}

std::vector<net::Endpoint> Shard::listening() const {
    std::vector<net::Endpoint> endpoints;
    endpoints.reserve(listeners_.size());
    for (const auto& listener : listeners_)
        endpoints.push_back(listener->local());
    return endpoints;
}

net::Task<void> Shard::accept_from(net::Listener* listener) {
    while (true) {
        net::Result<net::Socket> accepted = co_await listener->accept();
        if (!accepted) co_return;
        counters_.sessions_accepted.add();
        if (!may_accept()) {
            counters_.sessions_refused.add();
            continue;
        }
        serving_.spawn(Session::serve(this, std::move(*accepted)));
    }
}

bool Shard::may_accept() const noexcept {
    constexpr std::size_t first_receive_bytes = 2 * net::BufferPool::small_bytes;
    return session_count_ < shared_.sessions_per_shard_max &&
           const_cast<net::Loop&>(loop_).buffers().has_room_for(first_receive_bytes);
}

bool Shard::memory_short() noexcept {
    const net::BufferPool& pool = loop_.buffers();
    return !pool.has_room_for(pool.memory_bytes_max() / reserve_share);
}

void Shard::on_wake() {
    apply_snapshot();
    if (shared_.draining.load(std::memory_order_relaxed) && !draining_) {
        draining_ = true;
        upkeep_.spawn(drain());
    }
}

void Shard::apply_snapshot() {
    const Snapshot* newest = &shared_.board.pick_up(index_);
    if (std::exchange(snapshot_, newest) == newest) return;
    for (std::size_t i = 0; i < pools_.size(); ++i)
        pools_[i]->set_endpoints(snapshot_->backends[i].endpoints);
}

net::Task<void> Shard::drain() {
    for (const auto& listener : listeners_)
        listener->stop();
    co_await accepting_.close();
    for (Session* session = sessions_; session != nullptr; session = session->next())
        session->begin_drain();
    drain_limit_.arm(loop_.now() + shared_.config.timeouts.drain);
    co_await serving_.close();
    drain_limit_.disarm();
    for (const auto& pool : pools_)
        pool->drop_idle();
    loop_.stop();
}

void Shard::end_sessions() noexcept {
    for (Session* session = sessions_; session != nullptr; session = session->next())
        session->end_now();
}

void Shard::link(Session& session) noexcept {
    session.next_ = sessions_;
    session.previous_ = nullptr;
    if (sessions_ != nullptr) sessions_->previous_ = &session;
    sessions_ = &session;
    ++session_count_;
}

void Shard::unlink(Session& session) noexcept {
    if (session.next_ != nullptr) session.next_->previous_ = session.previous_;
    (session.previous_ != nullptr ? session.previous_->next_ : sessions_) = session.next_;
    --session_count_;
    counters_.sessions_closed.add();
}

void Shard::log(std::string_view lines) noexcept {
    if (!shared_.log.write(index_, lines)) counters_.log_lines_dropped.add();
}

} // namespace headroom::core
