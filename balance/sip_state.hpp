// The state of SipHash-c-d (Aumasson and Bernstein), for those who key and finish it in their own ways.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace headroom::balance {

/// `Rounds` is c, the rounds for each word; `Finals` is d, those at the end.
template <int Rounds, int Finals>
struct SipState {
    std::array<std::uint64_t, 4> v;

    void round() noexcept {
        v[0] += v[1], v[1] = std::rotl(v[1], 13) ^ v[0], v[0] = std::rotl(v[0], 32);
        v[2] += v[3], v[3] = std::rotl(v[3], 16) ^ v[2];
        v[0] += v[3], v[3] = std::rotl(v[3], 21) ^ v[0];
        v[2] += v[1], v[1] = std::rotl(v[1], 17) ^ v[2], v[2] = std::rotl(v[2], 32);
    }

    /// Eight bytes of the message, the first one lowest.
    void take(std::uint64_t word) noexcept {
        v[3] ^= word;
        for (int i = 0; i < Rounds; ++i)
            round();
        v[0] ^= word;
    }

    /// 64 bits, after the constant that the caller has mixed in.
    std::uint64_t finish() noexcept {
        for (int i = 0; i < Finals; ++i)
            round();
        return v[0] ^ v[1] ^ v[2] ^ v[3];
    }
};

/// SipHash-1-3 keyed by a 64-bit seed that is spread over both halves of the key.
[[nodiscard]] inline SipState<1, 3> seeded_sip(std::uint64_t seed) noexcept {
    const std::uint64_t other = std::rotl(seed * 0x9e3779b97f4a7c15U, 31) ^ 0xbf58476d1ce4e5b9U;
    return {{seed ^ 0x736f6d6570736575U, other ^ 0x646f72616e646f6dU, seed ^ 0x6c7967656e657261U,
             other ^ 0x7465646279746573U}};
}

} // namespace headroom::balance
