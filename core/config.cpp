// Questions that a configuration answers about itself.
#include "core/config.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace headroom::core {

std::string to_string(const ListenAddress& where) {
    const bool ipv6 = where.address.find(':') != std::string::npos;
    return fmt::format(fmt::runtime(ipv6 ? "[{}]:{}" : "{}:{}"), where.address, where.port);
}

const DeploymentConfig* BackendConfig::find_deployment(std::string_view client_name) const noexcept {
    const auto found = std::ranges::lower_bound(deployments, client_name, {}, &DeploymentConfig::client_name);
    return found != deployments.end() && found->client_name == client_name ? &*found : nullptr;
}

unsigned Config::attempts_max() const noexcept {
    const auto all = static_cast<unsigned>(backends.size());
    return retry.attempts_max == 0 ? all : std::min(retry.attempts_max, all);
}

} // namespace headroom::core
