// Limiters that count refused requests, too: asking them again too soon keeps their window full for ever. In
// virtual time, with more requests than the quotas allow, what the quotas allow must still get through.
#include "balance/balancer.hpp"
#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

/// So many requests within any ten seconds, refused ones included. What it says to wait is right for the
/// state before the refusal, as of a limiter that computes it first.
class RequestLimiter {
  public:
    explicit RequestLimiter(std::size_t limit) : limit_(limit) {}

    /// Zero when admitted, else how long to wait.
    Duration ask(Time now) {
        while (!log_.empty() && log_.front() + 10s <= now)
            log_.pop_front();
        Duration wait{0};
        if (log_.size() >= limit_) wait = log_[log_.size() - limit_] + 10s - now;
        log_.push_back(now);
        return wait;
    }

  private:
    std::size_t limit_;
    std::deque<Time> log_;
};

struct Overload {
    const char* name;
    double load;        ///< Of the sum of the quotas.
    int rpm;            ///< Configured for the smallest of three, its double for the largest; 0: not known.
    double goodput_min; ///< Of what load and quotas allow.
};

std::ostream& operator<<(std::ostream& out, const Overload& overload) {
    return out << overload.name;
}

class RequestOverload : public ::testing::TestWithParam<Overload> {};

TEST_P(RequestOverload, TheQuotasAreUsed) {
    const Overload& overload = GetParam();
    for (const std::uint64_t seed : property_seeds()) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        std::vector<BackendSpec> specs(3);
        std::vector<RequestLimiter> limiters;
        for (std::size_t i = 0; i < specs.size(); ++i) {
            const int share = i == 2 ? 2 : 1;
            specs[i].rpm = overload.rpm * share;
            limiters.emplace_back(30U * static_cast<unsigned>(share));
        }
        Fleet fleet(specs, {seed, 1s});
        const Duration gap = std::chrono::duration_cast<Duration>(10s / 120.0 / overload.load);
        int answered = 0;
        constexpr Duration settling = 30s;
        constexpr Duration measured = 120s;
        const Time begin{1h};
        for (Time now = begin; now < begin + settling + measured; now += gap) {
            Demand demand;
            demand.cost = Tokens(100);
            while (true) {
                demand.random = random.bits();
                Choice choice = Balancer().choose(fleet, demand, now);
                if (choice.kind == Choice::Kind::refuse) break;
                const Duration wait = limiters[choice.backend].ask(now);
                if (wait == Duration::zero()) {
                    choice.lease.success(now);
                    choice.lease.settle({}, now);
                    if (now >= begin + settling) ++answered;
                    break;
                }
                demand.excluded |= 1ULL << choice.backend;
                Refusal refusal;
                refusal.kind = Refusal::Kind::requests;
                refusal.stated = true;
                refusal.retry_after = std::clamp<Duration>(wait, refusal_wait_min, refusal_wait_max);
                choice.lease.refused(refusal, now);
            }
        }
        const double possible = 12.0 * 120 * std::min(1.0, overload.load);
        EXPECT_GE(answered / possible, overload.goodput_min) << answered << " of " << possible;
    }
}

INSTANTIATE_TEST_SUITE_P(Loads, RequestOverload,
                         ::testing::Values(Overload{"at_90", 0.9, 180, 1}, Overload{"at_97", 0.97, 180, 0.95},
                                           Overload{"at_120", 1.2, 180, 0.88},
                                           Overload{"at_300", 3, 180, 0.88},
                                           Overload{"at_97_unknown", 0.97, 0, 0.7},
                                           Overload{"at_120_unknown", 1.2, 0, 0.7},
                                           Overload{"at_300_unknown", 3, 0, 0.7}),
                         [](const auto& info) { return std::string(info.param.name); });

} // namespace
} // namespace headroom::balance
