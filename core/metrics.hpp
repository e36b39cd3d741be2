// The Prometheus page: every counter of every shard summed, and what the fleet knows of each quota.
// Text exposition format 0.0.4. Called on the control thread. Label values are escaped; deployment names come
// from clients, so only those that a backend has confirmed are shown by name (balance::Fleet does that).
#pragma once

#include "balance/fleet.hpp"
#include "core/config.hpp"
#include "core/counters.hpp"
#include "net/clock.hpp"

#include <span>
#include <string>

namespace headroom::core {

/// `shards` may be empty (nothing has started yet).
[[nodiscard]] std::string metrics_page(const Config& config, std::span<const ShardCounters* const> shards,
                                       balance::Fleet& fleet, net::Time now);

} // namespace headroom::core
