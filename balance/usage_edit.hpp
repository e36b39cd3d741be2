// Makes a streamed request say its usage at the end: where to write what into its body, and how a backend
// sounds that does not take it. Pure. Not here: laying the edit over the body, asking again (core/), hiding
// the event that comes of it (balance/usage_event_filter.hpp).
#pragma once

#include "balance/request_facts.hpp"

#include <optional>
#include <string_view>

namespace headroom::balance {

/// Replaces the bytes of `range` by `text`; an empty range inserts.
struct UsageEdit {
    ByteRange range;
    std::string_view text;
};

/// The edit after which stream_options.include_usage is true and nothing else has changed. Nullopt when the
/// body asks for no stream, asks for usage itself, is not JSON, or has something in that place which a reader
/// could understand in two ways or which its sender must hear about (duplicates, other types).
[[nodiscard]] std::optional<UsageEdit> usage_edit(const RequestFacts& facts) noexcept;

/// True for the answer of a backend that does not know stream_options, or not here: 400 or 422 that names it.
/// Such an answer may also quote the client, so it proves nothing before the request without it succeeds.
[[nodiscard]] bool refuses_usage(int status, std::string_view body) noexcept;

} // namespace headroom::balance
