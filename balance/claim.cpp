// Owner (8 bits), tokens (24), time in steps of 16 ms (32).
#include "balance/claim.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr unsigned tokens_bits = 24;
constexpr unsigned time_bits = 32;
constexpr std::int64_t step_ms = 16;
constexpr std::int64_t tokens_max = (std::int64_t{1} << tokens_bits) - 1;
/// Long enough for its owner to wake up.
constexpr std::int64_t grace_ms = 2'000;

Claim::View unpacked(std::uint64_t word, std::int64_t now_ms) noexcept {
    Claim::View view;
    view.opens_ms = static_cast<std::int64_t>(word & 0xffff'ffff) * step_ms;
    view.tokens = Tokens(static_cast<std::int64_t>(word >> time_bits) & tokens_max);
    if (now_ms <= view.opens_ms + grace_ms)
        view.owner = static_cast<std::uint32_t>(word >> (tokens_bits + time_bits));
    return view;
}

} // namespace

Claim::View Claim::view(std::int64_t now_ms) const noexcept {
    const std::uint64_t word = word_.load(relaxed);
    return word == 0 ? View{} : unpacked(word, now_ms);
}

bool Claim::set(std::uint32_t owner, Tokens tokens, std::int64_t opens_ms, std::int64_t now_ms) noexcept {
    const auto amount = static_cast<std::uint64_t>(std::clamp<std::int64_t>(tokens.count(), 0, tokens_max));
    const auto at = static_cast<std::uint64_t>((opens_ms + step_ms - 1) / step_ms) & 0xffff'ffff;
    const std::uint64_t next =
        std::uint64_t{owner & 0xffU} << (tokens_bits + time_bits) | amount << time_bits | at;
    std::uint64_t word = word_.load(relaxed);
    do {
        const View standing = unpacked(word, now_ms);
        if (standing.owner != 0 && standing.owner != owner) return false;
    } while (!word_.compare_exchange_weak(word, next, relaxed));
    return true;
}

void Claim::drop(std::uint32_t owner) noexcept {
    std::uint64_t word = word_.load(relaxed);
    if (word != 0 && word >> (tokens_bits + time_bits) == owner)
        word_.compare_exchange_strong(word, 0, relaxed);
}

} // namespace headroom::balance
