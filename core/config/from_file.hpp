// Reads the YAML file into the draft.
// Used by load_config only.
#pragma once

#include "core/config/source.hpp"

#include <string>
#include <string_view>

namespace headroom::core {

/// Reads the file; a file that is missing, too large or no regular file is a mistake with `named_by` as its
/// source.
void read_config_file(const std::string& path, std::string_view named_by, Reading& reading);

/// As above with the bytes at hand; `file` is the name for messages.
void read_config_text(std::string_view bytes, std::string_view file, Reading& reading);

} // namespace headroom::core
