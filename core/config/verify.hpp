// Judges the finished configuration as a whole: settings that contradict each other, files that cannot be
// used, and what is legal but probably not meant. Used by load_config only.
#pragma once

#include "core/config/draft.hpp"
#include "core/config/finding.hpp"

namespace headroom::core {

/// Reads certificate, key and CA files; touches nothing else outside the draft.
void verify(const ConfigDraft& draft, Findings& findings);

} // namespace headroom::core
