// Azure API Management's backend pool with circuit breakers, as Microsoft's AI-Gateway sample configures
// them: the best priority whose breakers are closed, among those by weight; one 429 trips for Retry-After,
// else a minute; the sample's retry policy tries twice more, the first time at once, then after a second; an
// empty pool is a 503.
#include "bench/lab/strategy.hpp"

#include <algorithm>
#include <map>

namespace headroom::lab {
namespace {

class ApimPool final : public Strategy {
  public:
    explicit ApimPool(const Setting& setting)
        : told_(setting.backends),
          random_(setting.seed),
          desk_(*setting.desk),
          tripped_until_(told_.size(), Time{}) {}

    Decision choose(const Ask& ask) override {
        if (ask.attempts > retries || (ask.failed != nullptr && ask.failed->kind != Reply::Kind::quota))
            return Decision::pass();
        if (ask.attempts == 2) {
            waiting_.emplace(ask.now + std::chrono::seconds(1), ask.job);
            desk_.wake_at(waiting_.begin()->first);
            return Decision::queue();
        }
        return from_pool(ask.now);
    }

    void answered(const Ask& ask, std::uint32_t backend, const Reply& reply) override {
        if (reply.kind != Reply::Kind::quota) return;
        const Duration wait = reply.retry_after.value_or(std::chrono::minutes(1));
        tripped_until_[backend] = std::max(tripped_until_[backend], ask.now + wait);
    }

    void woken(Time now) override {
        while (!waiting_.empty() && waiting_.begin()->first <= now) {
            const std::uint32_t job = waiting_.begin()->second;
            waiting_.erase(waiting_.begin());
            desk_.decide(job, from_pool(now));
        }
        if (!waiting_.empty()) desk_.wake_at(waiting_.begin()->first);
    }

  private:
    static constexpr unsigned retries = 2;

    Decision from_pool(Time now) {
        double weights = 0;
        pool_.clear();
        for (std::uint32_t i = 0; i < told_.size(); ++i) {
            if (tripped_until_[i] > now) continue;
            if (!pool_.empty() && told_[i].priority < told_[pool_[0]].priority) pool_.clear(), weights = 0;
            if (!pool_.empty() && told_[i].priority > told_[pool_[0]].priority) continue;
            pool_.push_back(i);
            weights += told_[i].weight;
        }
        if (pool_.empty()) return Decision::refuse();
        double left = random_.unit() * weights;
        const auto chosen =
            std::ranges::find_if(pool_, [&](std::uint32_t i) { return (left -= told_[i].weight) < 0; });
        return Decision::send(chosen == pool_.end() ? pool_.back() : *chosen);
    }

    std::vector<Told> told_;
    Random random_;
    Desk& desk_;
    std::vector<Time> tripped_until_;
    std::multimap<Time, std::uint32_t> waiting_;
    std::vector<std::uint32_t> pool_;
};

const Registered registered({"apim-pool", "pool with breakers and retry policy (Azure API Management sample)",
                             make_strategy<ApimPool>, false, 23});

} // namespace
} // namespace headroom::lab
