// The clairvoyant reference: sees every limiter and every true cost; of those that wait the earliest deadline
// first (Jackson 1955; Liu and Layland 1973), each where it fits best, so that the least is left (Johnson
// 1974). No proxy can do this; what it reaches can be reached.
#include "bench/lab/strategy.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace headroom::lab {
namespace {

class Clairvoyant final : public Strategy {
  public:
    explicit Clairvoyant(const Setting& setting)
        : desk_(*setting.desk), backends_(static_cast<std::uint32_t>(setting.backends.size())) {}

    Decision choose(const Ask& ask) override {
        // Nobody who waits could go before it: they did not fit when they were last asked, and nothing has
        // come back.
        if (const auto backend = fits(ask.job); backend && waiting_.empty()) return Decision::send(*backend);
        waiting_.emplace(ask.deadline, ask.job);
        desk_.wake_at(ask.now);
        return Decision::queue();
    }

    void finished(const Ask& ask, std::uint32_t, const Reply&, std::int64_t) override {
        if (!waiting_.empty()) desk_.wake_at(ask.now);
    }

    void woken(Time now) override {
        while (!waiting_.empty() && waiting_.begin()->first < now) {
            const std::uint32_t job = waiting_.begin()->second;
            waiting_.erase(waiting_.begin());
            desk_.decide(job, Decision::refuse());
        }
        Duration soonest = std::chrono::hours(1);
        for (auto at = waiting_.begin(); at != waiting_.end();) {
            const auto [deadline, job] = *at;
            if (const auto backend = fits(job)) {
                at = waiting_.erase(at);
                desk_.decide(job, Decision::send(*backend));
                continue;
            }
            soonest = std::min(soonest, soonest_);
            ++at;
        }
        if (waiting_.empty()) return;
        const Time overdue = waiting_.begin()->first + std::chrono::nanoseconds(1);
        desk_.wake_at(std::max(std::min(now + soonest, overdue), now + std::chrono::nanoseconds(1)));
    }

  private:
    /// The one where the least is left among those that would take it; else `soonest_` is when one will.
    std::optional<std::uint32_t> fits(std::uint32_t job) {
        std::optional<std::uint32_t> best;
        soonest_ = std::chrono::hours(24);
        for (std::uint32_t i = 0; i < backends_; ++i) {
            const Duration opens = desk_.truly_opens(i, job);
            soonest_ = std::min(soonest_, opens);
            if (opens > Duration::zero()) continue;
            if (!best || desk_.truly_left(i) < desk_.truly_left(*best)) best = i;
        }
        return best;
    }

    Desk& desk_;
    std::uint32_t backends_;
    std::set<std::pair<Time, std::uint32_t>> waiting_;
    Duration soonest_{};
};

const Registered registered({"clairvoyant",
                             "EDF and best fit with true costs and limiters: a reference, no proxy",
                             make_strategy<Clairvoyant>, true, 90});

} // namespace
} // namespace headroom::lab
