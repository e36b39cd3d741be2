// Counters and histograms of one shard: written by its thread alone, read by the control thread for /metrics.
// A single writer needs no read-modify-write: relaxed loads and stores of 8-byte atomics, which cost as much
// as plain ones.
#pragma once

#include "balance/classify.hpp"
#include "balance/hedge_policy.hpp"
#include "balance/operation.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace headroom::core {

/// One number with a single writer; relaxed, because every value is only ever read on its own.
class Count {
  public:
    void add(std::uint64_t amount = 1) noexcept { value_.store(get() + amount, std::memory_order_relaxed); }
    void subtract(std::uint64_t amount = 1) noexcept {
        value_.store(get() - amount, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

/// Durations in buckets that double: bucket i counts values up to 2^i * 100 microseconds, the last one
/// everything above.
class DurationHistogram {
  public:
    static constexpr std::size_t buckets = 24;
    static constexpr std::uint64_t first_bound_us = 100;

    void record(std::uint64_t microseconds) noexcept {
        const std::uint64_t steps = (microseconds + first_bound_us - 1) / first_bound_us;
        const auto index = steps <= 1 ? 0U : static_cast<unsigned>(std::bit_width(steps - 1));
        counts_[index < buckets ? index : buckets - 1].add();
        sum_us_.add(microseconds);
    }
    /// Not cumulative.
    [[nodiscard]] std::uint64_t count(std::size_t bucket) const noexcept { return counts_[bucket].get(); }
    [[nodiscard]] std::uint64_t sum_us() const noexcept { return sum_us_.get(); }

  private:
    std::array<Count, buckets> counts_;
    Count sum_us_;
};

/// What one shard counts about one backend.
struct BackendCounters {
    static constexpr std::size_t verdicts = 6;

    Count attempts;                      ///< Requests for which this backend was chosen.
    std::array<Count, verdicts> answers; ///< By balance::Verdict.
    Count connect_failures;              ///< TCP or TLS.
    Count broken;                        ///< Connections that died or stalled before the response was whole.
    Count won;                           ///< Requests whose response the client got from here.
    Count prompt_tokens;
    Count completion_tokens;
    Count cached_tokens;
    DurationHistogram first_byte; ///< From request sent to response head.
};

/// How far estimates were off: an error divided by its tokens is relative.
struct EstimateCounters {
    Count requests;
    Count prompt_tokens; ///< As responses said.
    Count prompt_error;  ///< Sum of the distances between estimated and said.
    Count output_tokens;
    Count output_error;
};

/// Requests that waited for quota.
struct WaitCounters {
    static constexpr std::size_t ends = 6;

    Count now; ///< Waiting at this moment.
    std::array<Count, ends>
        ended;                ///< By balance::WaitQueue::Entry::State; idle: the client left, or a drain.
    DurationHistogram waited; ///< Of all that waited, however it ended.
};

/// Second attempts beside late ones.
struct HedgeCounters {
    std::array<Count, balance::hedge_end_count> ended; ///< By balance::HedgeEnd.
    Count tokens;                                      ///< Charged for those of the two that lost.
};

/// What one shard counts.
struct alignas(64) ShardCounters {
    static constexpr std::size_t backends = 64;

    Count sessions_accepted;
    Count sessions_refused; ///< Over sessions_max, or no memory for them.
    Count sessions_closed;  ///< open = accepted - refused - closed
    Count tls_handshakes_failed;
    Count requests;
    std::array<Count, 6> responses; ///< By status class: [2] counts 2xx; [0] requests that got no response.
    Count malformed;                ///< Requests refused by the parser.
    Count retries;                  ///< Attempts beyond the first.
    Count retries_denied;           ///< Faults that the client got because of the retry budget.
    Count pinned;                   ///< Requests for what is known to be stored at one backend.
    Count searched;                 ///< Answers that a backend does not have what another may have.
    Count quota_absorbed;           ///< 429s of backends that no client saw.
    Count exhausted;                ///< 429s of our own: every backend refused.
    Count client_gone;              ///< Requests whose client left before the end.
    Count streams_broken;           ///< Responses that ended early after the client had seen a part.
    Count without_usage;            ///< 2xx responses of charged operations that never said their usage.
    Count client_bytes_in;
    Count client_bytes_out;
    Count log_lines_dropped;
    DurationHistogram duration; ///< Whole requests, first byte in to last byte out.
    WaitCounters waits;
    HedgeCounters hedges;
    std::array<EstimateCounters, balance::operation_count> estimates;
    std::array<BackendCounters, backends> backend;
};

} // namespace headroom::core
