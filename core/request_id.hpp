// The name of a request: in access lines, in responses and for /why.
#pragma once

#include "net/http/writer.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace headroom::core {

/// Response field that carries it; a backend's own x-request-id passes beside it.
inline constexpr std::string_view request_id_field = "x-headroom-request-id";

/// `offered` if it is 1 to 64 letters, digits or any of "-_.:+=@", so that it needs no quoting in a line, a
/// path or a field; else 16 hexadecimal digits of `random`.
[[nodiscard]] std::string request_id_of(std::string_view offered, std::uint64_t random);

/// Names the request in the client's copy of a backend's `head`, unless that brings the field itself: behind
/// another Headroom the inner one's name is the better known, because it has talked to the backend.
void add_request_id(net::HeadWriter& writer, const net::Head& head, std::string_view id) noexcept;

} // namespace headroom::core
