// Decodes the escapes of a JSON string.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace headroom::balance {

/// Decodes in place, since no escape is shorter than what it stands for; returns the decoded text. Lone
/// surrogates become U+FFFD, malformed escapes a question mark.
[[nodiscard]] std::string_view json_decode(std::span<char> raw) noexcept;

} // namespace headroom::balance
