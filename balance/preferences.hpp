// What speaks for a backend beside its headroom: a warm prompt cache, speed, price; and who leaves a tier
// first. Pure functions of what was seen. Promises: a preference orders what is feasible, it never makes
// anything feasible.
#pragma once

#include "balance/decision.hpp"

#include <cstdint>

namespace headroom::balance {

/// The preferences among one group of backends.
class Preferences {
  public:
    Preferences(const DecisionInput& input, BackendMask group) noexcept;

    /// To be added to a backend's score, in parts of its quota: at most a third, less where it has no
    /// meaning.
    [[nodiscard]] double of(std::uint32_t backend, const Outlook& look) const noexcept;
    /// The request leaves for the next tier, because not all that comes soon will fit: the likelier the
    /// smaller it is, and never where its prompt cache is warm. `chance` is random, within [0, 1).
    [[nodiscard]] bool moves(std::uint32_t backend, const Outlook& look, double chance) const noexcept;

  private:
    double cache_value_ = 0;       ///< Of finding the prompt's start in the cache.
    std::uint32_t favourite_ = 64; ///< Where requests of that prefix go; 64: nowhere in particular.
    double fastest_ = 0;           ///< The least pace that is known.
};

} // namespace headroom::balance
