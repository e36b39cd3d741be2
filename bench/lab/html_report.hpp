// The result as one HTML file that needs nothing else: charts, sortable tables, light and dark, fit for
// print.
#pragma once

#include <string>
#include <string_view>

namespace headroom::lab {

/// `json` as json_of() makes it.
[[nodiscard]] std::string html_of(std::string_view json);

} // namespace headroom::lab
