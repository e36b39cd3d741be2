// How long, and above which cost, a deployment is left alone after 429s, by the size of what was refused.
// Shared by every shard, without locks: an 8-byte atomic per class of sizes.
#pragma once

#include "balance/quantities.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace headroom::balance {

/// The refusals of one class of sizes.
class Block {
  public:
    struct View {
        std::int64_t until_ms = 0;
        Tokens above;         ///< Only requests that cost more than this are held off.
        bool counted = false; ///< Of these, only those that are not predicted to fit.
    };
    [[nodiscard]] View view() const noexcept;
    /// While a block is in force the lower threshold wins, and at equal thresholds the later time: a shorter
    /// answer never cuts a longer one, and what a large request was told does not keep small ones out.
    /// `counted`: the backend told what is left, so that the account knows when smaller ones fit.
    void extend(std::int64_t until_ms, Tokens above, std::int64_t now_ms, bool counted = false) noexcept;

  private:
    std::atomic<std::uint64_t> word_{0};
};

/// What was refused to a large request keeps that size out as long as was said, whatever small ones are told.
class SizeBlocks {
  public:
    /// Until when a request of that cost is held off (ms of the Fleet's clock); 0 = it is not. `fits`: it is
    /// predicted to fit.
    [[nodiscard]] std::int64_t until_ms(Tokens cost, bool fits, std::int64_t now_ms) const noexcept;
    /// What blocks most, for reporting: the latest time in force, with its threshold.
    [[nodiscard]] Block::View view(std::int64_t now_ms) const noexcept;
    /// As Block::extend: holds off what costs more than `above`.
    void extend(std::int64_t until_ms, Tokens above, std::int64_t now_ms, bool counted = false) noexcept;

  private:
    static constexpr std::size_t classes = 4;
    [[nodiscard]] static std::size_t class_of(Tokens above) noexcept;

    std::array<Block, classes> blocks_;
};

} // namespace headroom::balance
