// Reads what a command works on: the fleet's file, the trace's file or a made-up workload.
#pragma once

#include "bench/lab/comparison.hpp"
#include "bench/lab/options.hpp"

#include <string>

namespace headroom::lab {

/// The whole file; throws OptionError.
[[nodiscard]] std::string file_text(const std::string& path);
/// Throws OptionError with the file's name and line in front of what is wrong with it.
[[nodiscard]] FleetModel fleet_from(const std::string& path);

/// A workload and what its user should know of it.
struct Input {
    WorkloadMaker make;
    std::string note; ///< Of an access log; empty: nothing to say.
};

/// Reads the trace once; each seed makes its requests from it. Throws OptionError.
[[nodiscard]] Input input_from(const Options& options);

} // namespace headroom::lab
