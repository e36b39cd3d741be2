// What shards share about one backend: its connection's health, a bounded table of deployments, deployments
// it lacks. Shared by every shard, lock-free, fixed in size. Promises: a deployment is told apart only after
// the backend has answered for it, so invented names cost nothing; the table never evicts. Not here: what a
// slot holds (slot.hpp), reservations (lease.hpp).
#pragma once

#include "balance/slot.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace headroom::balance {

/// Deployments of one backend that are told apart; further ones share one slot.
inline constexpr std::size_t deployments_max = 32;

/// One backend's shared memory; fields are for Fleet and Lease.
struct alignas(slot_alignment) BackendBlock {
    static constexpr std::size_t missing_max = 64;

    Breaker connection; ///< Fed by connect and tls faults: they concern every deployment.
    bool charges_on_usage = false;
    std::array<std::atomic<std::uint64_t>, deployments_max> keys{};
    std::array<std::atomic<std::uint64_t>, missing_max> missing{};
    Slot bare;     ///< Requests that name no deployment.
    Slot overflow; ///< Deployments that are not (yet) told apart.
    std::array<Slot, deployments_max> slots;

    /// The slot of a deployment, or the shared one; `hash` 0 is the bare slot.
    [[nodiscard]] Slot& slot_of(std::uint64_t hash) noexcept;
    /// The slot of a deployment, told apart from now on; nullptr when the table is full.
    Slot* claim(SlotKey key) noexcept;
    /// Until when a deployment without a slot is known to be missing here; 0 = not known.
    [[nodiscard]] std::int64_t missing_until_ms(std::uint64_t hash) const noexcept;
    /// Remembers that; another name may displace it, which costs one attempt more and nothing else.
    void note_missing(std::uint64_t hash, std::int64_t now_ms) noexcept;
    /// As QuotaLimit::hold_refusals_at, for every slot.
    void hold_refusals_at(unsigned per_1000) noexcept;
    /// Gives every slot the same quota.
    void set_quota(std::int64_t tokens_per_minute, std::int64_t requests_per_minute,
                   bool requests_told) noexcept;

  private:
    /// Does the same to every slot.
    template <class Change>
    void change_all(Change change) noexcept;
};

} // namespace headroom::balance
