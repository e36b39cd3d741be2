// The policy as a pure function of plain values: what the candidates looked like goes in, where to send comes
// out. Shared by the balancer, which fills the input as the function asks for it, and by whoever runs a
// recorded input again. Promises: the same input gives the same bits, on any machine with IEEE doubles. Not
// here: looking and reserving (balancer.hpp), what is known of the backends (fleet.hpp).
#pragma once

#include "balance/backend_mask.hpp"
#include "balance/fleet.hpp"
#include "balance/quantities.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Why a decision came out as it did.
enum class Reason : std::uint8_t {
    fits,
    probe,
    over,
    returning,
    last_resort,
    opening,
    quota,
    tried,
    none,
    hedge,
    scarce,
};
inline constexpr std::size_t reason_count = 11;

/// The word for the log: "fits", "probe", "over", "returning", "last-resort", "hedge"; "opening"; "quota",
/// "tried", "none", "scarce".
[[nodiscard]] std::string_view name_of(Reason reason) noexcept;

/// All that a decision depends on. The arrays hold something only for the backends in `seen` and `opened`:
/// clearing them would cost as much as choosing.
struct DecisionInput {
    const FleetShape* shape = nullptr;
    Tokens cost;   ///< For the record: it has gone into what the candidates look like.
    Tokens prompt; ///< Of that, the prompt.
    BackendMask candidates = 0;
    BackendMask open = 0; ///< Candidates that were not tried yet.
    std::uint64_t random = 0;
    Duration patience{};
    std::uint64_t prefix = 0; ///< As Demand::prefix.
    bool may_probe = true;
    /// Not 0: a hedge is wanted. Its one backend has the request already and is late.
    BackendMask late = 0;
    Duration silent{};   ///< For a hedge: since when nothing has come of it.
    double used_max = 0; ///< For a hedge: how full a backend may be with it (Outlook::used).
    /// By Taking: reservations that another shard was faster to take.
    std::array<BackendMask, taking_count> lost{};
    BackendMask seen = 0;   ///< Those whose `look` is filled.
    BackendMask opened = 0; ///< Those whose `opens` is filled.
    std::array<Outlook, backends_max> look;
    std::array<Duration, backends_max> opens; ///< Fleet::opening.
};

/// What a DecisionInput leads to, or what it lacks.
struct Decision {
    enum class Kind : std::uint8_t {
        send,
        wait,
        refuse,
        look,     ///< Undecided: fill `look` of those in `wanted`.
        openings, ///< Undecided: fill `opens` of those in `wanted`.
    };
    Kind kind = Kind::look;
    Reason reason = Reason::none;
    Taking taking = Taking::if_fits; ///< For send.
    bool quota = false;              ///< For refuse: at least one candidate is blocked by its quota.
    std::uint32_t backend = 0;       ///< For send and wait.
    Duration retry_after{};          ///< For wait and refuse, as in Choice.
    BackendMask wanted = 0;
    BackendMask scored = 0;                 ///< Those whose `score` is filled.
    BackendMask admitted = 0;               ///< Of those, the ones that traffic may return to.
    std::array<double, backends_max> score; ///< More is better; 1 is an idle backend.
    std::uint32_t groups_done = 0;          ///< Groups in which nothing fits; a new call goes on behind them.
};

/// Decides, or says what it must know first. Called again with the same `decision` after `input` has grown it
/// goes on where it was; with a new one it starts anew and comes to the same end.
void decide(const DecisionInput& input, Decision& decision) noexcept;

} // namespace headroom::balance
