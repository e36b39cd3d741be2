// Opens after consecutive faults, lets exactly one request try, and returns traffic slowly: one 8-byte
// atomic. Shared by every shard. Quota answers never come here: a 429 is a measurement, not an illness.
#pragma once

#include "balance/quantities.hpp"

#include <atomic>
#include <cstdint>

namespace headroom::balance {

/// Why an attempt failed by the backend's fault.
enum class Fault : std::uint8_t {
    server_error,       ///< 408 and 5xx.
    connect,            ///< Refused, unreachable, name not resolved, connect deadline.
    tls,                ///< Handshake or certificate.
    timeout,            ///< Connected, but no response in time (a hang).
    reset,              ///< The connection died, or the response was malformed or cut.
    auth,               ///< 401 or 403 of our own credentials.
    deployment_missing, ///< The backend does not have this deployment.
    late,               ///< Unusually long without a word, until another backend's answer had begun.
};

/// The stable lower-case name used in logs and metric labels.
[[nodiscard]] std::string_view name_of(Fault fault) noexcept;

/// One circuit breaker; all times are milliseconds of the Fleet's clock.
class Breaker {
  public:
    enum class State : std::uint8_t {
        closed,    ///< Healthy (perhaps with fewer faults than it takes).
        open,      ///< Nothing is sent until `until`.
        due,       ///< Open, but `until` has passed: the next request may be the probe.
        probing,   ///< One probe is out; nothing else is sent.
        returning, ///< Closed again, traffic is let back in step by step.
    };

    /// What choose needs to know, read in one step.
    struct View {
        State state = State::closed;
        std::int64_t until_ms = 0; ///< For open: when it may be tried.
        double share = 1;          ///< For returning: the share of its traffic that it may have, else 1 or 0.
        unsigned faults = 0;       ///< Consecutive faults so far.
    };
    [[nodiscard]] View view(std::int64_t now_ms) const noexcept;

    /// Becomes the one probe of a due breaker; false when another thread was faster.
    bool try_probe(std::int64_t now_ms) noexcept;

    /// A good answer; `trial` says that the request was the probe or a last resort, which alone closes an
    /// open breaker. Returns the faults in a row that it ended.
    unsigned success(bool trial, std::int64_t now_ms) noexcept;

    /// A fault; `probe` says that the request was the probe, whose fault opens it again for longer. `before`
    /// are the faults in a row that the same request had ended before it failed after all.
    void fault(Fault kind, bool probe, std::int64_t now_ms, unsigned before = 0) noexcept;

    /// The probe ended without a verdict (client left, never sent): the next request may probe at once.
    void probe_lost(std::int64_t now_ms) noexcept;

  private:
    std::atomic<std::uint64_t> word_{0};
};

/// The stable lower-case name used in metric labels and on the admin pages.
[[nodiscard]] std::string_view name_of(Breaker::State state) noexcept;

} // namespace headroom::balance
