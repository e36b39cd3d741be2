// Random: every backend alike, whatever its quota (Envoy's RANDOM, HAProxy's balance random).
#include "bench/lab/retrying.hpp"

namespace headroom::lab {
namespace {

class RandomChoice final : public Retrying {
    using Retrying::Retrying;
    std::uint32_t pick(const Ask&, std::span<const std::uint32_t> candidates) override {
        return candidates[random().below(candidates.size())];
    }
};

const Registered registered({"random", "uniformly random, elsewhere after a failure (Envoy's RANDOM)",
                             make_strategy<RandomChoice>, false, 10});

} // namespace
} // namespace headroom::lab
