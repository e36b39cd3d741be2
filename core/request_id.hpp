// The name of a request: in access lines, in responses and for /why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace headroom::core {

/// Response field that carries it; a backend's own x-request-id passes beside it.
inline constexpr std::string_view request_id_field = "x-headroom-request-id";

/// `offered` if it is 1 to 64 letters, digits or any of "-_.:+=@", so that it needs no quoting in a line, a
/// path or a field; else 16 hexadecimal digits of `random`.
[[nodiscard]] std::string request_id_of(std::string_view offered, std::uint64_t random);

} // namespace headroom::core
