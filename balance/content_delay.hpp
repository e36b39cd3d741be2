// How late the first content of answers comes: a high quantile by the size of the prompt, so that "unusually
// late" has a meaning. One per slot, shared by every shard: 8-byte atomics. Not here: who asks and what
// follows (lease.hpp, hedge_policy.hpp).
#pragma once

#include "balance/quantities.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

namespace headroom::balance {

class ContentDelay {
  public:
    /// Nothing is known before so many answers to prompts of a size.
    static constexpr std::uint32_t answers_min = 32;
    static constexpr std::size_t sizes = 6; ///< Up to 1 Ki tokens, 4 Ki, 16 Ki, 64 Ki, 256 Ki, more.
    /// By size: what the first content is late after; nothing where too little is known of that size.
    using BySize = std::array<std::optional<Duration>, sizes>;

    /// An answer to a prompt of that size had its first content after `waited`; `quantile` is the one to
    /// learn, within (0, 1), always the same.
    void observe(Duration waited, Tokens prompt, double quantile) noexcept;
    /// There was none yet after `waited`, when the waiting ended for another reason. Without it, waits that
    /// are given up for being late would never be seen to be late.
    void observe_open(Duration waited, Tokens prompt, double quantile) noexcept;
    /// What the first content is late after; while too little is known of such prompts, what it is late after
    /// for longer ones, if that is known.
    [[nodiscard]] std::optional<Duration> late_after(Tokens prompt) const noexcept;
    /// For people to look at.
    [[nodiscard]] BySize known() const noexcept;
    /// The largest prompt of a size; nothing for the last one, which has no bound.
    [[nodiscard]] static std::optional<Tokens> prompt_max(std::size_t size) noexcept;

  private:
    [[nodiscard]] std::optional<Duration> known_of(std::size_t size) const noexcept;
    static std::size_t size_of(Tokens prompt) noexcept;

    /// Microseconds as a float (32 bits) and answers seen (32).
    std::array<std::atomic<std::uint64_t>, sizes> words_{};
};

} // namespace headroom::balance
