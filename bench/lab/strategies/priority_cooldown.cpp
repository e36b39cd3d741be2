// Priority and cool-down with all the rules of openai-aca-lb (src/RetryMiddleware.cs, YarpConfiguration.cs):
// of the healthy the best priority, among those by chance; any 429 or 5xx makes unhealthy for Retry-After in
// whole seconds, else 10 s, and a longer time later does not count; retries at once and without bound while
// anyone is healthy; when nobody is, one of all by chance.
#include "bench/lab/strategy.hpp"

#include <algorithm>

namespace headroom::lab {
namespace {

class PriorityCooldown final : public Strategy {
  public:
    explicit PriorityCooldown(const Setting& setting)
        : told_(setting.backends), random_(setting.seed), unhealthy_until_(told_.size(), Time{}) {}

    Decision choose(const Ask& ask) override {
        best_.clear();
        for (std::uint32_t i = 0; i < told_.size(); ++i) {
            if (unhealthy_until_[i] > ask.now) continue;
            if (!best_.empty() && told_[i].priority < told_[best_[0]].priority) best_.clear();
            if (best_.empty() || told_[i].priority == told_[best_[0]].priority) best_.push_back(i);
        }
        if (!best_.empty()) return Decision::send(best_[random_.below(best_.size())]);
        if (ask.attempts > 0) return Decision::pass();
        return Decision::send(static_cast<std::uint32_t>(random_.below(told_.size())));
    }

    void answered(const Ask& ask, std::uint32_t backend, const Reply& reply) override {
        if (reply.kind == Reply::Kind::success || unhealthy_until_[backend] > ask.now) return;
        Duration wait = std::chrono::seconds(10);
        if (reply.retry_after) wait = std::chrono::ceil<std::chrono::seconds>(*reply.retry_after);
        unhealthy_until_[backend] = ask.now + wait;
    }

  private:
    std::vector<Told> told_;
    Random random_;
    std::vector<Time> unhealthy_until_;
    std::vector<std::uint32_t> best_;
};

const Registered registered({"aca-lb", "priority, random, cool-down for Retry-After (openai-aca-lb)",
                             make_strategy<PriorityCooldown>, false, 20});

} // namespace
} // namespace headroom::lab
