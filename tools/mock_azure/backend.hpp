// One simulated resource: settings, quotas, faults, memory of stored objects, counters.
// Shared by all threads; every method locks for a moment and none blocks. Not here: sockets (listener.hpp,
// session.hpp).
#pragma once

#include "tools/mock_azure/answer.hpp"
#include "tools/mock_azure/backend_options.hpp"
#include "tools/mock_azure/backend_stats.hpp"
#include "tools/mock_azure/faults.hpp"
#include "tools/mock_azure/limiter.hpp"
#include "tools/mock_azure/mock_time.hpp"
#include "tools/mock_azure/object_store.hpp"
#include "tools/mock_azure/prompt_cache.hpp"
#include "tools/mock_azure/request_log.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::mock {

/// The limiter's decision with the headers that go with it.
struct Admission {
    Verdict verdict;
    QuotaView quota;
};

class Backend {
  public:
    using Options = std::shared_ptr<const BackendOptions>;

    /// `clock` and `log` outlive the backend.
    Backend(const BackendOptions& options, const ScaledClock* clock, RequestLog* log);

    const std::string& name() const { return name_; }
    Options options() const;
    /// Takes effect for the next request; what was charged so far stays charged.
    void set_options(const BackendOptions& options);
    const ScaledClock& clock() const { return *clock_; }
    RequestLog& log() { return *log_; }

    /// By the name in a path or in "model"; nothing when there is none.
    std::optional<DeploymentOptions> find_deployment(std::string_view name) const;

    Admission admit(const std::string& deployment, const Demand& demand);
    /// A failed request uses RPM although no tokens.
    QuotaView count_failed(const std::string& deployment);
    /// Ends what admit() began; `usage` is what was really made, also of an aborted answer.
    void settle(const std::string& deployment, const Verdict& verdict, const Usage& usage, bool completed);

    void request_begins();
    void request_ends(const std::string& deployment, std::uint64_t seq, RequestOutcome outcome);
    void stream_begins(const std::string& deployment);
    std::int64_t cached_tokens(std::string_view prompt);

    std::uint64_t add_fault(const Fault& fault);
    void clear_faults();
    std::optional<Fault> strike(const FaultPlan::Moment& moment);

    /// Random numbers for ids and jitter; different at every call.
    std::uint64_t draw();
    ObjectStore& store() { return store_; }

    /// Changes counters that have no rule of their own.
    template <class Change>
    void count(Change change) {
        const std::lock_guard lock(mutex_);
        change(stats_);
    }

    /// Forgets counters, quota use, faults, stored objects and prompt cache; open connections stay counted.
    void reset();
    std::string stats_json() const;
    std::string faults_json() const;

  private:
    Limiter& limiter(const std::string& deployment);

    const std::string name_;
    const ScaledClock* const clock_;
    RequestLog* const log_;
    mutable std::mutex mutex_;
    Options options_;
    mutable std::map<std::string, Limiter> limiters_;
    BackendStats stats_;
    FaultPlan faults_;
    PromptCache cache_;
    std::uint64_t draws_ = 0;
    ObjectStore store_;
};

} // namespace headroom::mock
