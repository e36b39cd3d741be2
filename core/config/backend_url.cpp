// RFC 3986 in the small: scheme, authority, path and the one query that people paste.
#include "core/config/backend_url.hpp"

#include "core/config/text.hpp"
#include "core/config/value.hpp"
#include "core/limits.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace headroom::core {
namespace {

bool is_alnum(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_hex(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// What follows the scheme, cut at its delimiters.
struct Parts {
    std::string_view authority;
    std::string_view path;
    std::string_view query;
};

Parts split(std::string_view rest) {
    Parts parts;
    const auto question = rest.find('?');
    if (question != std::string_view::npos) parts.query = rest.substr(question + 1);
    rest = rest.substr(0, question);
    const auto slash = rest.find('/');
    parts.authority = rest.substr(0, slash);
    if (slash != std::string_view::npos) parts.path = rest.substr(slash);
    return parts;
}

bool is_dns_name(std::string_view host) {
    if (host.empty() || host.size() > limits::host_bytes_max) return false;
    std::string_view label;
    for (std::string_view rest = host; !rest.empty();) {
        const auto dot = rest.find('.');
        label = rest.substr(0, dot);
        // Underscores are no host names, but container networks use them.
        const auto allowed = [](char c) { return is_alnum(c) || c == '-' || c == '_'; };
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
            !std::ranges::all_of(label, allowed)) {
            return false;
        }
        if (dot == std::string_view::npos) break;
        rest.remove_prefix(dot + 1);
        if (rest.empty()) return false;
    }
    // A last label of digits is an IPv4 address written wrongly (WHATWG URL, "ends in a number").
    return !std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
}

std::string take_host(std::string_view host, BackendUrl& url) {
    const auto shown = in_ticks(host);
    if (host.starts_with('[')) {
        if (!host.ends_with(']') || !is_ipv6(host.substr(1, host.size() - 2))) {
            return fmt::format("{} is not an IPv6 address", shown);
        }
        host = host.substr(1, host.size() - 2);
    } else {
        if (host.ends_with('.')) host.remove_suffix(1);
        if (host.empty()) return "the host is missing; expected https://host";
        if (host.find_first_of("<>{}$") != std::string_view::npos) {
            return fmt::format("{} is a placeholder; put the name of your resource there", shown);
        }
        if (!is_ipv4(host) && !is_dns_name(host)) {
            const bool ascii =
                std::ranges::all_of(host, [](char c) { return static_cast<signed char>(c) > 0; });
            return fmt::format("{} is not a host name{}", shown,
                               ascii ? "" : "; write an international name in its xn-- form");
        }
    }
    url.host = lowered(host);
    return {};
}

std::string take_authority(std::string_view authority, BackendUrl& url) {
    if (authority.find('@') != std::string_view::npos) {
        return "user information before '@' is not supported; use api_key for a key";
    }
    // The colon of a port comes after the bracket of an IPv6 address.
    const auto bracket = authority.rfind(']');
    const auto colon = authority.rfind(':');
    const bool with_port =
        colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    const auto default_port = static_cast<std::uint16_t>(url.tls ? 443 : 80);
    url.port = default_port;
    if (with_port) {
        const auto port = parse_port(authority.substr(colon + 1));
        if (!port || *port == 0) {
            return fmt::format("{} is not a port; expected 1 to 65535",
                               in_ticks(authority.substr(colon + 1)));
        }
        url.port = *port;
    }
    if (auto mistake = take_host(with_port ? authority.substr(0, colon) : authority, url); !mistake.empty()) {
        return mistake;
    }
    const std::string host = is_ipv6(url.host) ? '[' + url.host + ']' : url.host;
    url.authority = url.port == default_port ? host : fmt::format("{}:{}", host, url.port);
    return {};
}

/// People paste the address of one operation from the portal; a base URL ends before it.
std::string pasted_operation(std::string_view path, const BackendUrl& url) {
    constexpr std::array<std::string_view, 4> operations{"/chat/completions", "/completions", "/embeddings",
                                                         "/responses"};
    const auto base = fmt::format("{}://{}", url.tls ? "https" : "http", url.authority);
    constexpr std::string_view marker = "/deployments/";
    const auto with_end = std::string{path} + '/';
    if (const auto found = with_end.find(marker); found != std::string::npos) {
        const auto rest = path.substr(std::min(path.size(), found + marker.size()));
        const auto name = rest.substr(0, rest.find('/'));
        auto prefix = path.substr(0, found);
        if (prefix.ends_with("/openai")) prefix.remove_suffix(7);
        return fmt::format(
            "the URL names one deployment; expected only {}{} (and `deployment: {}` if every "
            "request shall go there)",
            base, prefix, name.empty() ? "name" : name);
    }
    for (const auto operation : operations) {
        if (path.ends_with(operation)) {
            return fmt::format("the URL names one operation; expected {}{}", base,
                               path.substr(0, path.size() - operation.size()));
        }
    }
    return {};
}

std::string take_path(std::string_view path, BackendUrl& url) {
    while (path.ends_with('/'))
        path.remove_suffix(1);
    for (std::size_t i = 0; i < path.size(); ++i) {
        const char c = path[i];
        if (c == '%') {
            if (i + 2 >= path.size() || !is_hex(path[i + 1]) || !is_hex(path[i + 2])) {
                return fmt::format("{} has a '%' without two hexadecimal digits", in_ticks(path));
            }
        } else if (!is_alnum(c) && std::string_view{"-._~!$&'()*+,;=:@/"}.find(c) == std::string_view::npos) {
            return fmt::format("{} has a character that a path cannot have: {}", in_ticks(path),
                               in_ticks(path.substr(i, 1)));
        }
    }
    const auto with_end = std::string{path} + '/';
    for (const std::string_view odd : {"//", "/./", "/../"}) {
        if (with_end.find(odd) != std::string::npos)
            return fmt::format("the path {} is not plain", in_ticks(path));
    }
    if (auto mistake = pasted_operation(path, url); !mistake.empty()) return mistake;
    url.base_path = path;
    return {};
}

std::string take_query(std::string_view query, ParsedUrl& parsed) {
    constexpr std::string_view known = "api-version=";
    if (query.empty()) return {};
    const auto value = query.starts_with(known) ? query.substr(known.size()) : std::string_view{};
    const auto allowed = [](char c) { return is_alnum(c) || c == '-' || c == '.'; };
    if (value.empty() || !std::ranges::all_of(value, allowed)) {
        // The query may hold a key, so it is not shown.
        return "a query after '?' is not supported, except ?api-version=";
    }
    parsed.api_version = value;
    return {};
}

std::string take_url(std::string_view text, ParsedUrl& parsed) {
    if (text.empty()) return "the URL is empty; expected https://host";
    if (text.size() > limits::url_bytes_max) {
        return fmt::format("the URL has {} characters; at most {}", text.size(), limits::url_bytes_max);
    }
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) {
        const bool showable = text.find_first_of("@?# ") == std::string_view::npos;
        return fmt::format("the URL has no scheme; expected https://{}", showable ? text : "host");
    }
    const auto scheme = text.substr(0, scheme_end);
    if (!same_word(scheme, "https") && !same_word(scheme, "http")) {
        return fmt::format("the scheme {} is not supported; expected https or http", in_ticks(scheme));
    }
    if (text.find('#') != std::string_view::npos) return "a fragment after '#' means nothing here; remove it";
    parsed.url.tls = same_word(scheme, "https");
    const auto parts = split(text.substr(scheme_end + 3));
    if (auto mistake = take_authority(parts.authority, parsed.url); !mistake.empty()) return mistake;
    if (auto mistake = take_path(parts.path, parsed.url); !mistake.empty()) return mistake;
    if (auto mistake = take_query(parts.query, parsed); !mistake.empty()) return mistake;
    parsed.url.text = fmt::format("{}://{}{}", parsed.url.tls ? "https" : "http", parsed.url.authority,
                                  parsed.url.base_path);
    return {};
}

} // namespace

ParsedUrl parse_backend_url(std::string_view text) {
    ParsedUrl parsed;
    parsed.mistake = take_url(trimmed(text), parsed);
    return parsed;
}

Flavour detect_flavour(const BackendUrl& url) {
    return url.base_path.ends_with("/v1") || url.host == "api.openai.com" ? Flavour::v1 : Flavour::classic;
}

bool is_azure_host(std::string_view host) noexcept {
    constexpr std::array<std::string_view, 6> suffixes{
        ".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com",
        ".openai.azure.us",  ".services.ai.azure.us",  ".cognitiveservices.azure.us"};
    return std::ranges::any_of(suffixes, [&](std::string_view suffix) { return host.ends_with(suffix); });
}

bool is_loopback_host(std::string_view host) noexcept {
    return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
           (host.starts_with("127.") && is_ipv4(host));
}

void settle_base_path(BackendUrl& url, Flavour flavour) {
    auto& path = url.base_path;
    if (flavour == Flavour::classic) {
        // Both spellings of the same resource; "/openai/deployments/..." follows.
        if (path.ends_with("/openai/v1")) path.resize(path.size() - 10);
        if (is_azure_host(url.host) && path.ends_with("/openai")) path.resize(path.size() - 7);
        return;
    }
    if (path.ends_with("/v1")) return;
    if (is_azure_host(url.host)) {
        path += path.ends_with("/openai") ? "/v1" : "/openai/v1";
    } else if (path.empty()) {
        path = "/v1";
    }
}

} // namespace headroom::core
