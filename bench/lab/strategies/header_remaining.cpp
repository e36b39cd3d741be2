// Header max-remaining: where the last answer said that most tokens are left; what is not heard of counts as
// full. What is under way is invisible to it, as to every balancer that reads x-ratelimit-remaining-tokens
// only.
#include "bench/lab/retrying.hpp"

namespace headroom::lab {
namespace {

class HeaderRemaining final : public Retrying {
  public:
    explicit HeaderRemaining(const Setting& setting)
        : Retrying(setting), remaining_(setting.backends.size()) {
        for (std::uint32_t i = 0; i < remaining_.size(); ++i)
            remaining_[i] = quota(i);
    }

  private:
    std::uint32_t pick(const Ask& ask, std::span<const std::uint32_t> candidates) override {
        std::uint32_t best = candidates.front();
        std::uint64_t equal = 0;
        for (const std::uint32_t backend : candidates) {
            const double here = left(backend, ask.now);
            const double there = left(best, ask.now);
            if (here < there) continue;
            equal = here > there ? 1 : equal + 1;
            if (random().below(equal) == 0) best = backend;
        }
        return best;
    }
    void observe(const Ask& ask, std::uint32_t backend, const Reply& reply) override {
        if (!reply.headers) return;
        remaining_[backend] = static_cast<double>(reply.headers->remaining_tokens);
        heard_[backend % heard_max] = ask.now;
    }
    /// A minute later all of a quota is there again.
    [[nodiscard]] double left(std::uint32_t backend, Time now) const {
        const bool old = now - heard_[backend % heard_max] > std::chrono::minutes(1);
        return old ? quota(backend) : remaining_[backend];
    }
    static constexpr std::size_t heard_max = 64;
    std::vector<double> remaining_;
    std::vector<Time> heard_ = std::vector<Time>(heard_max);
};

const Registered registered({"header-remaining", "most x-ratelimit-remaining-tokens in the last answer",
                             make_strategy<HeaderRemaining>, false, 24});

} // namespace
} // namespace headroom::lab
