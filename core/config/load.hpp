// Builds the configuration from its three sources: command line over environment over file over defaults.
// Shared by main, check and the reload.
// Promises: never throws for what a user wrote; every mistake is collected, not only the first.
#pragma once

#include "core/config.hpp"
#include "core/config/finding.hpp"
#include "core/environment.hpp"
#include "core/options.hpp"

#include <map>
#include <string>

namespace headroom::core {

struct Loaded {
    Config config; ///< Complete only when ok().
    Findings findings;
    std::string config_file; ///< The file that was read; empty when there was none.
    std::map<std::string, std::string>
        origins; ///< Setting key -> where its value came from; absent = default.

    [[nodiscard]] bool ok() const noexcept { return findings.mistakes() == 0; }
};

/// Reads the file named by `--config` or HEADROOM_CONFIG (if any), the environment and the flags. Touches
/// only files that the configuration names (certificates, keys, CA files), never the network.
[[nodiscard]] Loaded load_config(const Options& options, const Environment& environment);

} // namespace headroom::core
