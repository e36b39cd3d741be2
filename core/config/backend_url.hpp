// A backend's base URL: taken apart, judged, and turned into what precedes an operation's path.
// Shared by the backend settings.
#pragma once

#include "core/config.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace headroom::core {

struct ParsedUrl {
    BackendUrl url;          ///< base_path is the path as written; settle_base_path() makes it final.
    std::string api_version; ///< From "?api-version=...", which people paste along.
    std::string mistake;     ///< Empty when all is well; never contains the user information of the URL.
};

/// Accepts http and https URLs (RFC 3986) without user information, fragment, or a query other than
/// api-version.
[[nodiscard]] ParsedUrl parse_backend_url(std::string_view text);

/// v1 when the path ends in "/v1" or the host is api.openai.com, else classic.
[[nodiscard]] Flavour detect_flavour(const BackendUrl& url);

/// Whether the host is Microsoft's (public or government cloud).
[[nodiscard]] bool is_azure_host(std::string_view host) noexcept;

/// Whether the host is this machine: "localhost", "*.localhost", 127.0.0.0/8, ::1.
[[nodiscard]] bool is_loopback_host(std::string_view host) noexcept;

/// Makes base_path what the flavour needs; see BackendUrl::base_path.
void settle_base_path(BackendUrl& url, Flavour flavour);

} // namespace headroom::core
