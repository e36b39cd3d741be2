// Reads HTTP-dates, the only civil time a backend sends that matters to the balancer.
#pragma once

#include "balance/quantities.hpp"

#include <optional>
#include <string_view>

namespace headroom::balance {

/// An HTTP-date in any of its three forms (RFC 9110 section 5.6.7); nullopt when it is none or outside 1900
/// to 2200. The name of the day is not checked; two-digit years mean 1970 to 2069.
[[nodiscard]] std::optional<WallTime> parse_http_date(std::string_view text) noexcept;

} // namespace headroom::balance
