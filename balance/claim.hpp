// What the first of a queue waits for, so that nobody takes it away: one 8-byte atomic per deployment.
// Shared by every shard, without locks. A later request may use what does not delay the claim (EASY
// backfilling; Lifka 1995). Promises: a claim that is not taken up ends by itself, a moment after it opens.
#pragma once

#include "balance/quantities.hpp"

#include <atomic>
#include <cstdint>

namespace headroom::balance {

class Claim {
  public:
    struct View {
        std::uint32_t owner = 0; ///< 0: nothing is claimed.
        Tokens tokens;
        std::int64_t opens_ms = 0; ///< When it is predicted to fit.
    };
    [[nodiscard]] View view(std::int64_t now_ms) const noexcept;
    /// Claims, or moves the owner's own claim; false while another owner's stands.
    bool set(std::uint32_t owner, Tokens tokens, std::int64_t opens_ms, std::int64_t now_ms) noexcept;
    void drop(std::uint32_t owner) noexcept;

  private:
    std::atomic<std::uint64_t> word_{0};
};

} // namespace headroom::balance
