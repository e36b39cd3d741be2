// What a request's header fields say about waiting and retrying: how long its client would wait, who it is,
// and whether it has been tried before. Not here: what the balancer and the queue make of it.
#pragma once

#include "balance/quantities.hpp"
#include "core/config.hpp"
#include "net/http/head.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace headroom::core {

struct ClientWishes {
    /// How long it may wait from its arrival on; within the bounds of the configuration, 0: not at all.
    balance::Duration patience{};
    /// Views into the head: the tenant by name, else by credential; both empty: it says neither.
    std::string_view tenant;
    std::string_view credential;
    unsigned retries = 0; ///< x-stainless-retry-count: how often its SDK has tried it before.
};

/// Reads them in one pass; what is not well-formed counts as absent.
[[nodiscard]] ClientWishes wishes_of(const net::Head& head, const QueueConfig& config) noexcept;

/// Whether a field is meant for us and no backend is to see it.
[[nodiscard]] bool is_own_field(std::string_view name, const QueueConfig& config) noexcept;

/// "600" or "0.5": a decimal number of `unit`s; nullopt for anything else, a day for anything longer.
[[nodiscard]] std::optional<balance::Duration> decimal_duration(std::string_view text,
                                                                balance::Duration unit) noexcept;

} // namespace headroom::core
