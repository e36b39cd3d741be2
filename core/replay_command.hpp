// `headroom replay`: runs recorded decisions again and says whether they come out the same, bit by bit.
#pragma once

#include "core/options.hpp"

#include <iosfwd>

namespace headroom::core {

/// Reads what /why gave, one or several, from options.file ("-": `in`). Returns the exit code: 0 when all
/// outcomes and scores are the same, 1 when one is not, 2 when there is nothing to run.
int run_replay(const Options& options, std::istream& in, std::ostream& out, std::ostream& err);

} // namespace headroom::core
