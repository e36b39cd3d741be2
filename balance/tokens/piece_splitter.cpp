// Chooses the way of splitting when a splitter is made; the scalar way is the pattern itself.
#include "balance/tokens/piece_splitter.hpp"

#include "balance/tokens/piece_matcher.hpp"

namespace headroom::balance {
namespace {

using Match = const char* (*)(const char*, const char*) noexcept;

template <Match match>
std::size_t split_scalar(std::string_view text, std::size_t& at, std::span<Piece> out) noexcept {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* next = begin + at;
    std::size_t count = 0;
    while (count < out.size() && next != end) {
        const char* const behind = match(next, end);
        out[count++] = {static_cast<std::uint32_t>(next - begin), static_cast<std::uint32_t>(behind - next)};
        next = behind;
    }
    at = static_cast<std::size_t>(next - begin);
    return count;
}

} // namespace

bool isa_supported(Isa isa) noexcept {
    return isa == Isa::scalar;
}

Isa best_isa() noexcept {
    return Isa::scalar;
}

PieceSplitter::PieceSplitter(Encoding encoding, Isa isa) noexcept
    : split_(encoding == Encoding::cl100k_base ? split_scalar<match_cl100k> : split_scalar<match_o200k>) {
    static_cast<void>(isa);
}

} // namespace headroom::balance
