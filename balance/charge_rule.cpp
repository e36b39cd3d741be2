// The rules in figures.
#include "balance/charge_rule.hpp"

#include <algorithm>

namespace headroom::balance {

ChargeSums sums_at_arrival(const ChargeBasis& basis) noexcept {
    return {(basis.characters + basis.cap).count(),
            (basis.prompt + basis.cap).count(),
            basis.capped.count(),
            0,
            basis.reserved.count(),
            basis.prompt.count(),
            basis.cap.count()};
}

ChargeSums sums_at_end(const ChargeBasis& basis, Tokens used) noexcept {
    ChargeSums sums{};
    sums[static_cast<std::size_t>(ChargeRule::usage)] = used.count();
    // A limiter that reserved too little keeps what it has.
    const std::int64_t kept = std::min(used, basis.reserved).count();
    sums[static_cast<std::size_t>(ChargeRule::reserved)] = kept - basis.reserved.count();
    return sums;
}

std::string_view name_of(ChargeRule rule) noexcept {
    static constexpr std::array<std::string_view, plain_rules + 1> names{
        "prompt characters / 4 and max_tokens",
        "prompt tokens and max_tokens",
        "max_tokens only",
        "the usage at the end",
        "prompt and max_tokens (or the context), less what was not used",
        "a fitted share of prompt and max_tokens"};
    const auto index = static_cast<std::size_t>(rule);
    return index < names.size() ? names[index] : "unknown";
}

} // namespace headroom::balance
