// Reads the environment variables into the draft, over what the file said.
// Knows the ancestor's variables (BACKEND_X_URL, ...), the platform's (PORT, IDENTITY_ENDPOINT, ...) and
// HEADROOM_*. Used by load_config only.
#pragma once

#include "core/config/source.hpp"

#include <string_view>

namespace headroom::core {

/// An empty value counts as not set. BACKEND_X_... changes the backend called X, or adds one.
void read_config_environment(Reading& reading);

/// Variables that Kubernetes sets for a service called "headroom" or "backend"; they are none of our
/// settings.
[[nodiscard]] bool is_service_variable(std::string_view name, std::string_view value);

} // namespace headroom::core
