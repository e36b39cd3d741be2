// `headroom check --json`: findings and effective settings as one JSON object, for scripts and editors.
#pragma once

#include "core/config/load.hpp"

#include <string>

namespace headroom::core {

/// {"ok", "config_file", "findings": [{"kind", "source", "text"}], "settings": {key: value}, "backends":
/// [{key: value}]} on one line; settings and backends are left out when there are mistakes. Secrets only as
/// descriptions.
[[nodiscard]] std::string check_json(const Loaded& loaded);

} // namespace headroom::core
