// Peak EWMA over two choices, as Linkerd balances: the latency is that to the head, a refusal counts as an
// answer.
#include "bench/lab/peak_ewma.hpp"

#include "bench/lab/retrying.hpp"

namespace headroom::lab {
namespace {

class PeakEwmaChoice final : public Retrying {
  public:
    explicit PeakEwmaChoice(const Setting& setting) : Retrying(setting), ewma_(setting.backends.size()) {}

  private:
    std::uint32_t pick(const Ask& ask, std::span<const std::uint32_t> candidates) override {
        const std::uint64_t first = random().below(candidates.size());
        if (candidates.size() == 1) return candidates[0];
        std::uint64_t second = random().below(candidates.size() - 1);
        if (second >= first) ++second;
        const auto load = [&](std::uint32_t backend) {
            return ewma_[backend].load(in_flight(backend), ask.now);
        };
        return load(candidates[second]) < load(candidates[first]) ? candidates[second] : candidates[first];
    }
    void observe(const Ask& ask, std::uint32_t backend, const Reply& reply) override {
        ewma_[backend].observe(std::chrono::duration<double>(reply.head).count(), ask.now);
    }
    std::vector<PeakEwma> ewma_;
};

const Registered registered({"peak-ewma", "two choices by peak EWMA of latency (Finagle, Linkerd)",
                             make_strategy<PeakEwmaChoice>, false, 15});

} // namespace
} // namespace headroom::lab
