// Everything shards share about one (backend, deployment): quota, refusals, health, counters; 8-byte atomics
// only. Shared by every shard, without locks. Not here: choosing (balancer.hpp), when what is called
// (lease.hpp).
#pragma once

#include "balance/breaker.hpp"
#include "balance/quantities.hpp"
#include "balance/window.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

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

/// How long, and above which cost, a deployment is left alone after a 429; one 8-byte atomic.
class Block {
  public:
    struct View {
        std::int64_t until_ms = 0;
        Tokens above; ///< Only requests that cost more than this are held off.
    };
    [[nodiscard]] View view() const noexcept;
    /// While a block is in force the lower threshold wins, and at equal thresholds the later time: a shorter
    /// answer never cuts a longer one, and what a large request was told does not keep small ones out.
    void extend(std::int64_t until_ms, Tokens above, std::int64_t now_ms) noexcept;

  private:
    std::atomic<std::uint64_t> word_{0};
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

/// What the backend's own count differs from ours by; one 8-byte atomic that fades out over one window.
class Correction {
  public:
    [[nodiscard]] std::int64_t value(std::uint32_t tick) const noexcept;
    /// Moves the value into [least, most] if it lies outside: the smallest change of mind that agrees with a
    /// measurement.
    void confine(std::int64_t least, std::int64_t most, std::uint32_t tick) noexcept;

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

  private:
    std::atomic<std::uint64_t> waiting_{0};    ///< Requests (24 bits) and their tokens (40).
    std::atomic<std::int64_t> quiet_since_{0}; ///< Of the last answer, or of the first request that waits.
    std::atomic<std::int64_t> answer_us_{0};   ///< Moving average of the time to an answer; 0 = none seen.
};

/// The atomics of one slot; Fleet and Lease are their only users.
struct alignas(slot_alignment) Slot {
    // Read by every choose.
    std::atomic<std::int64_t> tokens_limit{0};   ///< Per window, effective; 0 = unknown.
    std::atomic<std::int64_t> requests_limit{0}; ///< Per request window; 0 = unknown.
    Block block;
    Breaker breaker;
    Correction correction;
    RequestShare request_share;
    Window<10> requests;
    Window<60> tokens;
    Pulse pulse;

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

    // Written once.
    alignas(slot_alignment) std::atomic<std::int64_t> tokens_configured{0};
    std::array<std::atomic<std::uint64_t>, SlotName::bytes_max / 8> name{};
    std::atomic<std::uint64_t> named{0}; ///< Bytes of the name + 1, or 0 until it is written.

    /// The window's sum as we think the backend counts it.
    [[nodiscard]] std::int64_t tokens_counted(std::uint32_t tick) const noexcept;
    /// Learns the limit from a response; a configured limit is never exceeded.
    void learn_limit(std::int64_t limit) noexcept;
    void set_name(std::string_view text) noexcept;
    [[nodiscard]] std::string_view read_name(std::array<char, SlotName::bytes_max>& into) const noexcept;
};

} // namespace headroom::balance
