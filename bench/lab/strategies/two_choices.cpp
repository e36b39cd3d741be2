// The power of two choices: of two at random, the one with fewer requests under way (Mitzenmacher 2001;
// Envoy's LEAST_REQUEST).
#include "bench/lab/retrying.hpp"

namespace headroom::lab {
namespace {

class TwoChoices final : public Retrying {
    using Retrying::Retrying;
    std::uint32_t pick(const Ask&, std::span<const std::uint32_t> candidates) override {
        const std::uint64_t first = random().below(candidates.size());
        if (candidates.size() == 1) return candidates[0];
        std::uint64_t second = random().below(candidates.size() - 1);
        if (second >= first) ++second;
        const std::uint32_t a = candidates[first];
        const std::uint32_t b = candidates[second];
        return in_flight(b) < in_flight(a) ? b : a;
    }
};

const Registered registered({"two-choices", "power of two choices by requests under way (Mitzenmacher)",
                             make_strategy<TwoChoices>, false, 14});

} // namespace
} // namespace headroom::lab
