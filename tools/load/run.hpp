// A whole run: resolves, connects, starts all workers at the same instant, watches, and sums up.
// Not here: reading options, printing the outcome.
#pragma once

#include "tools/load/options.hpp"
#include "tools/load/tally.hpp"
#include "tools/load/trace_plan.hpp"

#include <optional>
#include <stdexcept>
#include <string>

namespace headroom::load {

/// The run could not begin; the text says why and what to look at.
class RunError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Outcome {
    Tally tally;
    std::optional<TraceTotals> trace; ///< Of the trace that was replayed.
    double seconds = 0;               ///< Of the measured window.
    bool interrupted = false;
    std::string first_failure;
    std::optional<double> watched_cores; ///< CPU of the watched processes, in cores.
    std::optional<double>
        own_cores; ///< CPU of this program: near one per thread, it is the bottleneck itself.
};

/// Blocks until the run is over; SIGINT and SIGTERM end it early with what there is. Throws RunError.
[[nodiscard]] Outcome run_load(const Options& options);

} // namespace headroom::load
