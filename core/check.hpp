// `headroom check`: says what is wrong with a configuration, or explains what it means.
// Shared by main (which prints the findings of a start with the same words).
#pragma once

#include "core/config/load.hpp"
#include "core/environment.hpp"
#include "core/options.hpp"

#include <iosfwd>

namespace headroom::core {

/// Loads the configuration and explains it on `out` (or as JSON with options.json); findings go to `err`.
/// Returns the exit code: 0, or 2 when there are mistakes.
int run_check(const Options& options, const Environment& environment, std::ostream& out, std::ostream& err);

/// One line per finding, then, when there are mistakes, one line that says how to go on.
void print_findings(const Findings& findings, std::ostream& err);

/// The readable explanation of an effective configuration; secrets only as "set (32 characters)".
void print_explanation(const Loaded& loaded, std::ostream& out);

/// Every setting with its environment variable, flag, default and meaning, for `headroom help settings`.
void print_settings(std::ostream& out);

} // namespace headroom::core
