// Each byte weighs what a byte of its class costs on average; in a character of several bytes the first one
// weighs for all of it.
#include "balance/tokens/byte_estimate.hpp"

#include <algorithm>
#include <array>

namespace headroom::balance {
namespace {

struct ByteClass {
    std::uint8_t first;
    std::uint8_t last;
    std::uint16_t weight; ///< In 1/1024 of a token.
};

constexpr ByteClass classes[] = {
    {0x00, 0x1f, 640}, {0x20, 0x20, 256},  {0x21, 0x2f, 560}, {0x30, 0x39, 440}, {0x3a, 0x40, 560},
    {0x41, 0x5a, 330}, {0x5b, 0x60, 560},  {0x61, 0x7a, 190}, {0x7b, 0x7f, 560}, {0x80, 0xbf, 0},
    {0xc0, 0xcb, 512}, {0xcc, 0xd4, 420},  {0xd5, 0xdf, 460}, {0xe0, 0xe2, 900}, {0xe3, 0xe9, 820},
    {0xea, 0xef, 900}, {0xf0, 0xff, 2048},
};

constexpr auto weights = [] {
    std::array<std::uint16_t, 256> table{};
    for (const ByteClass& each : classes) {
        for (std::size_t byte = each.first; byte <= each.last; ++byte)
            table[byte] = each.weight;
    }
    return table;
}();

} // namespace

std::uint64_t estimate_tokens(std::string_view text) noexcept {
    std::uint64_t weight = 0;
    for (const char byte : text)
        weight += weights[static_cast<std::uint8_t>(byte)];
    return std::clamp<std::uint64_t>(weight / 1024, text.empty() ? 0 : 1, text.size());
}

} // namespace headroom::balance
