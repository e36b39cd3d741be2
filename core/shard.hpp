// Shard: everything that one CPU owns. Its member list is the architecture: loop, pools, listeners, sessions,
// counters. Built and run on its own thread; nothing here is touched by another one, except through what
// SharedState names.
#pragma once

#include "balance/balancer.hpp"
#include "balance/fleet.hpp"
#include "balance/pins.hpp"
#include "balance/retry_budget.hpp"
#include "balance/usage_refusals.hpp"
#include "core/config.hpp"
#include "core/counters.hpp"
#include "core/estimator.hpp"
#include "core/log_pump.hpp"
#include "core/snapshot.hpp"
#include "core/waiting.hpp"
#include "net/gate.hpp"
#include "net/loop.hpp"
#include "net/pool.hpp"
#include "net/tls/context.hpp"

#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace headroom::core {

class Session;

/// What all shards share: read-only, or made for sharing.
struct SharedState {
    const Config& config;
    balance::Fleet& fleet;
    balance::RetryBudget& retry_budget;
    balance::PinTable& pins;
    const EstimatorBasis& estimating;
    SnapshotBoard& board;
    LogPump& log;
    net::TlsContext* client_tls = nullptr;     ///< Null: plain HTTP from clients.
    std::vector<net::TlsContext*> backend_tls; ///< By backend; null: plain.
    std::atomic<bool> draining{false};         ///< Set once, then every shard is woken.
    std::atomic<std::size_t> memory_bytes_per_shard{std::size_t{1} << 30U};
    unsigned sessions_per_shard_max = 20'000;
    balance::WaitQueueOptions queue_per_shard{};
};

class Shard {
  public:
    /// Start-up, on the shard's own thread: throws std::system_error. `listen` has real ports by now.
    Shard(SharedState& shared, unsigned index, const std::vector<net::Endpoint>& listen);
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;
    ~Shard();

    /// Serves until drained: returns when the last session has ended or the drain limit has passed.
    void run();

    net::Loop& loop() noexcept { return loop_; }
    const ShardCounters& counters() const noexcept { return counters_; }
    /// To read from any thread while the shard lives.
    const balance::FlightRecorder& recorded() const noexcept { return recorder_; }
    /// Where its listeners listen, with the ports that the kernel chose.
    std::vector<net::Endpoint> listening() const;

    // For sessions and exchanges of this shard.
    const Config& config() const noexcept { return shared_.config; }
    balance::Fleet& fleet() noexcept { return shared_.fleet; }
    const balance::Balancer& balancer() const noexcept { return balancer_; }
    net::ConnectionPool& pool(std::uint32_t backend) noexcept { return *pools_[backend]; }
    const BackendState& backend_state(std::uint32_t backend) const noexcept {
        return snapshot_->backends[backend];
    }
    balance::PinTable& pins() noexcept { return shared_.pins; }
    ShardCounters& count() noexcept { return counters_; }
    balance::UsageRefusals& usage_refusals() noexcept { return usage_refusals_; }
    balance::RetryBudget& retry_budget() noexcept { return shared_.retry_budget; }
    Waiting& waiting() noexcept { return waiting_; }
    /// Whose claims on coming quota are this shard's (balance::Demand::owner).
    std::uint32_t owner() const noexcept { return index_ + 1; }
    Estimator& estimator() noexcept { return estimator_; }
    balance::FlightRecorder& recorder() noexcept { return recorder_; }
    /// A number that no other request of this shard has.
    std::uint64_t number_request() noexcept { return ++requests_numbered_; }
    net::TlsContext* client_tls() const noexcept { return shared_.client_tls; }
    bool draining() const noexcept { return draining_; }
    /// Whether so little buffer memory is left that nothing more may be held: a body still arriving is
    /// refused, a response still held is passed on.
    bool memory_short() noexcept;
    /// A session is listed while it lives, so that a drain reaches it.
    void link(Session& session) noexcept;
    void unlink(Session& session) noexcept;
    /// Writes whole lines to the log, or counts them as dropped.
    void log(std::string_view lines) noexcept;

  private:
    net::Task<void> accept_from(net::Listener* listener);
    net::Task<void> drain();
    void on_wake();
    void apply_snapshot();
    void end_sessions() noexcept;
    bool may_accept() const noexcept;

    SharedState& shared_;
    unsigned index_;
    net::Loop loop_;
    const Snapshot* snapshot_ = nullptr;
    balance::Balancer balancer_;
    std::vector<std::unique_ptr<net::ConnectionPool>> pools_; ///< By backend.
    std::vector<std::unique_ptr<net::Listener>> listeners_;
    ShardCounters counters_;
    balance::UsageRefusals usage_refusals_;
    Waiting waiting_;
    Estimator estimator_;
    balance::FlightRecorder recorder_;
    std::uint64_t requests_numbered_ = 0;
    Session* sessions_ = nullptr; ///< Intrusive list, for the drain.
    std::size_t session_count_ = 0;
    bool draining_ = false;
    net::Deadline drain_limit_;
    net::Gate accepting_;
    net::Gate serving_;
    net::Gate upkeep_;
};

} // namespace headroom::core
