// How a quota counts and forgets, as learned: a value that fits into one 8-byte atomic.
#pragma once

#include "balance/charge_rule.hpp"
#include "balance/token_account.hpp"

#include <cstdint>

namespace headroom::balance {

struct QuotaModel {
    bool learned = false; ///< Else the provider's preset is used: Cost::charge, sliding.
    ChargeRule rule = ChargeRule::tokens_and_cap;
    Forgetting forgetting = Forgetting::sliding;
    double prompt_factor = 1; ///< Of a fitted rule, within [0, 4).
    double cap_factor = 1;
    std::uint32_t phase = 0;   ///< Of fixed windows, in ticks.
    std::uint32_t samples = 0; ///< Responses that it was learned from; counted up to 1,023.
    double error = 1;          ///< Mean relative error of its predictions, up to 1.

    /// What the quota will count of a request; `cost` is what the preset makes of it.
    [[nodiscard]] Tokens charge(const ChargeBasis& basis, Tokens cost) const noexcept;
    /// The charge is corrected by usage at the end.
    /// Nothing is counted of a request before it has ended: the next one is let in while anything is left.
    [[nodiscard]] bool counts_at_end() const noexcept { return learned && rule == ChargeRule::usage; }
    [[nodiscard]] bool settles_by_usage() const noexcept {
        return learned && (rule == ChargeRule::usage || rule == ChargeRule::reserved);
    }

    [[nodiscard]] std::uint64_t packed() const noexcept;
    [[nodiscard]] static bool is_learned(std::uint64_t word) noexcept { return (word & 1) != 0; }
    [[nodiscard]] static QuotaModel unpacked(std::uint64_t word) noexcept;
};

} // namespace headroom::balance
