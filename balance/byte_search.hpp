// Finds the start of a JSON member name and the ends of lines in passing text at memory speed.
#pragma once

#include <array>
#include <cstddef>

namespace headroom::balance {

/// The first position in [at, end - 1) with a double quote followed by `first` or `second`; else `end`. A
/// quote as the very last byte is not looked at. SSE2 where there is any, bytes elsewhere.
[[nodiscard]] const char* find_member(const char* at, const char* end, char first, char second) noexcept;

/// The first position in [at, end - 2) with a double quote followed by one of these pairs, of which some may
/// be equal; else `end`. The last two bytes are not looked at.
[[nodiscard]] const char* find_member(const char* at, const char* end,
                                      const std::array<std::array<char, 2>, 4>& pairs) noexcept;

/// The first CR or LF in [at, end); else `end`.
[[nodiscard]] const char* find_line_end(const char* at, const char* end) noexcept;

/// How often `wanted` occurs.
[[nodiscard]] std::size_t count_bytes(const char* at, const char* end, char wanted) noexcept;

} // namespace headroom::balance
