// The command line of headroom-lab.
#pragma once

#include "bench/lab/workload.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace headroom::lab {

/// The command line cannot be used; the text says why.
class OptionError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Options {
    std::string command; ///< "compare", "what-if", "live", "strategies", "help".
    bool help = false;
    std::string fleet;
    std::string trace; ///< A file, or the name of a generator.
    std::vector<double> loads;
    std::vector<std::string> strategies; ///< Empty: all.
    std::string deployment;              ///< Of an access log; empty: all of it.
    double scale = 0;                    ///< Times are stretched so much; 0: by the load, or not at all.
    double minutes = 0;                  ///< 0: all of the trace.
    std::uint64_t seed = 1;
    unsigned seeds = 1;
    std::size_t requests = 3000; ///< Of a made-up workload.
    WorkloadOptions workload;
    bool bounds = true;
    bool full = false; ///< All figures in the table.
    bool json = false;
    bool quiet = false;              ///< Nothing but results and errors.
    std::vector<std::string> others; ///< Of what-if: files of other fleets.
    double region_ms = 60;           ///< Of what-if's backend in another region: later to the first token.
    int ptu_units = 15;              ///< Of what-if's provisioned backend.
    std::int64_t ptu_tpm = 3000;     ///< Of one unit.
    double speed = 20;               ///< Of live.
    std::string programs;            ///< The folder of live's programs; empty: our own.
    std::string html;                ///< A file to write; empty: none.
};

/// Throws OptionError.
[[nodiscard]] Options options_from(const std::vector<std::string>& arguments);
[[nodiscard]] std::string help_text();

} // namespace headroom::lab
