// Smooth weighted round robin by quota, as nginx has it (ngx_http_upstream_round_robin.c, get_peer).
#include "bench/lab/retrying.hpp"

namespace headroom::lab {
namespace {

class WeightedRoundRobin final : public Retrying {
  public:
    explicit WeightedRoundRobin(const Setting& setting)
        : Retrying(setting), current_(setting.backends.size()) {}

  private:
    std::uint32_t pick(const Ask&, std::span<const std::uint32_t> candidates) override {
        double total = 0;
        std::uint32_t best = candidates.front();
        for (const std::uint32_t backend : candidates) {
            current_[backend] += quota(backend);
            total += quota(backend);
            if (current_[backend] > current_[best]) best = backend;
        }
        current_[best] -= total;
        return best;
    }
    std::vector<double> current_;
};

const Registered registered({"weighted-rr", "smooth weighted round robin by quota (nginx)",
                             make_strategy<WeightedRoundRobin>, false, 12});

} // namespace
} // namespace headroom::lab
