// Round robin: in turn, whatever their quotas (nginx's default, Envoy's ROUND_ROBIN).
#include "bench/lab/retrying.hpp"

#include <algorithm>

namespace headroom::lab {
namespace {

class RoundRobin final : public Retrying {
    using Retrying::Retrying;
    std::uint32_t pick(const Ask&, std::span<const std::uint32_t> candidates) override {
        const auto next =
            std::ranges::find_if(candidates, [&](std::uint32_t backend) { return backend >= next_; });
        const std::uint32_t backend = next == candidates.end() ? candidates.front() : *next;
        next_ = backend + 1;
        return backend;
    }
    std::uint32_t next_ = 0;
};

const Registered registered({"round-robin", "in turn, elsewhere after a failure (nginx's default)",
                             make_strategy<RoundRobin>, false, 11});

} // namespace
} // namespace headroom::lab
