// Finds the start of a JSON member name and the ends of lines in passing text at memory speed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace headroom::balance {

/// The first position in [at, end - 1) with a double quote followed by `first` or `second`; else `end`. A
/// quote as the very last byte is not looked at. SSE2 where there is any, bytes elsewhere.
[[nodiscard]] const char* find_member(const char* at, const char* end, char first, char second) noexcept;

/// The first position in [at, end - 2) with a double quote followed by one of these pairs, of which some may
/// be equal; else `end`. The last two bytes are not looked at.
[[nodiscard]] const char* find_member(const char* at, const char* end,
                                      const std::array<std::array<char, 2>, 4>& pairs) noexcept;

/// Pairs of bytes, told apart by their five low bits: letters without regard to case, and a few more.
class PairSet {
  public:
    constexpr void add(char first, char second) noexcept {
        rows_[static_cast<unsigned char>(first) & 31U] |= 1U << (static_cast<unsigned char>(second) & 31U);
    }
    [[nodiscard]] constexpr bool has(char first, char second) const noexcept {
        return (rows_[static_cast<unsigned char>(first) & 31U] >> (static_cast<unsigned char>(second) & 31U) &
                1U) != 0;
    }

  private:
    std::array<std::uint32_t, 32> rows_{};
};

/// The first position in [at, end - 2) with a double quote followed by a pair of the set, of which there may
/// be many; else `end`. The last two bytes are not looked at.
[[nodiscard]] const char* find_quoted(const char* at, const char* end, const PairSet& pairs) noexcept;

/// The first CR or LF in [at, end); else `end`.
[[nodiscard]] const char* find_line_end(const char* at, const char* end) noexcept;

/// How often `wanted` occurs.
[[nodiscard]] std::size_t count_bytes(const char* at, const char* end, char wanted) noexcept;

} // namespace headroom::balance
