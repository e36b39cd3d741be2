// A plan in the words of the Azure CLI.
#pragma once

#include "bench/lab/fleet_model.hpp"

#include <string>
#include <vector>

namespace headroom::lab {

/// One `az cognitiveservices account deployment create` per pay-as-you-go backend whose quota differs from
/// `before`, which changes a deployment that exists; those that give quota back come first, since the rest
/// can only then be given. What the fleet does not say is a shell variable; the account is the backend's name
/// unless it says another. A capacity is a thousand tokens per minute, rounded down.
[[nodiscard]] std::vector<std::string> commands_for(const FleetModel& before, const FleetModel& after);

/// In single quotes, so that a shell takes it as it is.
[[nodiscard]] std::string shell_quoted(std::string_view text);

} // namespace headroom::lab
