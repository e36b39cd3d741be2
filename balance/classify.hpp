// Says whose fault a response is, from its status and the beginning of its body: the table that drives retry
// and health.
#pragma once

#include "balance/operation.hpp"

#include <string_view>

namespace headroom::balance {

/// What a response head (and the start of an error body) means for this request and for that backend.
enum class Verdict : std::uint8_t {
    pass,               ///< Give it to the client; the backend is healthy.
    quota,              ///< 429: a measurement of the quota, try another backend.
    transient_fault,    ///< 408, 500, 502, 503, 504 and other 5xx: the backend's fault, try another backend.
    auth_fault,         ///< 401, 403 of our own credentials: a fault of that backend's configuration.
    deployment_missing, ///< 404 of a deployment, model or route that this backend does not have.
    pass_error,         ///< The client's own error: give it to the client byte by byte, never retry.
};

/// What classify needs to know about a response.
struct Answer {
    int status = 0;
    std::string_view
        body; ///< Decoded start of the body, at most classify_body_bytes_max are looked at; may be empty.
    Operation operation = Operation::other;
    bool own_credentials =
        true; ///< We replaced the client's credentials, so a 401 or 403 is not the client's doing.
    bool names_object =
        false; ///< The path or body names a stored object (response, file, thread), so a 404 may be true.
};

/// More of an error body than this is never looked at.
inline constexpr std::size_t classify_body_bytes_max = 4096;

/// True when classify wants the start of the body for this status; otherwise the head is enough.
[[nodiscard]] bool wants_body(int status) noexcept;

/// Judges one response; never fails, unknown statuses pass.
[[nodiscard]] Verdict classify(const Answer& answer) noexcept;

/// True when an error of the client's own may only mean that another backend has the stored object that the
/// request names: 404, or 400 about something not found, or about encrypted content that is another's.
/// Nothing was executed then.
[[nodiscard]] bool lacks_object(int status, std::string_view body) noexcept;

/// The stable lower-case name used in logs and metric labels.
[[nodiscard]] std::string_view name_of(Verdict verdict) noexcept;

} // namespace headroom::balance
