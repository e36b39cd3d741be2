// The pages that explain: why one request went where it went, and what is known of every quota.
// Built by the control thread from what the shards share. Not here: recording (balance/flight_recorder.hpp),
// serving (core/control/).
#pragma once

#include "balance/fleet.hpp"
#include "balance/flight_recorder.hpp"
#include "core/config.hpp"
#include "net/clock.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace headroom::core {

/// What the pages are made from, and when.
struct PageBasis {
    const Config& config;
    balance::Fleet& fleet;
    std::span<const balance::FlightRecorder* const> recorders; ///< By shard.
    net::Time now;
    net::WallTime wall_now;
};

/// All that is recorded of the requests of that id, with the raw records for `headroom replay`; nothing when
/// there is no record of it.
[[nodiscard]] std::optional<std::string> why_json(const PageBasis& basis, std::string_view id);
/// The same for people, without the raw records.
[[nodiscard]] std::optional<std::string> why_text(const PageBasis& basis, std::string_view id);
/// How far back the records reach, in a sentence.
[[nodiscard]] std::string reach_text(const PageBasis& basis);

/// What is known of every (backend, deployment) that is configured or was asked.
[[nodiscard]] std::string quotas_json(const PageBasis& basis);
[[nodiscard]] std::string quotas_text(const PageBasis& basis);

} // namespace headroom::core
