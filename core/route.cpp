// Paths of the Azure OpenAI and OpenAI APIs, read and written.
#include "core/route.hpp"

#include "net/http/field.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace headroom::core {
namespace {

using balance::Operation;

struct KnownSegment {
    std::string_view first; ///< First segment of the tail.
    Operation operation;
    bool may_stream_body;
};

// Everything the two APIs offer under a version prefix; a bare path is ours only if it begins with one of
// these.
constexpr std::array known_segments{
    KnownSegment{"chat", Operation::chat, false},
    KnownSegment{"completions", Operation::completions, false},
    KnownSegment{"embeddings", Operation::embeddings, false},
    KnownSegment{"responses", Operation::responses, false},
    KnownSegment{"realtime", Operation::realtime, false},
    KnownSegment{"audio", Operation::audio, true},
    KnownSegment{"images", Operation::images, true},
    KnownSegment{"files", Operation::files, true},
    KnownSegment{"uploads", Operation::files, true},
    KnownSegment{"models", Operation::models, false},
    KnownSegment{"deployments", Operation::other, false},
    KnownSegment{"batches", Operation::other, false},
    KnownSegment{"vector_stores", Operation::files, true},
    KnownSegment{"assistants", Operation::other, false},
    KnownSegment{"threads", Operation::other, false},
    KnownSegment{"conversations", Operation::other, false},
    KnownSegment{"containers", Operation::files, true},
    KnownSegment{"evals", Operation::other, false},
    KnownSegment{"fine_tuning", Operation::other, false},
    KnownSegment{"fine-tunes", Operation::other, false},
    KnownSegment{"moderations", Operation::other, false},
    KnownSegment{"videos", Operation::other, true},
    KnownSegment{"video", Operation::other, true},
    KnownSegment{"extensions", Operation::other, false},
};

bool take_prefix(std::string_view& path, std::string_view prefix) {
    if (!path.starts_with(prefix)) return false;
    if (path.size() != prefix.size() && path[prefix.size()] != '/') return false;
    path.remove_prefix(prefix.size());
    return true;
}

std::string_view first_segment(std::string_view tail) {
    if (!tail.empty()) tail.remove_prefix(1);
    return tail.substr(0, tail.find('/'));
}

const KnownSegment* known(std::string_view tail) {
    const std::string_view segment = first_segment(tail);
    const auto* found = std::ranges::find_if(
        known_segments, [&](const KnownSegment& entry) { return entry.first == segment; });
    return found == known_segments.end() ? nullptr : found;
}

/// Operations whose paths never name an object: everything after the first segment is a verb.
bool is_plain(Operation operation) {
    return operation == Operation::chat || operation == Operation::completions ||
           operation == Operation::embeddings || operation == Operation::audio ||
           operation == Operation::images || operation == Operation::realtime;
}

void fill_operation(Route& route) {
    const KnownSegment* entry = known(route.tail);
    if (entry == nullptr) return;
    route.operation = entry->operation;
    route.may_stream_body = entry->may_stream_body;
    const std::size_t second = route.tail.find('/', 1);
    const bool deeper = second != std::string_view::npos && second + 1 < route.tail.size();
    route.names_object = deeper && !is_plain(route.operation);
    // stored completions: /chat/completions/{id}
    if (route.operation == Operation::chat && route.tail != "/chat/completions") route.names_object = true;
}

/// Azure compares the names of parameters as written or escaped, in any case.
bool is_parameter(std::string_view key, std::string_view name) {
    if (key.find('%') == std::string_view::npos) return net::same_name(key, name);
    std::string plain;
    return percent_decode(key, plain) && net::same_name(plain, name);
}

std::string_view query_value(std::string_view query, std::string_view key) {
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        if (pair.size() > key.size() && pair.starts_with(key) && pair[key.size()] == '=') {
            return pair.substr(key.size() + 1);
        }
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return {};
}

/// Appends the parameters of `query` except the `dropped` ones; `any` says whether `out` has parameters
/// already.
void append_query(std::string& out, std::string_view query, std::initializer_list<std::string_view> dropped,
                  bool any) {
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        const std::string_view key = pair.substr(0, pair.find('='));
        const bool drop = std::ranges::any_of(dropped, [&](auto name) { return is_parameter(key, name); });
        if (!pair.empty() && !drop) {
            out += any ? '&' : '?';
            out += pair;
            any = true;
        }
        query.remove_prefix(std::min(end + 1, query.size()));
    }
}

/// Versions of classic paths are dates. @ai-sdk/azure says "v1" on them all the same, others "preview".
bool names_classic_version(std::string_view query) {
    const std::string_view version = query_value(query, "api-version");
    return !version.empty() && version.front() >= '0' && version.front() <= '9';
}

/// Operations that a classic resource serves below /openai/deployments/{d}.
bool has_deployment_path(const Route& route) {
    switch (route.operation) {
        case Operation::chat:
        case Operation::completions:
        case Operation::embeddings:
        case Operation::audio:
        case Operation::images: return !route.names_object;
        default: return route.shape == PathShape::classic_deployment;
    }
}

/// Realtime names the deployment in the query: `parameter` is its name in the target's shape.
void append_realtime(std::string& out, const Route& route, std::string_view parameter,
                     std::string_view upstream_name, std::string_view dropped) {
    out += route.tail;
    ((out += '?') += parameter) += '=';
    percent_encode(upstream_name, out);
    const bool to_v1 = parameter == "model";
    append_query(out, route.query, {"model", "deployment", to_v1 ? "api-version" : "", dropped}, true);
}

void append_to_classic(std::string& out, const Route& route, const BackendConfig& backend,
                       std::string_view upstream_name, std::string_view dropped) {
    if (deployment_in_path(route, backend)) {
        out += "/openai/deployments/";
        percent_encode(upstream_name, out);
        out += route.tail;
        const bool has_version = names_classic_version(route.query);
        if (!has_version) (out += "?api-version=") += backend.api_version;
        append_query(out, route.query, {has_version ? "" : "api-version", dropped}, !has_version);
        return;
    }
    // The same resource serves both APIs: what has no classic path with a deployment keeps the client's
    // shape.
    const bool v1 = route.shape == PathShape::v1;
    out += v1 ? "/openai/v1" : "/openai";
    if (route.operation == Operation::realtime) {
        append_realtime(out, route, v1 ? "model" : "deployment", upstream_name, dropped);
        return;
    }
    out += route.tail;
    append_query(out, route.query, {dropped}, false);
}

void append_to_v1(std::string& out, const Route& route, std::string_view upstream_name,
                  std::string_view dropped) {
    if (route.operation == Operation::realtime) {
        append_realtime(out, route, "model", upstream_name, dropped);
        return;
    }
    out += route.tail;
    // v1 has no dated versions: a classic client's api-version means nothing there, its own "preview" does
    append_query(out, route.query, {route.shape == PathShape::v1 ? "" : "api-version", dropped}, false);
}

/// A segment "." or "..", also percent-encoded, could climb out of the paths that we know.
bool has_dot_segment(std::string_view path) {
    if (path.find("/.") == std::string_view::npos && path.find('%') == std::string_view::npos) return false;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::size_t end = std::min(path.find('/'), path.size());
        std::string segment;
        if (!percent_decode(path.substr(0, end), segment)) return true;
        if (segment == "." || segment == ".." || segment.find('/') != std::string::npos) return true;
        path.remove_prefix(end);
    }
    return false;
}

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

} // namespace

Route route_of(std::string_view path, std::string_view query) {
    Route route;
    route.query = query;
    if (!path.starts_with('/') || has_dot_segment(path)) return route;
    std::string_view rest = path;
    if (take_prefix(rest, "/openai/deployments") && rest.size() > 1) {
        rest.remove_prefix(1);
        const std::size_t slash = rest.find('/');
        if (slash == 0) return route;
        if (slash != std::string_view::npos && slash + 1 < rest.size()) {
            route.shape = PathShape::classic_deployment;
            route.deployment = rest.substr(0, slash);
            route.tail = rest.substr(slash);
            fill_operation(route);
            return route;
        }
    }
    rest = path;
    if (take_prefix(rest, "/openai/v1") || take_prefix(rest, "/v1")) {
        if (rest.size() <= 1) return route;
        route.shape = PathShape::v1;
    } else if (take_prefix(rest, "/openai")) {
        if (rest.size() <= 1) return route;
        // without a date Azure knows no such path, but v1 clients with this base URL mean theirs
        const bool dated = names_classic_version(query) || first_segment(rest) == "realtime";
        route.shape = dated ? PathShape::classic : PathShape::v1;
    } else if (known(rest) != nullptr) {
        route.shape = PathShape::v1;
    } else {
        return route;
    }
    route.tail = rest;
    fill_operation(route);
    if (route.operation == Operation::realtime) {
        route.deployment = query_value(query, route.shape == PathShape::v1 ? "model" : "deployment");
    }
    return route;
}

bool can_be_segment(std::string_view name) noexcept {
    return !name.empty() && name != "." && name != "..";
}

bool deployment_in_path(const Route& route, const BackendConfig& backend) noexcept {
    return backend.flavour == Flavour::classic && has_deployment_path(route);
}

void append_target(std::string& out, const Route& route, const BackendConfig& backend,
                   std::string_view upstream_name, bool keep_credentials) {
    const std::string_view dropped = keep_credentials ? "" : "api-key";
    out += backend.url.base_path;
    if (backend.flavour == Flavour::classic) {
        append_to_classic(out, route, backend, upstream_name, dropped);
    } else {
        append_to_v1(out, route, upstream_name, dropped);
    }
}

std::string_view api_version_of(std::string_view target) noexcept {
    const std::size_t query = target.find('?');
    if (query == target.npos) return {};
    return query_value(target.substr(query + 1), "api-version");
}

bool percent_decode(std::string_view text, std::string& out) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) return false;
        const int high = hex_value(text[i + 1]);
        const int low = hex_value(text[i + 2]);
        if (high < 0 || low < 0) return false;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return true;
}

void percent_encode(std::string_view text, std::string& out) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
}

} // namespace headroom::core
