// What may run twice is listed; everything else may not.
#include "balance/hedge_policy.hpp"

#include <array>

namespace headroom::balance {

bool may_run_twice(const HedgeSubject& subject) noexcept {
    if (subject.facts == nullptr || subject.names_object) return false;
    const RequestFacts& facts = *subject.facts;
    if (!facts.valid || !facts.stream || facts.previous_response_hash != 0) return false;
    switch (subject.operation) {
        case Operation::chat:
        case Operation::completions: return !facts.store.value_or(false);
        case Operation::responses: return !facts.store.value_or(true) && !facts.may_act;
        default: return false;
    }
}

std::string_view name_of(HedgeEnd end) noexcept {
    static constexpr std::array<std::string_view, hedge_end_count> names{"none", "won",    "lost",  "failed",
                                                                         "gone", "scarce", "budget"};
    const auto index = static_cast<std::size_t>(end);
    return index < names.size() ? names[index] : "unknown";
}

} // namespace headroom::balance
