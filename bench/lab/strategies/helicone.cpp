// Helicone's ai-gateway: two choices by peak EWMA among the providers in the pool; a 429 goes to the client,
// and its provider leaves the pool for Retry-After (30 s when it says none) and another 30 s; an empty pool
// is an error.
#include "bench/lab/peak_ewma.hpp"
#include "bench/lab/strategy.hpp"

#include <algorithm>

namespace headroom::lab {
namespace {

class Helicone final : public Strategy {
  public:
    explicit Helicone(const Setting& setting) : random_(setting.seed), providers_(setting.backends.size()) {}

    Decision choose(const Ask& ask) override {
        if (ask.attempts > 0) return Decision::pass();
        pool_.clear();
        for (std::uint32_t i = 0; i < providers_.size(); ++i) {
            if (providers_[i].out_until <= ask.now) pool_.push_back(i);
        }
        if (pool_.empty()) return Decision::refuse();
        std::uint32_t chosen = pool_[random_.below(pool_.size())];
        const std::uint32_t other = pool_[random_.below(pool_.size())];
        if (load(other, ask.now) < load(chosen, ask.now)) chosen = other;
        ++providers_[chosen].in_flight;
        return Decision::send(chosen);
    }

    void answered(const Ask& ask, std::uint32_t backend, const Reply& reply) override {
        Provider& provider = providers_[backend];
        provider.ewma.observe(std::chrono::duration<double>(reply.head).count(), ask.now);
        if (reply.kind != Reply::Kind::success) --provider.in_flight;
        if (reply.kind != Reply::Kind::quota) return;
        const Duration wait = reply.retry_after.value_or(std::chrono::seconds(30)) + std::chrono::seconds(30);
        provider.out_until = std::max(provider.out_until, ask.now + wait);
    }

    void finished(const Ask&, std::uint32_t backend, const Reply&, std::int64_t) override {
        --providers_[backend].in_flight;
    }

  private:
    struct Provider {
        PeakEwma ewma;
        std::int64_t in_flight = 0;
        Time out_until{};
    };
    [[nodiscard]] double load(std::uint32_t backend, Time now) const {
        return providers_[backend].ewma.load(providers_[backend].in_flight, now);
    }

    Random random_;
    std::vector<Provider> providers_;
    std::vector<std::uint32_t> pool_;
};

const Registered registered({"helicone", "peak EWMA; out for Retry-After + 30 s (Helicone ai-gateway)",
                             make_strategy<Helicone>, false, 22});

} // namespace
} // namespace headroom::lab
