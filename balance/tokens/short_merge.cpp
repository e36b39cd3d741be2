// A piece is a bit mask of where its parts begin and one number per part that holds rank and place of its
// merge with the next one, so that the merge to do is the least of them.
#include "balance/tokens/short_merge.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace headroom::balance {
namespace {

constexpr std::uint32_t no_merge = 0xffffffffU;
constexpr unsigned position_bits = 6;
constexpr std::uint32_t position_mask = (1U << position_bits) - 1;
/// No token has this id, so no pair with it merges.
constexpr std::uint32_t wall_token = (1U << token_bits) - 1;
static_assert(short_piece_max <= position_mask && token_bits + position_bits < 32);

std::uint32_t merge_of(std::uint32_t token, std::uint32_t position) noexcept {
    return token == no_token ? no_merge : token << position_bits | position;
}

/// The least of the first `count` numbers; behind them lie more, all ones, up to a multiple of Width.
template <unsigned Width>
[[gnu::always_inline]] inline std::uint32_t least_of(const std::uint32_t* merges,
                                                     std::uint32_t count) noexcept {
    typedef std::uint32_t Vector __attribute__((vector_size(4 * Width)));
    Vector least;
    std::memcpy(&least, merges, sizeof least);
    for (std::uint32_t i = Width; i < count; i += Width) {
        Vector next;
        std::memcpy(&next, merges + i, sizeof next);
        least = __builtin_elementwise_min(least, next);
    }
    return __builtin_reduce_min(least);
}

} // namespace

void ShortMerge::start(Lane& lane, UncountedPiece& piece) const noexcept {
    lane.piece = &piece;
    lane.size = piece.size;
    lane.live = ~std::uint64_t{0} >> (64 - piece.size);
    lane.probing = false;
    lane.parts[wall] = wall_token;
    const auto byte = [&](std::uint32_t at) { return static_cast<std::uint8_t>(piece.text[at]); };
    for (std::uint32_t i = 0; i + 1 < piece.size; ++i) {
        lane.parts[i] = tables_->of_byte(byte(i));
        lane.merges[i] = merge_of(tables_->of_bytes(byte(i), byte(i + 1)), i);
    }
    lane.parts[piece.size - 1] = tables_->of_byte(byte(piece.size - 1));
    const std::uint32_t padded = (piece.size + 15) & ~15U;
    std::fill(lane.merges.begin() + piece.size - 1, lane.merges.begin() + padded, no_merge);
}

/// Does one merge; false when there was none left.
template <unsigned Width>
[[gnu::always_inline]] inline bool ShortMerge::advance(Lane& lane) const noexcept {
    // What the last merge asked for has arrived by now.
    if (lane.probing) {
        lane.merges[lane.left] = merge_of(PairTable::finish(lane.with_left), lane.left);
        lane.merges[lane.at] = merge_of(PairTable::finish(lane.with_right), lane.at);
    }
    const std::uint32_t merge = least_of<Width>(lane.merges.data(), lane.size);
    if (merge == no_merge) return false;

    const std::uint32_t at = merge & position_mask;
    const std::uint32_t token = merge >> position_bits;
    const std::uint64_t behind = ~std::uint64_t{1} << at;
    const auto absorbed = static_cast<std::uint32_t>(std::countr_zero(lane.live & behind));
    lane.live &= ~(std::uint64_t{1} << absorbed);
    lane.merges[absorbed] = no_merge;
    lane.merges[at] = no_merge;
    lane.parts[at] = token;
    lane.at = at;
    lane.probing = true;
    // Without a branch: whether there is a part on either side cannot be predicted, and where there is none
    // the wall answers.
    const std::uint64_t before = (std::uint64_t{1} << at) - 1;
    const auto right =
        static_cast<std::uint32_t>(std::countr_zero((lane.live & behind) | std::uint64_t{1} << wall));
    lane.left = (wall - static_cast<std::uint32_t>(std::countl_zero(lane.live & before))) & position_mask;
    lane.with_right = tables_->pairs().begin(token, lane.parts[right]);
    lane.with_left = tables_->pairs().begin(lane.parts[lane.left], token);
    return true;
}

template <unsigned Width>
[[gnu::always_inline]] inline void ShortMerge::run(ShortMerge& self,
                                                   std::span<UncountedPiece> pieces) noexcept {
    std::size_t next = 0;
    std::size_t busy = 0;
    while (busy < lanes_max && next < pieces.size())
        self.start(self.lanes_[busy++], pieces[next++]);
    std::array<std::uint8_t, lanes_max> order;
    for (std::size_t i = 0; i < busy; ++i)
        order[i] = static_cast<std::uint8_t>(i);
    while (busy > 0) {
        for (std::size_t i = 0; i < busy;) {
            Lane& lane = self.lanes_[order[i]];
            if (self.advance<Width>(lane)) {
                ++i;
                continue;
            }
            lane.piece->tokens = static_cast<std::uint32_t>(std::popcount(lane.live));
            if (next < pieces.size()) {
                self.start(lane, pieces[next++]);
                ++i;
            } else {
                order[i] = order[--busy];
            }
        }
    }
}

void ShortMerge::count_scalar(ShortMerge& self, std::span<UncountedPiece> pieces) noexcept {
    run<4>(self, pieces);
}

#if defined(__x86_64__)

[[gnu::target("avx2,bmi,bmi2,lzcnt,popcnt")]] void ShortMerge::count_avx2(
    ShortMerge& self, std::span<UncountedPiece> pieces) noexcept {
    run<8>(self, pieces);
}

[[gnu::target("avx2,bmi,bmi2,lzcnt,popcnt,avx512f,avx512bw")]] void ShortMerge::count_avx512(
    ShortMerge& self, std::span<UncountedPiece> pieces) noexcept {
    run<8>(self, pieces);
}

#else

void ShortMerge::count_avx2(ShortMerge& self, std::span<UncountedPiece> pieces) noexcept {
    count_scalar(self, pieces);
}
void ShortMerge::count_avx512(ShortMerge& self, std::span<UncountedPiece> pieces) noexcept {
    count_scalar(self, pieces);
}

#endif

ShortMerge::ShortMerge(const TokenTables& tables, Isa isa) noexcept
    : tables_(&tables),
      count_(isa == Isa::avx512 ? count_avx512
             : isa == Isa::avx2 ? count_avx2
                                : count_scalar) {}

} // namespace headroom::balance
