// Decides what was left open once all sources are read: flavours, paths, credentials, names; fills in what
// follows from something else. Used by load_config only.
#pragma once

#include "core/config/draft.hpp"
#include "core/config/finding.hpp"

namespace headroom::core {

/// Completes the draft and moves its backends into its config. Mistakes here are about one backend by itself
/// or about names; what is odd in the whole is core/config/verify.hpp.
void resolve(ConfigDraft& draft, Findings& findings);

} // namespace headroom::core
