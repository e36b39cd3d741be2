// The result for a terminal: one table per load, strategies by goodput.
#pragma once

#include "bench/lab/comparison.hpp"

#include <string>

namespace headroom::lab {

[[nodiscard]] std::string table_of(const LoadResult& result);

} // namespace headroom::lab
