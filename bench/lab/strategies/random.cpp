// Random: every backend alike, whatever its quota.
#include "bench/lab/retrying.hpp"

namespace headroom::lab {
namespace {

class RandomChoice final : public Retrying {
    using Retrying::Retrying;
    std::uint32_t pick(const Ask&, std::span<const std::uint32_t> candidates) override {
        return candidates[random().below(candidates.size())];
    }
};

const Registered registered({"random", "uniformly random, elsewhere after a failure",
                             make_strategy<RandomChoice>, false, 10});

} // namespace
} // namespace headroom::lab
