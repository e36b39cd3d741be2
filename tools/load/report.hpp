// What a run found, as a table for people and as one JSON object for programs.
#pragma once

#include "tools/load/options.hpp"
#include "tools/load/run.hpp"

#include <string>

namespace headroom::load {

/// Ends in a line break; durations in the unit that reads best.
[[nodiscard]] std::string table(const Options& options, const Outcome& outcome);

/// One line and a line break; every duration in microseconds, every key always there (null where it does not
/// apply).
[[nodiscard]] std::string json(const Options& options, const Outcome& outcome);

/// "812 ns", "79.3 us", "1.25 ms", "12.0 s"
[[nodiscard]] std::string readable(Nanoseconds duration);

/// All that should make the run fail: failed requests of the window and around it.
[[nodiscard]] std::uint64_t failures_of(const Outcome& outcome) noexcept;

} // namespace headroom::load
