// Least in flight: the backend with the fewest requests under way; ties by chance (Envoy's and nginx's
// least_conn).
#include "bench/lab/retrying.hpp"

namespace headroom::lab {
namespace {

class LeastInFlight final : public Retrying {
    using Retrying::Retrying;
    std::uint32_t pick(const Ask&, std::span<const std::uint32_t> candidates) override {
        std::uint32_t best = candidates.front();
        std::uint64_t equal = 0;
        for (const std::uint32_t backend : candidates) {
            if (in_flight(backend) > in_flight(best)) continue;
            equal = in_flight(backend) < in_flight(best) ? 1 : equal + 1;
            if (random().below(equal) == 0) best = backend;
        }
        return best;
    }
};

const Registered registered({"least-in-flight", "fewest requests under way (least_conn)",
                             make_strategy<LeastInFlight>, false, 13});

} // namespace
} // namespace headroom::lab
