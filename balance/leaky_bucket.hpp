// A bucket of tokens that drains at limit per minute, as GCRA keeps it: one 8-byte atomic, the time at which
// it will be empty (theoretical arrival time; ITU-T I.371 annex A). Shared by every shard, without locks. Not
// here: windows that forget all at once (window.hpp, fixed_window.hpp).
#pragma once

#include "balance/moment.hpp"

#include <atomic>
#include <cstdint>

namespace headroom::balance {

class LeakyBucket {
  public:
    /// What is in it; 0 where no limit (tokens per minute) is known.
    [[nodiscard]] std::int64_t level(std::int64_t limit, const Moment& now) const noexcept;
    /// Adds `amount` if the level stays within `ceiling`; false changes nothing.
    bool try_take(std::int64_t amount, std::int64_t ceiling, std::int64_t limit, const Moment& now) noexcept;
    /// Adds `amount`, which may be negative, whatever the level.
    void add(std::int64_t amount, std::int64_t limit, const Moment& now) noexcept;
    /// Moves the level into [least, most] if it lies outside.
    void confine(std::int64_t least, std::int64_t most, std::int64_t limit, const Moment& now) noexcept;

  private:
    std::atomic<std::int64_t> empty_at_ns_{0};
};

} // namespace headroom::balance
