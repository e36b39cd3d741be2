// Each word is changed by compare-and-swap alone, so that a reader always sees one consistent statement.
#include "balance/size_blocks.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

constexpr unsigned block_tokens_bits = 24;
constexpr std::uint64_t block_tokens_max = (std::uint64_t{1} << block_tokens_bits) - 1;
constexpr unsigned time_shift = block_tokens_bits + 1; // 39 bits of ms: 17 years
constexpr std::uint64_t counted_bit = std::uint64_t{1} << block_tokens_bits;

} // namespace

Block::View Block::view() const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    return {static_cast<std::int64_t>(word >> time_shift),
            Tokens(static_cast<std::int64_t>(word & block_tokens_max)), (word & counted_bit) != 0};
}

void Block::extend(std::int64_t until_ms, Tokens above, std::int64_t now_ms, bool counted) noexcept {
    const auto threshold = static_cast<std::uint64_t>(
        std::clamp<std::int64_t>(above.count(), 0, static_cast<std::int64_t>(block_tokens_max)));
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    while (true) {
        auto until = static_cast<std::uint64_t>(until_ms);
        const std::uint64_t standing = word >> time_shift;
        if (static_cast<std::int64_t>(standing) > now_ms) {
            const std::uint64_t lowest = word & block_tokens_max;
            if (lowest < threshold) return;
            if (lowest == threshold) until = std::max(until, standing);
        }
        if (word_.compare_exchange_weak(word, until << time_shift | (counted ? counted_bit : 0) | threshold,
                                        std::memory_order_relaxed)) {
            return;
        }
    }
}

std::size_t SizeBlocks::class_of(Tokens above) noexcept {
    if (above == Tokens(0)) return 0;
    return above < Tokens(1'000) ? 1 : above < Tokens(8'000) ? 2 : 3;
}

std::int64_t SizeBlocks::until_ms(Tokens cost, bool fits, std::int64_t now_ms) const noexcept {
    std::int64_t until = 0;
    for (std::size_t i = 0; i <= class_of(cost); ++i) {
        const Block::View held = blocks_[i].view();
        if (held.counted && fits) continue;
        if (held.until_ms > now_ms && (held.above == Tokens(0) || cost > held.above))
            until = std::max(until, held.until_ms);
    }
    return until;
}

Block::View SizeBlocks::view(std::int64_t now_ms) const noexcept {
    Block::View most;
    for (const Block& block : blocks_) {
        const Block::View held = block.view();
        if (held.until_ms > now_ms && held.until_ms > most.until_ms) most = held;
    }
    return most;
}

void SizeBlocks::extend(std::int64_t until_ms, Tokens above, std::int64_t now_ms, bool counted) noexcept {
    blocks_[class_of(above)].extend(until_ms, above, now_ms, counted);
}

} // namespace headroom::balance
