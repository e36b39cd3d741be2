// The same experiment with the real programs: headroom, mock_azure and load on this machine, in scaled time;
// the simulation of it beside the measurement; and whether the two agree.
#pragma once

#include "bench/lab/comparison.hpp"

#include <string>

namespace headroom::lab {

struct LiveOptions {
    std::string programs; ///< The folder of headroom, mock_azure and load.
    double speed = 20;    ///< A minute of quota takes 60 s by this.
    std::uint64_t seed = 1;
    bool quiet = false; ///< No progress of load.
};

/// What both can tell, per request unless said otherwise; times in seconds of the quota's clock.
struct LiveFigures {
    double served = 0;  ///< Share of the requests.
    double goodput = 0; ///< Billed tokens per minute of the quota's clock.
    double client_429s = 0;
    double upstream_429s = 0;
    double attempts = 0;
    double whole_p50_s =
        0; ///< Of served requests, from when they were due to their end; of the slowest replica.
    double whole_p99_s = 0;
};

/// What the measurement says about the simulation.
enum class Verdict : std::uint8_t {
    agrees,  ///< Goodput within 3 %, client 429s within one in a hundred requests of what was simulated.
    differs, ///< They are further apart, and the machine was in time.
    late,    ///< They are further apart, and the machine was too busy to tell why.
};

struct LiveResult {
    LiveFigures live;
    LiveFigures simulated;       ///< Mean of nine draws of what the balancer leaves to chance.
    LiveFigures simulated_least; ///< The least of each figure among them ...
    LiveFigures simulated_most;  ///< ... and the most.
    std::size_t requests = 0;
    double speed = 0;
    double late_p50_s =
        0; ///< How long after their times requests were sent, in seconds of the quota's clock.
    double late_p99_s = 0;
};

/// Clients do not retry in either, latencies have neither jitter nor a part that grows with the prompt,
/// prompts begin differently, and answers come in one piece, because mock_azure and load do so. Throws
/// ChildError, and FleetError for what mock_azure does not have (provisioned throughput).
[[nodiscard]] LiveResult run_live(const FleetModel& fleet, const Workload& workload,
                                  const LiveOptions& options);

[[nodiscard]] Verdict verdict_on(const LiveResult& result) noexcept;

[[nodiscard]] std::string table_of(const LiveResult& result);
/// One object.
[[nodiscard]] std::string json_of(const LiveResult& result);

/// The workload as a CSV that load reads.
[[nodiscard]] std::string csv_of(const Workload& workload);
/// A backend in mock_azure's words.
[[nodiscard]] std::string mock_backend(const BackendModel& backend);
/// The workload with prompts as load writes them: their characters, and nothing in common.
[[nodiscard]] Workload as_load_sends(Workload workload);

} // namespace headroom::lab
