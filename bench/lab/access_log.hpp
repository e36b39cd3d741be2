// Reads Headroom's JSON access log as a trace: what was asked of the proxy comes again in the lab.
#pragma once

#include "tools/load/trace_reader.hpp"

#include <string_view>
#include <vector>

namespace headroom::lab {

/// True when the first line is one of an access log in JSON.
[[nodiscard]] bool is_access_log(std::string_view text) noexcept;

/// The requests that charged tokens, by when they came. A line without usage is estimated by
/// "estimated_tokens" and "counted_output_tokens"; other events are passed over. Throws load::TraceError.
[[nodiscard]] std::vector<load::TraceRow> read_access_log(std::string_view text);

} // namespace headroom::lab
