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
    /// Later time and lower threshold win while a block is in force, so a shorter answer never cuts a longer
    /// one.
    void extend(std::int64_t until_ms, Tokens above, std::int64_t now_ms) noexcept;

  private:
    std::atomic<std::uint64_t> word_{0};
};

/// The atomics of one slot. Fields are public to balance/ itself: Fleet and Lease are its only users.
struct alignas(slot_alignment) Slot {
    // Read by every choose.
    std::atomic<std::uint64_t> key{0};
    std::atomic<std::int64_t> tokens_limit{0};   ///< Per window, effective; 0 = unknown.
    std::atomic<std::int64_t> requests_limit{0}; ///< Per request window; 0 = unknown.
    std::atomic<std::uint64_t> correction{
        0}; ///< What the backend counts and we do not, packed with its tick.
    std::atomic<std::uint64_t> requests_share{
        0}; ///< remaining/limit of requests as last seen, packed with its tick.
    Block block;
    Breaker breaker;
    Window<10> requests;
    Window<60> tokens;

    // Written by every lease.
    alignas(slot_alignment) std::atomic<std::int64_t> reserved{0}; ///< Tokens of leases that are not ended.
    std::atomic<std::int64_t> pending{0};   ///< Of these, tokens of leases without an answer.
    std::atomic<std::int64_t> in_flight{0}; ///< Leases that are not ended.
    std::atomic<std::int64_t> charged{0};   ///< Ever: always reserved + used.
    std::atomic<std::int64_t> used{0};      ///< Ever, as the quota counts.
    std::atomic<std::int64_t> billed{0};    ///< Ever, as `usage` said.
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> refusals{0};
    std::atomic<std::uint64_t> faults{0};
    std::atomic<std::uint64_t> refusal_streak{0}; ///< Refusals since the last success.
    std::atomic<std::int64_t> tokens_limit_configured{0};

    // Written once, published by named.
    std::array<std::atomic<std::uint64_t>, SlotName::bytes_max / 8> name{};
    std::atomic<std::uint64_t> named{0}; ///< Bytes of the name + 1, or 0 until it is written.
};

} // namespace headroom::balance
