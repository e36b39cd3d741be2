// The result as one JSON object: for other programs, and for the HTML report.
#pragma once

#include "bench/lab/comparison.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace headroom::lab {

/// What was compared, as the user named it.
struct ReportTitle {
    std::string fleet;
    std::string trace;
    std::uint64_t seed = 1;
    unsigned seeds = 1;
};

/// Numbers that cannot be computed are null.
[[nodiscard]] std::string json_of(const ReportTitle& title, const FleetModel& fleet,
                                  const std::vector<LoadResult>& results);

/// {"mean":...,"half_width":...}
[[nodiscard]] std::string json_of(const Estimate& estimate);

/// A JSON string with its quotes; "<" is escaped, so that it can stand in HTML.
[[nodiscard]] std::string json_text(std::string_view text);

} // namespace headroom::lab
