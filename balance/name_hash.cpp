// SipHash-1-3 as described by Aumasson and Bernstein, with the 64-bit seed spread over both key halves.
#include "balance/name_hash.hpp"

#include "balance/sip_state.hpp"

#include <bit>
#include <cstddef>

namespace headroom::balance {
namespace {

constexpr std::uint8_t lower_byte(char c) noexcept {
    const auto byte = static_cast<std::uint8_t>(c);
    return byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte | 0x20) : byte;
}

using State = SipState<1, 3>;

} // namespace

std::uint64_t name_hash(std::string_view name, std::uint64_t seed) noexcept {
    const std::uint64_t other = std::rotl(seed * 0x9e3779b97f4a7c15U, 31) ^ 0xbf58476d1ce4e5b9U;
    State state{{seed ^ 0x736f6d6570736575U, other ^ 0x646f72616e646f6dU, seed ^ 0x6c7967656e657261U,
                 other ^ 0x7465646279746573U}};
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        word |= std::uint64_t{lower_byte(name[i])} << (i % 8 * 8);
        if (i % 8 == 7) {
            state.take(word);
            word = 0;
        }
    }
    state.take(word | std::uint64_t{name.size()} << 56);
    state.v[2] ^= 0xff;
    const std::uint64_t hash = state.finish();
    return hash == 0 ? 1 : hash;
}

} // namespace headroom::balance
