// Status lines and header fields as the service sends them, quota headers and their known lies included.
// Pure except for the Date field. Not here: bodies.
#pragma once

#include "tools/mock_azure/backend_options.hpp"
#include "tools/mock_azure/limiter.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::mock {

struct ReplyHead {
    int status = 200;
    std::string_view content_type = "application/json";
    std::optional<std::int64_t> content_length; ///< empty: no field
    bool chunked = false;
    bool keep_alive = true;
    bool streaming = false;
    std::string_view region;
    std::string_view deployment; ///< empty: the answer came from the gateway, not from a model
    std::string_view model;
    std::string request_id;
    std::string_view client_request_id; ///< echoed
    std::optional<QuotaView> quota;
    /// Real time, exact; only with 429.
    std::optional<std::chrono::nanoseconds> retry_after;
    std::string extra; ///< complete lines
};

/// Durations in `head.quota` must be real time already.
std::string serialize(const ReplyHead& head, const Quirks& quirks);

/// IMF-fixdate, RFC 9110 §5.6.7.
std::string http_date(std::chrono::system_clock::time_point at);

/// A version-4-looking UUID out of two numbers.
std::string uuid(std::uint64_t high, std::uint64_t low);

} // namespace headroom::mock
