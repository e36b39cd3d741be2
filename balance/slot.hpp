// Everything shards share about one (backend, deployment): quota, refusals, health, counters; 8-byte atomics
// only. Shared by every shard, without locks. Not here: choosing (balancer.hpp), when what is called
// (lease.hpp).
#pragma once

#include "balance/breaker.hpp"
#include "balance/burst.hpp"
#include "balance/claim.hpp"
#include "balance/content_delay.hpp"
#include "balance/foresight.hpp"
#include "balance/quantities.hpp"
#include "balance/quota_learner.hpp"
#include "balance/quota_limit.hpp"
#include "balance/request_quota.hpp"
#include "balance/size_blocks.hpp"
#include "balance/token_account.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <tuple>

namespace headroom::balance {

/// Two lines, because x86 prefetches lines in pairs.
inline constexpr std::size_t slot_alignment = 128;

/// A deployment's name at the backend with its keyed hash (Fleet::key); hash 0 stands for requests that name
/// no deployment.
struct SlotKey {
    std::uint64_t hash = 0;
    std::string_view name;
};

/// A bounded copy of a deployment name, for reporting; longer names are cut.
class SlotName {
  public:
    static constexpr std::size_t bytes_max = 64;
    SlotName() noexcept = default;
    explicit SlotName(SlotKey key) noexcept;
    [[nodiscard]] SlotKey key() const noexcept { return {hash_, {text_.data(), size_}}; }

  private:
    std::uint64_t hash_ = 0;
    std::uint8_t size_ = 0;
    std::array<char, bytes_max> text_{};
};

/// Refusals in a row, counting those that hit one burst once; one 8-byte atomic.
class Streak {
  public:
    /// Counts a refusal of a request that began at started_ms; returns how many there were before it.
    unsigned count(std::int64_t started_ms, std::int64_t now_ms) noexcept;
    void reset() noexcept;

  private:
    std::atomic<std::uint64_t> word_{0};
};

/// The share of its request quota that a backend last said was left; one 8-byte atomic that fades out over 10
/// ticks.
class RequestShare {
  public:
    /// The used share, 0 when nothing is known.
    [[nodiscard]] double used(std::uint32_t tick) const noexcept;
    void observe(std::int64_t remaining, std::int64_t limit, std::uint32_t tick) noexcept;

  private:
    std::atomic<std::uint64_t> word_{0};
};

/// How soon answers begin, by the size of their prompts; one 8-byte atomic.
class Speed {
  public:
    /// An answer's first content came after `waited`; prompts count by their size.
    void observe(Duration waited, Tokens prompt) noexcept;
    /// Microseconds until the first content per token of the prompt (with a fixed part); 0 = not known.
    [[nodiscard]] double pace() const noexcept { return pace_.load(std::memory_order_relaxed); }

  private:
    std::atomic<double> pace_{0};
};

/// Whether answers keep coming: requests without an answer, since when there was none, how long one usually
/// takes.
class Pulse {
  public:
    /// A request leaves; returns the tokens of those before it that have no answer yet.
    std::int64_t sent(Tokens tokens, std::int64_t now_ms) noexcept;
    /// Its answer has begun.
    void answered(Tokens tokens, std::int64_t started_ms, std::int64_t now_ms) noexcept;
    /// It ended without one.
    void dropped(Tokens tokens) noexcept;
    /// Several requests wait and the silence is far longer than usual: it hangs, though nobody's deadline has
    /// said so yet.
    [[nodiscard]] bool stalled(std::int64_t now_ms) const noexcept;
    /// Requests without an answer.
    [[nodiscard]] std::uint64_t waiting() const noexcept;
    /// How long an answer usually takes, in nanoseconds; a second where none was seen.
    [[nodiscard]] std::int64_t usual_ns() const noexcept;

  private:
    std::atomic<std::uint64_t> waiting_{0};    ///< Requests (24 bits) and their tokens (40).
    std::atomic<std::int64_t> quiet_since_{0}; ///< Of the last answer, or of the first request that waits.
    std::atomic<std::int64_t> answer_us_{0};   ///< Moving average of the time to an answer; 0 = none seen.
};

/// Sums of what quotas may have counted of the requests that were sent here; on a line of its own, because
/// every lease adds to all of them.
class ChargeCounters {
  public:
    void add(const ChargeSums& sums) noexcept;
    void subtract(const ChargeSums& sums) noexcept;
    [[nodiscard]] ChargeSums read() const noexcept;

  private:
    std::array<std::atomic<std::int64_t>, std::tuple_size_v<ChargeSums>> sums_{};
};

/// What is learned of a quota's rules. A thread that finds another one learning lets its sample go: the next
/// one is as good.
class SharedLearner {
  public:
    /// What was learned so far.
    [[nodiscard]] QuotaModel model() const noexcept { return QuotaModel::unpacked(word()); }
    [[nodiscard]] bool learned() const noexcept { return QuotaModel::is_learned(word()); }
    [[nodiscard]] std::uint64_t word() const noexcept { return word_.load(std::memory_order_relaxed); }
    /// As QuotaModel::counts_at_end.
    [[nodiscard]] bool counts_at_end() const noexcept { return QuotaModel::counts_at_end(word()); }
    /// As QuotaLearner::unsaved.
    [[nodiscard]] std::int64_t unsaved() const noexcept { return unsaved_.load(std::memory_order_relaxed); }
    /// Something is about to be charged or to end: what the sums were until now is kept for the ticks before.
    void begin(std::uint32_t tick, const ChargeCounters& counters) noexcept;
    /// Takes a sample; true when another rule or another way of forgetting is believed now.
    bool observe(const QuotaSample& sample) noexcept;
    /// What was predicted to fit was refused; returns as observe.
    bool doubt() noexcept;

  private:
    template <class Work>
    void if_free(Work work) noexcept;
    template <class Learn>
    bool change(Learn learn) noexcept;

    std::atomic<std::uint64_t> word_{QuotaModel().packed()};
    std::atomic<std::int64_t> unsaved_{0};
    std::atomic<bool> busy_{false};
    std::atomic<std::uint32_t> tick_{0}; ///< The last one that has begun.
    QuotaLearner learner_;
};

/// How often a prediction that a request will not fit is put to the test where no waiting helps.
inline constexpr std::int64_t over_pause_ms_min = 30'000;
inline constexpr std::int64_t over_pause_ms_max = 600'000;
/// Where nobody tells what is left it is tested all the time, but not by all at once who give up at once.
inline constexpr std::int64_t over_pending_max = 32;

/// So many without an answer are no matter of trust.
inline constexpr std::uint32_t trust_max = 1024;
/// So many at first.
inline constexpr std::uint32_t trust_start = 16;

/// The atomics of one slot; Fleet and Lease are their only users.
struct alignas(slot_alignment) Slot {
    // Read by every choose.
    QuotaLimit limit;
    Burst burst;
    SizeBlocks block;
    Breaker breaker;
    RequestShare request_share;
    RequestQuota requests;
    Claim claim;
    TokenAccount tokens;
    Foresight foresight;
    Pulse pulse;
    Speed speed;
    std::atomic<std::int64_t> over_at_ms{0}; ///< Last time something was sent that was predicted not to fit.
    /// How long after that a prediction is not put to the test again; longer each time that it was right.
    std::atomic<std::int64_t> over_pause_ms{over_pause_ms_min};
    std::atomic<std::int64_t> over_pending{0};     ///< Of those, without an answer yet.
    std::atomic<std::uint32_t> trust{trust_start}; ///< How many may be without an answer near the limit.
    std::atomic<std::int64_t> told_at_ms{0};       ///< Last time the backend said what is left.
    std::atomic<std::int64_t> doubted_at_ms{0};    ///< Last refusal that spoke against what is believed.
    std::atomic<std::int64_t> began_ms{0};         ///< First time something was sent.

    // Written by every lease.
    alignas(slot_alignment) std::atomic<std::int64_t> reserved{0}; ///< Tokens of leases that are not ended.
    std::atomic<std::int64_t> in_flight{0};                        ///< Leases that are not ended.
    std::atomic<std::int64_t> charged{0};                          ///< Ever: always reserved + used.
    std::atomic<std::int64_t> used{0};                             ///< Ever, as the quota counts.
    std::atomic<std::int64_t> billed{0};                           ///< Ever, as `usage` said.
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> refusals{0};
    std::atomic<std::uint64_t> faults{0};
    Streak streak;
    alignas(slot_alignment) ChargeCounters counters;

    // Written seldom.
    alignas(slot_alignment) SharedLearner learner;
    ContentDelay delay;
    std::array<std::atomic<std::uint64_t>, SlotName::bytes_max / 8> name{};
    std::atomic<std::uint64_t> named{0}; ///< Bytes of the name + 1, or 0 until it is written.

    /// What the quota will count of a request as far as is known; `cost` is what the preset makes of it.
    [[nodiscard]] Tokens charge(const ChargeBasis& basis, Tokens cost) const noexcept;
    /// What must be free for a request of this charge to be let in, and is taken when it is sent.
    [[nodiscard]] Tokens entry(Tokens charge) const noexcept {
        return learner.counts_at_end() ? std::min(charge, Tokens(1)) : charge;
    }
    /// What is under way and not counted yet, but may be any moment: all where the limiter counts at the end,
    /// else nothing.
    [[nodiscard]] std::int64_t uncounted() const noexcept {
        return learner.counts_at_end() ? reserved.load(std::memory_order_relaxed) : 0;
    }
    /// The window's sum as we think the backend counts it.
    [[nodiscard]] std::int64_t tokens_counted(const Moment& now) const noexcept {
        return tokens.counted(rate(), now);
    }
    /// What a bucket drains by, in tokens per minute; 0 = unknown.
    [[nodiscard]] std::int64_t rate() const noexcept {
        const std::int64_t own = burst.rate();
        return own > 0 ? own : limit.effective();
    }
    /// What the limiter in force can hold: what a bucket saves, or a window's limit; 0 = unknown.
    [[nodiscard]] std::int64_t capacity() const noexcept {
        const std::int64_t depth = burst.depth();
        return depth > 0 && tokens.forgetting() == Forgetting::bucket ? depth : limit.effective();
    }
    /// Up to where requests are promised: the capacity less the margin; 0 = unknown.
    [[nodiscard]] std::int64_t ceiling() const noexcept { return limit.less_margin(capacity()); }
    /// Whether `cost` may go beside what is `counted`; what is larger than a bucket when that is empty.
    [[nodiscard]] bool takes(std::int64_t cost, std::int64_t counted) const noexcept {
        const std::int64_t most = ceiling();
        return most == 0 || counted + cost <= most ||
               (counted == 0 && tokens.forgetting() == Forgetting::bucket);
    }
    /// Whether one more of `charge` may be sent now beside what is `counted`, although it fits: near the
    /// limit only so many as are trusted may be without an answer, because those that are sent together are
    /// refused together. Where nothing is counted before the end, what is under way may be counted any
    /// moment: it goes into what is near, never more than a minute's quota is under way, and one at a time is
    /// sent when the count itself is near.
    [[nodiscard]] bool paces(std::int64_t charge, std::int64_t counted) const noexcept;
    /// What was predicted to fit was refused: one at a time now.
    void distrust() noexcept { trust.store(1, std::memory_order_relaxed); }
    /// One was let in: one more the next time, if that was near the limit and as many were under way.
    void trust_more(std::int64_t counted) noexcept;
    void set_quota(std::int64_t tokens_per_minute, std::int64_t requests_per_minute,
                   bool requests_told) noexcept;
    void set_name(std::string_view text) noexcept;
    [[nodiscard]] std::string_view read_name(std::array<char, SlotName::bytes_max>& into) const noexcept;
};

} // namespace headroom::balance
