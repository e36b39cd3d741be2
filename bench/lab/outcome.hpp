// What one run came to: one record per request, and what is computed from them.
// Filled by the engine. Not here: comparing runs (comparison.hpp), showing them (table.hpp, html_report.hpp).
#pragma once

#include "bench/lab/backend.hpp"

#include <cstdint>
#include <vector>

namespace headroom::lab {

/// What became of one request.
struct JobRecord {
    enum class End : std::uint8_t { open, served, late, refused, failed, expired };
    End end = End::open;
    std::uint32_t backend = 0;
    std::uint32_t attempts = 0;        ///< At backends, over all tries of its client.
    std::uint32_t client_refusals = 0; ///< 429s that its client saw.
    Duration taken{};                  ///< From its first arrival until a backend took it.
    Duration first{};                  ///< ... until its first token.
    Duration whole{};                  ///< ... until its end.
    Time taken_at{};
    std::int64_t cached = 0;
};

/// How full a backend was, sampled.
struct UtilisationSample {
    Time at{};
    std::vector<double> used; ///< By backend: counted tokens by limit.
};

struct Outcome {
    std::vector<JobRecord> jobs;
    std::vector<BackendTally> backends;
    std::vector<UtilisationSample> utilisation;
    Time finished_at{};
};

/// The figures of one run; NaN where there is nothing to compute.
struct Figures {
    double requests = 0;
    double served = 0;             ///< In time.
    double goodput = 0;            ///< Billed tokens of served requests per minute of the workload.
    double offered = 0;            ///< Billed tokens per minute of the workload.
    double client_429_rate = 0;    ///< 429s that clients saw, per request.
    double upstream_429_rate = 0;  ///< 429s of backends, per request.
    double upstream_429_share = 0; ///< ... per attempt.
    double attempts = 0;           ///< Per request.
    double utilisation = 0;        ///< Tokens that quotas charged, of what they allow in the span.
    double failed_share = 0;       ///< Requests that were not served in time.
    double expired_share = 0;      ///< ... of them because the deadline passed.
    double wait_mean_s = 0;        ///< Until a backend took it, of served ones.
    double wait_p50_s = 0, wait_p99_s = 0;
    double ttft_p50_s = 0, ttft_p99_s = 0;
    double latency_p50_s = 0, latency_p99_s = 0;
    double jain = 0; ///< Fairness over tenants, of the share of its tokens that each was served.
    double vtc_gap =
        0; ///< Largest difference within a minute of tokens of two tenants that both lacked some.
    double cached_share = 0; ///< Prompt tokens from a cache, of those served.
    double cost = 0;         ///< Per million tokens that were served in time.
};

[[nodiscard]] Figures figures_of(const Outcome& outcome, const Workload& workload, const FleetModel& fleet);

/// The waits of served requests, in seconds, at each hundredth of them from the first to the last: 101; NaN
/// when none was.
[[nodiscard]] std::vector<double> waits_by_hundredths(const Outcome& outcome);

/// The value at `share` of sorted values (nearest rank); NaN when there are none.
[[nodiscard]] double quantile(const std::vector<double>& sorted, double share) noexcept;

} // namespace headroom::lab
