// A limiter on virtual seconds and requests for it: what tests of learning learn from.
#pragma once

#include "balance/quota_learner.hpp"
#include "tests/balance/random.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

namespace headroom::balance {

inline constexpr std::int64_t limit = 120'000;

/// A limiter on virtual seconds that charges by one rule and forgets in one way.
class VirtualLimiter {
  public:
    VirtualLimiter(ChargeRule rule, Forgetting way) : rule_(rule), way_(way) {}

    void arrive(const ChargeBasis& basis, double now) { add(arrival(basis), now); }
    void finish(const ChargeBasis& basis, Tokens used, double now) {
        if (rule_ == ChargeRule::usage) add(used.count(), now);
        if (rule_ == ChargeRule::reserved) add(used.count() - basis.reserved.count(), now);
    }
    std::int64_t used(double now) {
        forget(now);
        double sum = way_ == Forgetting::bucket ? level_ : 0;
        for (const auto& [at, amount] : log_)
            sum += static_cast<double>(amount);
        return std::clamp<std::int64_t>(static_cast<std::int64_t>(sum), 0, limit);
    }
    [[nodiscard]] std::int64_t arrival(const ChargeBasis& basis) const {
        QuotaModel model;
        model.learned = true;
        model.rule = rule_;
        return rule_ == ChargeRule::usage ? 0 : model.charge(basis, Tokens(0)).count();
    }

  private:
    void add(std::int64_t amount, double now) {
        forget(now);
        if (way_ == Forgetting::bucket) {
            level_ = std::max(0.0, level_ + static_cast<double>(amount));
        } else {
            log_.emplace_back(now, amount);
        }
    }
    void forget(double now) {
        level_ = std::max(0.0, level_ - (now - level_at_) * limit / 60);
        level_at_ = now;
        const double since = way_ == Forgetting::fixed
                                 ? static_cast<double>(static_cast<std::int64_t>(now) / 60 * 60)
                                 : now - 60;
        while (!log_.empty() && log_.front().first < since)
            log_.pop_front();
    }

    ChargeRule rule_;
    Forgetting way_;
    std::deque<std::pair<double, std::int64_t>> log_;
    double level_ = 0;
    double level_at_ = 0;
};

inline ChargeBasis random_basis(Random& random) {
    ChargeBasis basis;
    basis.prompt = Tokens(static_cast<std::int64_t>(100 + random.below(1'500)));
    basis.characters = Tokens(basis.prompt.count() * static_cast<std::int64_t>(80 + random.below(60)) / 100);
    basis.cap = basis.capped = Tokens(static_cast<std::int64_t>(50 + random.below(1'000)));
    basis.expected = basis.prompt + Tokens(200);
    basis.reserved = basis.prompt + basis.cap;
    return basis;
}

} // namespace headroom::balance
