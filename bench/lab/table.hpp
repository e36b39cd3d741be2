// The comparison for a terminal.
#pragma once

#include "bench/lab/comparison.hpp"

#include <string>

namespace headroom::lab {

/// One load, the best goodput first; `full` adds a second table of all figures that the first has no room
/// for.
[[nodiscard]] std::string table_of(const LoadResult& result, bool full = false);

} // namespace headroom::lab
