// Max-Forwards: how many more intermediaries an OPTIONS request may pass (RFC 9110 section 7.6.2).
#pragma once

#include "net/http/head.hpp"

#include <cstdint>
#include <optional>

namespace headroom::core {

/// Of an OPTIONS request: the number in its Max-Forwards; a larger one than anybody could mean is lowered to
/// 999,999,999. nullopt: there is none, it is not a number, or the method gives it no meaning.
[[nodiscard]] std::optional<std::uint32_t> max_forwards(const net::Head& request) noexcept;

} // namespace headroom::core
