// LiteLLM's usage-based-routing-v2 (router_strategy/lowest_tpm_rpm_v2.py, cooldown_handlers.py): the
// deployment with the fewest tokens in this wall-clock minute whose limits allow the prompt; requests are
// counted when they are sent, tokens only when they succeeded; a 429 cools down for Retry-After or 5 s; two
// retries; no deployment: 429 with retry-after 60.
#include "bench/lab/strategy.hpp"

namespace headroom::lab {
namespace {

class LiteLlmUsage final : public Strategy {
  public:
    explicit LiteLlmUsage(const Setting& setting)
        : told_(setting.backends), random_(setting.seed), counts_(told_.size()) {}

    Decision choose(const Ask& ask) override {
        if (ask.attempts > retries) return Decision::pass();
        equal_.clear();
        for (std::uint32_t i = 0; i < told_.size(); ++i) {
            Count& count = at(i, ask.now);
            if (count.cooled_until > ask.now) continue;
            if (told_[i].tpm > 0 && count.tokens + ask.prompt > told_[i].tpm) continue;
            if (told_[i].rpm > 0 && count.requests + 1 >= told_[i].rpm) continue;
            if (!equal_.empty() && count.tokens < counts_[equal_[0]].tokens) equal_.clear();
            if (equal_.empty() || count.tokens == counts_[equal_[0]].tokens) equal_.push_back(i);
        }
        if (equal_.empty()) return Decision::refuse(std::chrono::seconds(60));
        const std::uint32_t backend = equal_[random_.below(equal_.size())];
        ++at(backend, ask.now).requests;
        return Decision::send(backend);
    }

    void answered(const Ask& ask, std::uint32_t backend, const Reply& reply) override {
        if (reply.kind != Reply::Kind::quota || told_.size() == 1) return;
        counts_[backend].cooled_until = ask.now + reply.retry_after.value_or(std::chrono::seconds(5));
    }

    void finished(const Ask& ask, std::uint32_t backend, const Reply&, std::int64_t output) override {
        at(backend, ask.now).tokens += ask.prompt + output;
    }

  private:
    static constexpr unsigned retries = 2;
    struct Count {
        std::int64_t minute = 0;
        std::int64_t tokens = 0;
        std::int64_t requests = 0;
        Time cooled_until{};
    };

    Count& at(std::uint32_t backend, Time now) {
        const std::int64_t minute = now.time_since_epoch() / std::chrono::minutes(1);
        Count& count = counts_[backend];
        if (count.minute != minute) count = {minute, 0, 0, count.cooled_until};
        return count;
    }

    std::vector<Told> told_;
    Random random_;
    std::vector<Count> counts_;
    std::vector<std::uint32_t> equal_;
};

const Registered registered({"litellm-usage-v2", "fewest tokens this minute (LiteLLM usage-based-routing-v2)",
                             make_strategy<LiteLlmUsage>, false, 21});

} // namespace
} // namespace headroom::lab
