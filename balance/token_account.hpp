// What a deployment's quota has counted, as far as we know: the same charges in the three ways that limiters
// forget them, of which one is in force.
// Shared by every shard, lock-free: each way is 8-byte atomics, and a reservation is decided by one of them
// alone, so that two shards can never both take the last tokens. Not here: which way a limiter has
// (quota_learner.hpp).
#pragma once

#include "balance/correction.hpp"
#include "balance/fixed_window.hpp"
#include "balance/leaky_bucket.hpp"
#include "balance/moment.hpp"
#include "balance/window.hpp"

#include <atomic>
#include <cstdint>
#include <optional>

namespace headroom::balance {

/// How a limiter forgets what it counted.
enum class Forgetting : std::uint8_t {
    sliding, ///< Each charge a minute after it was made.
    fixed,   ///< Everything when a new minute begins.
    bucket,  ///< Continuously, a limit's worth per minute (GCRA).
};

/// A charge that can still be changed.
struct TokenCharge {
    WindowCharge window;
    std::uint32_t tick = 0;
};

class TokenAccount {
  public:
    /// Quarters of a tick that a charge is kept: a minute from the end of the one it was made in, and one
    /// more, because it reaches the backend a little later.
    static constexpr std::size_t buckets = ticks_per_window * quarters_per_tick + 2;

    /// Retires what has left the sliding window.
    void advance(const Moment& now) noexcept {
        if (const std::int64_t retired = window_.advance(now.quarter); retired > 0)
            correction_.absorb(retired, now.tick);
    }

    /// What the limiter counts now; `rate` is what a bucket drains by, in tokens per minute, 0 = unknown.
    [[nodiscard]] std::int64_t counted(std::int64_t rate, const Moment& now) const noexcept;
    /// Our own charges of the last `ticks` ticks, at most a minute's.
    [[nodiscard]] std::int64_t recent(std::uint32_t ticks, const Moment& now) const noexcept {
        return window_.recent(ticks * quarters_per_tick, now.quarter);
    }
    [[nodiscard]] std::int64_t correction(const Moment& now) const noexcept;

    /// Takes `amount` if what is counted stays within `ceiling`; false changes nothing.
    bool try_take(std::int64_t amount, std::int64_t ceiling, std::int64_t rate, const Moment& now,
                  TokenCharge& charge) noexcept;
    /// Takes `amount` whatever is counted: the backend's answer is the truth, not our prediction.
    void take(std::int64_t amount, std::int64_t rate, const Moment& now, TokenCharge& charge) noexcept;
    /// Changes an earlier charge to `amount` (0 gives all back); without effect once the limiter forgot it.
    void replace(TokenCharge& charge, std::int64_t amount, std::int64_t rate, const Moment& now) noexcept;

    /// Charges `amount` now in place of an earlier charge: a limiter that counts at the end has only now done
    /// so.
    void move(TokenCharge& charge, std::int64_t amount, std::int64_t rate, const Moment& now) noexcept;

    /// The backend has said that it counts between `least` and `most`: the smallest change that agrees with
    /// it. `unsaved`: what a bucket's depth falls short of the limit, from which backends count down.
    void confine(std::int64_t least, std::int64_t most, std::int64_t unsaved, std::int64_t rate,
                 const Moment& now) noexcept;
    /// What a bucket holds, whichever way is in force.
    [[nodiscard]] std::int64_t level(std::int64_t rate, const Moment& now) const noexcept {
        return bucket_.level(rate, now);
    }
    /// The bucket holds `level` for certain.
    void set_level(std::int64_t level, std::int64_t rate, const Moment& now) noexcept {
        bucket_.confine(level, level, rate, now);
    }

    /// When `amount` will fit under `ceiling` if nothing else comes, in nanoseconds of the clock; now.ns when
    /// it fits now, a minute later when it never will. What is larger than a bucket may go when that is
    /// empty.
    [[nodiscard]] std::int64_t opening_ns(std::int64_t amount, std::int64_t ceiling, std::int64_t rate,
                                          const Moment& now) const noexcept;
    /// What will still be counted at `then_ns` of what is counted now.
    [[nodiscard]] std::int64_t counted_at(std::int64_t then_ns, std::int64_t rate,
                                          const Moment& now) const noexcept;

    [[nodiscard]] Forgetting forgetting() const noexcept {
        return forgetting_.load(std::memory_order_relaxed);
    }
    /// `phase`: of a fixed window, in ticks.
    void forget_by(Forgetting forgetting, std::uint32_t phase, const Moment& now) noexcept;

    /// opening_ns() and counted_at() by a window that slides, whichever way is in force.
    [[nodiscard]] std::int64_t sliding_opening_ns(std::int64_t amount, std::int64_t ceiling,
                                                  const Moment& now) const noexcept;
    [[nodiscard]] std::int64_t sliding_at(std::int64_t then_ns, const Moment& now) const noexcept;

  private:
    /// Counts `amount` in the ways that have not counted it yet: all but the one that `decided`.
    void follow(std::optional<Forgetting> decided, std::int64_t amount, std::int64_t rate, const Moment& now,
                TokenCharge& charge) noexcept;

    Window<buckets, 32> window_;
    Correction correction_; ///< Of the sliding window; the others are set to what the backend says.
    LeakyBucket bucket_;
    FixedWindow fixed_;
    std::atomic<Forgetting> forgetting_{Forgetting::sliding};
};

} // namespace headroom::balance
