// Route: what a request's path says: which API shape, which operation, which deployment; and the path to ask
// a backend for. Pure text. The three shapes that clients send (classic, v1, bare) map to either flavour of
// backend. Source: Azure OpenAI REST reference (classic and v1 paths). Not here: choosing a backend.
#pragma once

#include "balance/operation.hpp"
#include "core/config.hpp"

#include <string>
#include <string_view>

namespace headroom::core {

/// How the client spelt its path.
enum class PathShape : std::uint8_t {
    classic_deployment, ///< /openai/deployments/{d}/chat/completions?api-version=...
    classic,            ///< /openai/responses?api-version=<date> (no deployment in the path)
    v1,                 ///< /openai/v1/... , /v1/... , bare, or /openai/... without a dated version: the
                        ///< deployment is `model` in the body
    unknown,            ///< none of ours: 404
};

/// Views into the request's target; valid as long as its head is.
struct Route {
    PathShape shape = PathShape::unknown;
    balance::Operation operation = balance::Operation::other;
    std::string_view
        deployment; ///< From the path (or ?deployment= of a realtime request), still percent-encoded.
    std::string_view
        tail; ///< "/chat/completions", "/responses/resp_1/cancel": what follows the shape's prefix.
    std::string_view query;       ///< Without '?'; may be empty.
    bool may_stream_body = false; ///< Uploads: a body over body_bytes_max passes through instead of 413.
    bool names_object = false;    ///< The path names a stored object, so that a 404 may be true.
};

/// Reads a path (origin-form, without query) and its query; never fails, `unknown` is an answer.
[[nodiscard]] Route route_of(std::string_view path, std::string_view query);

/// True when `backend` is asked at a path that carries the deployment, so that the body's `model` does not
/// matter.
[[nodiscard]] bool deployment_in_path(const Route& route, const BackendConfig& backend) noexcept;

/// False for what a path cannot carry as a segment of its own, however it is encoded: nothing, "." and "..".
[[nodiscard]] bool can_be_segment(std::string_view name) noexcept;

/// The request target for `backend`, with `upstream_name` (plain text) in the path where the flavour wants
/// it. Credentials in the query (`api-key`) are dropped unless `keep_credentials`.
void append_target(std::string& out, const Route& route, const BackendConfig& backend,
                   std::string_view upstream_name, bool keep_credentials);

/// The api-version in the query of a request target, as it lies there; empty when there is none.
[[nodiscard]] std::string_view api_version_of(std::string_view target) noexcept;

/// Percent-decodes (RFC 3986 section 2.1); false when an escape is broken.
[[nodiscard]] bool percent_decode(std::string_view text, std::string& out);
/// Percent-encodes everything but unreserved characters.
void percent_encode(std::string_view text, std::string& out);

} // namespace headroom::core
