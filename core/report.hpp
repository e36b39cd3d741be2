// Report: writes what happened: one access line per request, and its share in the counters.
// Text by default, for people and for what reads the ancestor's log ("Proxying to https://..."); or JSON, one
// object per line. Never writes a key, a query, a prompt or a body.
#pragma once

#include "core/access_record.hpp"
#include "core/config.hpp"
#include "core/counters.hpp"
#include "net/clock.hpp"
#include "net/http/message_parser.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace headroom::core {

class Shard;
class Session;

/// The access line of one request, with its line break.
[[nodiscard]] std::string access_line(const AccessRecord& record, const Config& config, net::WallTime now);
/// Adds the request to the shard's counters and writes its line.
void report(Shard& shard, const AccessRecord& record);
/// Writes a line for a request that was not HTTP.
void report_malformed(Shard& shard, Session& session, const net::ParseFailure& bad);

/// Writes a line for a backend that could not be connected to; `detail` is what TLS or the kernel says, may
/// be empty.
void report_unusable(Shard& shard, std::uint32_t backend, net::Error error, std::string_view detail);

/// Writes a line for a backend that was found not to tell the usage of streams when it is asked to.
void report_usage_refused(Shard& shard, std::uint32_t backend);

/// JSON string contents: quotes, backslashes and controls escaped; bytes above 127 as they are when they are
/// UTF-8, else replaced.
void append_json_text(std::string& out, std::string_view text);
/// The same as a value.
[[nodiscard]] std::string in_json(std::string_view text);
/// "2026-11-23T08:49:37.123Z"
void append_timestamp(std::string& out, net::WallTime now);

} // namespace headroom::core
