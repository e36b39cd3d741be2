// Server: the fleet, the TLS contexts and the shards on their threads, as the control thread sees them.
// Built once by main. Promises: start() either has every shard listening or throws what stopped it, with
// nothing left running. Not here: signals, DNS, admin pages, identity tokens (core/control/).
#pragma once

#include "balance/fleet.hpp"
#include "core/config.hpp"
#include "core/counters.hpp"
#include "core/log_pump.hpp"
#include "core/shard.hpp"
#include "core/snapshot.hpp"
#include "net/tls/context.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace headroom::core {

/// The balancer's view of a configuration.
[[nodiscard]] std::vector<balance::BackendSpec> backend_specs(const Config& config);

class Server {
  public:
    /// `config` and `log` must outlive it; `workers` shards (log writers 0..workers-1); `first` has one entry
    /// per backend. Throws std::runtime_error for certificates that cannot be used.
    Server(const Config& config, LogPump& log, unsigned workers, std::unique_ptr<const Snapshot> first);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    /// Drains if that has not happened yet, and joins.
    ~Server();

    /// Starts every shard and returns once all listen; throws what the first failing one threw.
    void start();
    /// Where clients are listened for, with real ports; after start().
    [[nodiscard]] const std::vector<net::Endpoint>& listening() const noexcept { return listening_; }

    /// Control thread: every shard picks `next` up at its next turn.
    void publish(std::unique_ptr<const Snapshot> next);
    [[nodiscard]] const Snapshot& latest() const noexcept { return board_.latest(); }

    /// Any thread: no new connections; requests in flight finish within the drain limit.
    void begin_drain();
    [[nodiscard]] bool draining() const noexcept { return shared_.draining.load(std::memory_order_relaxed); }
    /// `finished` is called once, from some thread, when every shard has ended; set it before start().
    void on_finished(std::function<void()> finished) { finished_ = std::move(finished); }
    /// Waits for the shards to end.
    void join();

    /// One per shard, valid until join().
    [[nodiscard]] const std::vector<const ShardCounters*>& counters() const noexcept { return counters_; }
    /// One per shard, valid until this is destroyed.
    [[nodiscard]] const std::vector<const balance::FlightRecorder*>& recorders() const noexcept {
        return recorders_;
    }
    [[nodiscard]] balance::Fleet& fleet() noexcept { return fleet_; }
    [[nodiscard]] const Config& config() const noexcept { return shared_.config; }

  private:
    struct Running;
    void start_shard(unsigned index, const std::vector<net::Endpoint>& listen);
    void run_shard(unsigned index, const std::vector<net::Endpoint>& listen, Running& running);
    void wake_all();

    std::unique_ptr<net::TlsContext> client_tls_;
    std::vector<std::unique_ptr<net::TlsContext>> backend_tls_;
    balance::Fleet fleet_;
    balance::RetryBudget retry_budget_;
    balance::PinTable pins_;
    EstimatorBasis estimating_;
    SnapshotBoard board_;
    SharedState shared_;
    unsigned workers_;
    std::vector<std::unique_ptr<Running>> running_;
    std::vector<net::Endpoint> listening_;
    std::vector<const ShardCounters*> counters_;
    std::vector<const balance::FlightRecorder*> recorders_;
    std::function<void()> finished_;
    std::mutex mutex_; ///< Guards Running::shard (control thread and shard threads) and ended_.
    unsigned ended_ = 0;
};

} // namespace headroom::core
