// Starting, waking and ending the shards.
#include "core/server.hpp"

#include "core/limits.hpp"
#include "core/memory_quota.hpp"
#include "net/random.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <exception>
#include <future>
#include <stdexcept>
#include <utility>

namespace headroom::core {
namespace {

std::unique_ptr<net::TlsContext> client_side_context(const Config& config) {
    if (!config.tls.enabled()) return nullptr;
    return std::make_unique<net::TlsContext>(net::TlsContext::ServerOptions{
        config.tls.certificate_file, config.tls.key_file, config.tls.version_min == TlsVersion::tls_1_3});
}

std::vector<std::unique_ptr<net::TlsContext>> backend_side_contexts(const Config& config) {
    std::vector<std::unique_ptr<net::TlsContext>> contexts;
    for (const BackendConfig& backend : config.backends) {
        if (!backend.url.tls) {
            contexts.push_back(nullptr);
            continue;
        }
        contexts.push_back(std::make_unique<net::TlsContext>(
            net::TlsContext::ClientOptions{backend.ca_file, backend.tls_verify}));
    }
    return contexts;
}

balance::Tokens tokens_of(std::uint64_t count) {
    return balance::Tokens(static_cast<std::int64_t>(count));
}

std::uint64_t secret_seed() {
    std::uint64_t seed = 0;
    std::array<std::uint8_t, sizeof seed> secret{};
    net::draw_secret(secret);
    std::memcpy(&seed, secret.data(), sizeof seed);
    return seed;
}

/// One backend has everything: nothing need be remembered.
std::size_t pins_for(const Config& config) {
    return config.backends.size() > 1 ? limits::pins_max : balance::PinTable::ways;
}

balance::FleetOptions fleet_options(const Config& config) {
    balance::FleetOptions options;
    options.seed = secret_seed();
    options.refusals_per_1000 = config.quota.refusals_per_1000;
    options.tick = std::chrono::duration_cast<balance::Duration>(std::chrono::duration<double>(options.tick) /
                                                                 config.test_time_scale);
    if (config.hedge.enabled) options.late_quantile = config.hedge.after_percentile / 100.0;
    return options;
}

} // namespace

std::vector<balance::BackendSpec> backend_specs(const Config& config) {
    std::vector<balance::BackendSpec> specs;
    unsigned dearest = 1;
    for (const BackendConfig& backend : config.backends)
        dearest = std::max(dearest, backend.price);
    for (const BackendConfig& backend : config.backends) {
        balance::BackendSpec spec;
        spec.name = backend.name;
        spec.priority = static_cast<int>(backend.priority);
        spec.weight = backend.weight;
        spec.price = static_cast<double>(backend.price) / dearest;
        spec.charging = backend.charging == BackendCharging::usage ? balance::Charging::on_usage
                                                                   : balance::Charging::on_arrival;
        spec.tpm = tokens_of(backend.tokens_per_minute);
        spec.rpm = static_cast<int>(backend.requests_per_minute);
        for (const DeploymentConfig& deployment : backend.deployments) {
            spec.overrides.push_back({deployment.upstream_name, tokens_of(deployment.tokens_per_minute),
                                      static_cast<int>(deployment.requests_per_minute)});
        }
        specs.push_back(std::move(spec));
    }
    return specs;
}

struct Server::Running {
    std::thread thread;
    std::promise<void> started;
    Shard* shard = nullptr;
    std::vector<net::Endpoint> listening;
    const ShardCounters* counters = nullptr;
    const balance::FlightRecorder* recorded = nullptr;
    std::unique_ptr<Shard> owned;
};

Server::Server(const Config& config, LogPump& log, unsigned workers, std::unique_ptr<const Snapshot> first)
    : client_tls_(client_side_context(config)),
      backend_tls_(backend_side_contexts(config)),
      fleet_(backend_specs(config), fleet_options(config)),
      retry_budget_({config.retry.budget_percent, config.retry.budget_per_second}),
      pins_(pins_for(config), secret_seed()),
      board_(workers, std::move(first)),
      shared_{config, fleet_, retry_budget_, pins_, estimating_, board_, log, client_tls_.get(), {}},
      workers_(workers) {
    for (const auto& context : backend_tls_)
        shared_.backend_tls.push_back(context.get());
    const std::uint64_t total = memory_bound_bytes(config.limits.memory_bytes_total);
    shared_.memory_bytes_per_shard = total / workers;
    shared_.sessions_per_shard_max = std::max(1U, config.limits.sessions_max / workers);
    shared_.queue_per_shard.length_max = (config.queue.length_max + workers - 1) / workers;
    shared_.queue_per_shard.bytes_max = config.queue.bytes_max / workers;
}

Server::~Server() {
    begin_drain();
    join();
}

void Server::start() {
    std::vector<net::Endpoint> listen;
    for (const ListenAddress& address : shared_.config.listen) {
        const auto endpoint = net::Endpoint::parse(address.address, address.port);
        if (!endpoint)
            throw std::runtime_error("cannot listen on " + to_string(address) + ": not an address");
        listen.push_back(*endpoint);
    }
    for (unsigned index = 0; index < workers_; ++index) {
        start_shard(index, index == 0 ? listen : listening_);
        if (index == 0) listening_ = running_[0]->listening;
        counters_.push_back(running_.back()->counters);
        recorders_.push_back(running_.back()->recorded);
    }
}

void Server::start_shard(unsigned index, const std::vector<net::Endpoint>& listen) {
    running_.push_back(std::make_unique<Running>());
    Running& running = *running_.back();
    auto started = running.started.get_future();
    running.thread = std::thread([this, index, &listen, &running] { run_shard(index, listen, running); });
    try {
        started.get();
    } catch (...) {
        running.thread.join();
        running_.pop_back();
        throw;
    }
}

void Server::run_shard(unsigned index, const std::vector<net::Endpoint>& listen, Running& running) {
    try {
        running.owned = std::make_unique<Shard>(shared_, index, listen);
        running.listening = running.owned->listening();
        running.counters = &running.owned->counters();
        running.recorded = &running.owned->recorded();
        const std::scoped_lock lock(mutex_);
        running.shard = running.owned.get();
    } catch (...) {
        running.started.set_exception(std::current_exception());
        return;
    }
    running.started.set_value();
    running.owned->run();
    bool last = false;
    {
        const std::scoped_lock lock(mutex_);
        running.shard = nullptr; // nobody wakes it from now on
        last = ++ended_ == workers_;
    }
    if (last && finished_) finished_();
}

void Server::publish(std::unique_ptr<const Snapshot> next) {
    board_.publish(std::move(next));
    wake_all();
}

void Server::begin_drain() {
    shared_.draining.store(true, std::memory_order_relaxed);
    wake_all();
}

void Server::wake_all() {
    const std::scoped_lock lock(mutex_);
    for (const auto& running : running_) {
        if (running->shard != nullptr) running->shard->loop().wake();
    }
}

void Server::join() {
    for (const auto& running : running_) {
        if (running->thread.joinable()) running->thread.join();
    }
}

} // namespace headroom::core
