// Reads Headroom's JSON access log as a trace: what was asked of the proxy comes again in the lab.
// Pure. Lines of other programs in between are passed over and counted. Not here: where the text comes from
// (inputs.hpp).
#pragma once

#include "tools/load/trace_reader.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::lab {

/// What an access log came to.
struct AccessLog {
    std::vector<load::TraceRow> rows;               ///< By when they came; never empty.
    std::map<std::string, std::size_t> deployments; ///< How many requests each had, whichever were asked for.
    std::size_t other_lines = 0;                    ///< That are no events of Headroom.
    std::size_t retries = 0;                        ///< Requests that are an earlier one's next try.
    std::size_t guessed = 0; ///< Rows without an answer, for which a mean one is taken.
};

/// True when one of the first hundred lines is of an access log in JSON, perhaps behind another program's
/// prefix.
[[nodiscard]] bool is_access_log(std::string_view text) noexcept;

/// The requests that charged tokens; of `deployment` only unless that is empty. A line without usage is
/// estimated by "estimated_tokens" and "counted_output_tokens". A request that failed and comes again within
/// 75 s, of equal size to the byte, is one request whose client retried, as SDKs do twice. A last line
/// without an end is passed over, as log rotation cuts it. Throws load::TraceError.
[[nodiscard]] AccessLog read_access_log(std::string_view text, std::string_view deployment = {});

} // namespace headroom::lab
