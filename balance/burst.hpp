// How much a limiter saves up that drains evenly, and how fast it drains: found by what its refusals say,
// where no header field tells it (provisioned throughput has none). Shared by every shard: what is believed
// are 8-byte atomics; who refuses while another one learns lets its refusal go. Promises: a limit is taken
// for lower than it is known to be only where a window that slides explains the refusals better. Not here:
// what is in the bucket (leaky_bucket.hpp), limits of windows (quota_limit.hpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace headroom::balance {

/// One refusal of tokens, in seconds of the quota's minute.
struct BurstSample {
    double at_s = 0;
    double sent_s = 0; ///< When it was sent.
    double cost = 0;
    double level = 0;             ///< In our bucket before it.
    double charged = 0;           ///< Ever, before it.
    std::optional<double> wait_s; ///< After which it would have fitted, as told.
    double window = 0;            ///< What such a window will hold then, this included: its limit.
    double known = 0;             ///< Tokens per minute as configured or told; 0 = not known.
    double limit = 0;             ///< Of windows, as believed; 0 = not known.
    bool sustained = false;       ///< It has been used for a whole window.
};

class Burst {
  public:
    /// What a refusal shows.
    enum class Verdict : std::uint8_t {
        nothing, ///< Too little is known.
        limit,   ///< A window is full.
        depth,   ///< What was saved is used up.
    };

    /// Tokens that are saved up; 0: a window is believed in.
    [[nodiscard]] std::int64_t depth() const noexcept { return depth_.load(std::memory_order_relaxed); }
    /// Tokens per minute that drain; 0: as the limit.
    [[nodiscard]] std::int64_t rate() const noexcept { return rate_.load(std::memory_order_relaxed); }

    /// The depth is known from header fields, not from refusals.
    [[nodiscard]] bool certain() const noexcept { return depth() > 0 && rate() == 0; }

    /// Learns from a refusal.
    Verdict refused(const BurstSample& sample) noexcept;
    /// `cost` was let in beside `level`.
    void admitted(std::int64_t cost, std::int64_t level) noexcept;
    /// Header fields tell it: what is saved, in tokens, 0 for windows.
    void told(std::int64_t depth) noexcept;
    /// What is left in the bucket by the last refusal, which was of `cost`: a wait tells what is missing.
    [[nodiscard]] std::int64_t room(double cost, std::optional<double> wait_s) const noexcept;

  private:
    /// Least squares through the origin with forgetting: tokens over seconds.
    struct Slope {
        double tokens_seconds = 0;
        double seconds_squared = 0;
    };

    Verdict learn(const BurstSample& sample) noexcept;
    void learn_rate(const BurstSample& sample) noexcept;
    void weigh(const BurstSample& sample) noexcept;
    void learn_depth(const BurstSample& sample) noexcept;

    std::atomic<std::int64_t> depth_{0};
    std::atomic<std::int64_t> rate_{0};
    std::atomic<bool> busy_{false};

    // Of whoever holds busy_.
    Slope slope_;
    std::optional<BurstSample> anchor_;
    double per_second_ = 0;
    double most_ = 0; ///< The fullest window that was refused at.
    double deep_ = 0; ///< The depth if there is one.
    double lean_ = 0; ///< How much speaks for a bucket, within [0, 1].
    unsigned refusals_ = 0;
    double last_s_ = 0;
    Verdict last_ = Verdict::nothing;
};

} // namespace headroom::balance
