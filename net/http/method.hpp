// Method: the request methods that are forwarded. CONNECT, TRACE and every other one end in 501.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace headroom::net {

enum class Method : std::uint8_t { get, head, post, put, patch, delete_, options };

/// Case-sensitive (RFC 9110 §9.1); empty for a method that is not forwarded.
std::optional<Method> method_from(std::string_view name) noexcept;
/// "GET" and so on.
std::string_view name_of(Method method) noexcept;

} // namespace headroom::net
