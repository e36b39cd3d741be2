// Chooses the backend for a request: a pure function of (fleet, demand, now), so the lab and the simulator
// run this very code. One per shard or one for all: it has no state. Promises: prediction orders the
// candidates and never turns a request away. Not here: what is known of the backends (fleet.hpp), retrying
// (the caller excludes what it tried and asks again).
#pragma once

#include "balance/fleet.hpp"
#include "balance/flight_recorder.hpp"
#include "balance/lease.hpp"
#include "balance/operation.hpp"
#include "balance/quantities.hpp"
#include "balance/supply.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace headroom::balance {

/// What one request needs; views and spans must stay valid during choose only.
struct Demand {
    /// Deployment key by backend index (Fleet::key of the name at that backend); one element stands for all
    /// backends, none for requests that name no deployment.
    std::span<const SlotKey> deployments;
    Tokens cost;   ///< As the quota counts it (Cost::charge); clamped to [0, request_cost_max].
    Tokens prompt; ///< Of that, the prompt.
    /// What a quota may count of it; null: cost and prompt are all that is known.
    const ChargeBasis* basis = nullptr;
    std::uint64_t candidates =
        ~0ULL;                  ///< Bit per backend that can serve it; bits beyond the fleet are ignored.
    std::uint64_t excluded = 0; ///< Bit per backend already tried for this request.
    Operation operation = Operation::chat;
    bool may_probe = true;    ///< False when the request could not be sent again after a failed attempt.
    std::uint64_t random = 0; ///< Fresh random bits for ties.
    /// Of the prompt's first thousand tokens or so, or of its cache key: requests that share it find a warm
    /// cache at the same backend. 0: there is nothing to find.
    std::uint64_t prefix = 0;
    /// How long the request may still wait for an opening; 0: it is sent or refused now.
    Duration patience{};
    /// Whose claims do not count against it: 1 + the index of the shard whose queue asks; 0: nobody's.
    std::uint32_t owner = 0;
    /// First in its queue: when it must wait, what it waits for is kept free for it.
    bool claims = false;
    /// Not 0: a hedge is wanted; the bit of the one backend that has the request already and is late. It may
    /// go only where it fits and `used_max` is not exceeded, else it is refused.
    std::uint64_t late = 0;
    Duration silent{};   ///< For a hedge: how long nothing has come of that one.
    double used_max = 0; ///< For a hedge: the part of a backend's quota that may be used, with it.
};

/// Where a decision is recorded, if anywhere.
struct Flight {
    FlightRecorder* recorder = nullptr;
    FlightTag tag;
};

/// Where to send a request, or when to come back.
struct Choice {
    enum class Kind : std::uint8_t {
        send,
        wait,   ///< It will fit within its patience: ask again after retry_after.
        refuse, ///< No backend can have it in time.
    };
    Kind kind = Kind::refuse;
    std::uint32_t backend = 0;
    Lease lease;
    /// For wait: until `backend` is predicted to have room. For refuse: until the soonest candidate (tried
    /// ones included) may accept again; 0 when none of them is blocked by quota.
    Duration retry_after{};
    /// For refuse: true when at least one candidate is blocked by its quota, so that a 429 is the honest
    /// answer.
    bool quota = false;
    /// Why, in a word for the log: name_of(Reason).
    std::string_view reason;
};

/// Priority groups first (lower numbers), inside a group the largest remaining fraction of TPM and RPM.
class Balancer {
  public:
    /// Chooses and reserves in one step. Order: a group's due probe, its best candidate that fits; the next
    /// group; candidates whose traffic is only returning; the least full unblocked one of the best group; a
    /// due one that does not fit; if all are broken but none blocked, the one that may be tried soonest. A
    /// request with patience waits for a predicted opening instead of being sent where it will not fit.
    /// Refuses only when every candidate is tried, blocked by its own answer, or broken beside blocked ones.
    [[nodiscard]] Choice choose(Fleet& fleet, const Demand& demand, Time now,
                                const Flight& flight = {}) const noexcept;
    /// What all candidates of requests like `demand` will have, whatever was tried.
    [[nodiscard]] Supply supply(Fleet& fleet, const Demand& demand, Time now) const noexcept;
};

} // namespace headroom::balance
