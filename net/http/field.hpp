// FieldId: the header fields that somebody here asks for by name, recognised once, while parsing.
// Names are compared without regard to case (RFC 9110 §5.1).
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::net {

enum class FieldId : std::uint8_t {
    other,
    accept_encoding,
    api_key,
    apim_request_id,
    authorization,
    cache_control,
    connection,
    content_encoding,
    content_length,
    content_type,
    cookie,
    date,
    expect,
    forwarded,
    host,
    http2_settings,
    keep_alive,
    last_event_id,
    max_forwards,
    proxy_authenticate,
    proxy_authorization,
    proxy_connection,
    range,
    retry_after,
    retry_after_ms,
    sec_websocket_key,
    sec_websocket_protocol,
    server,
    set_cookie,
    te,
    trailer,
    transfer_encoding,
    upgrade,
    user_agent,
    via,
    x_forwarded_for,
    x_forwarded_host,
    x_forwarded_proto,
    x_ms_client_request_id,
    x_ms_region,
    /// Any name that begins with `x-ratelimit-` or `x-rate-limit-`.
    x_ratelimit,
    x_request_id,
    count_, ///< how many there are; not a field
};

/// Which field the valid name `name` is; `other` when nobody here asks for it.
FieldId field_id(std::string_view name) noexcept;

/// ASCII comparison without regard to case.
bool same_name(std::string_view left, std::string_view right) noexcept;

/// Whether `name` can name a field, a method or a coding (RFC 9110 §5.6.2): not empty, only visible ASCII
/// without separators.
bool is_name(std::string_view name) noexcept;

/// Whether `value` holds only HTAB, SP, visible ASCII and obs-text (RFC 9110 §5.5).
bool is_field_value(std::string_view value) noexcept;

/// Connection-specific: never forwarded, whatever Connection says (RFC 9110 §7.6.1), nor is what frames or
/// authenticates one hop (Transfer-Encoding, Trailer, Proxy-Authorization, ...). Content-Length is not one of
/// them.
bool is_hop_by_hop(FieldId id) noexcept;

/// The next element of a comma-separated list, OWS trimmed, empty elements skipped (RFC 9110 §5.6.1.2);
/// `rest` is shortened; an empty view when there is none left. Not for lists with quoted commas.
std::string_view next_list_element(std::string_view& rest) noexcept;

} // namespace headroom::net
