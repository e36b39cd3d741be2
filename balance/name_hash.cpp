// SipHash-1-3 as described by Aumasson and Bernstein, with the 64-bit seed spread over both key halves.
#include "balance/name_hash.hpp"

#include "balance/sip_state.hpp"

#include <cstddef>

namespace headroom::balance {
namespace {

constexpr std::uint8_t lower_byte(char c) noexcept {
    const auto byte = static_cast<std::uint8_t>(c);
    return byte >= 'A' && byte <= 'Z' ? static_cast<std::uint8_t>(byte | 0x20) : byte;
}

} // namespace

std::uint64_t name_hash(std::string_view name, std::uint64_t seed) noexcept {
    SipState<1, 3> state = seeded_sip(seed);
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
