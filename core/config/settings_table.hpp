// The table of settings as text: for `headroom help settings`, and as Markdown for docs/configuration.md.
#pragma once

#include <string>

namespace headroom::core {

/// For a terminal; ends in a line break.
[[nodiscard]] std::string settings_text();

/// Three Markdown tables (proxy, backend, deployment); the documentation holds exactly this text.
[[nodiscard]] std::string settings_markdown();

} // namespace headroom::core
