// `headroom tokens`: counts a text or a request body as the proxy would, part by part, so that users can
// check it against their bill. Not here: what a deployment was learned to add.
#pragma once

#include "core/options.hpp"

#include <iosfwd>

namespace headroom::core {

/// Counts what options.file names ("-": `in`) on `out`; what went wrong goes to `err`. Returns the exit code:
/// 0, or 2 when the file cannot be read or is too large.
int run_tokens(const Options& options, std::istream& in, std::ostream& out, std::ostream& err);

} // namespace headroom::core
