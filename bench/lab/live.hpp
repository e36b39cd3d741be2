// The same experiment with the real programs: headroom, mock_azure and load on this machine, in scaled time;
// and the simulation of it beside the measurement.
#pragma once

#include "bench/lab/comparison.hpp"

#include <string>

namespace headroom::lab {

struct LiveOptions {
    std::string programs; ///< The folder of headroom, mock_azure and load.
    double speed = 20;    ///< A minute of quota takes 60 s by this.
    std::uint64_t seed = 1;
};

/// What both can tell, per request unless said otherwise.
struct LiveFigures {
    double served = 0;  ///< Share of the requests.
    double goodput = 0; ///< Billed tokens per minute of the quota's clock.
    double client_429s = 0;
    double upstream_429s = 0;
    double attempts = 0;
};

struct LiveResult {
    LiveFigures live;
    LiveFigures simulated;
    std::size_t requests = 0;
};

/// Clients do not retry in either. Throws ChildError, and FleetError for what mock_azure does not have (ptu,
/// faults, changes, replicas).
[[nodiscard]] LiveResult run_live(const FleetModel& fleet, const Workload& workload,
                                  const LiveOptions& options);

[[nodiscard]] std::string table_of(const LiveResult& result);

/// The workload as a CSV that load reads.
[[nodiscard]] std::string csv_of(const Workload& workload);
/// A backend in mock_azure's words.
[[nodiscard]] std::string mock_backend(const BackendModel& backend);

} // namespace headroom::lab
