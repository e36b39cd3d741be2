// What the plain strategies share: a request that failed goes to a backend that it has not met, chosen by the
// same rule. When it has met all of them its client gets the last answer, as nginx's proxy_next_upstream does
// it.
#pragma once

#include "bench/lab/strategy.hpp"

#include <span>
#include <vector>

namespace headroom::lab {

class Retrying : public Strategy {
  public:
    explicit Retrying(const Setting& setting)
        : told_(setting.backends), random_(setting.seed), in_flight_(setting.backends.size()) {}

    Decision choose(const Ask& ask) final {
        candidates_.clear();
        for (std::uint32_t i = 0; i < told_.size(); ++i) {
            if ((ask.tried >> i & 1U) == 0) candidates_.push_back(i);
        }
        if (candidates_.empty()) return Decision::pass();
        const std::uint32_t backend = pick(ask, candidates_);
        ++in_flight_[backend];
        return Decision::send(backend);
    }
    void answered(const Ask& ask, std::uint32_t backend, const Reply& reply) final {
        if (reply.kind != Reply::Kind::success) --in_flight_[backend];
        observe(ask, backend, reply);
    }
    void finished(const Ask&, std::uint32_t backend, const Reply&, std::int64_t) final {
        --in_flight_[backend];
    }

  protected:
    /// One of `candidates`, of which there is at least one.
    virtual std::uint32_t pick(const Ask& ask, std::span<const std::uint32_t> candidates) = 0;
    virtual void observe(const Ask&, std::uint32_t, const Reply&) {}

    [[nodiscard]] const Told& told(std::uint32_t backend) const { return told_[backend]; }
    /// The quota that it is told, or 1 when it is told none.
    [[nodiscard]] double quota(std::uint32_t backend) const {
        return told_[backend].tpm > 0 ? static_cast<double>(told_[backend].tpm) : 1;
    }
    [[nodiscard]] std::int64_t in_flight(std::uint32_t backend) const { return in_flight_[backend]; }
    [[nodiscard]] Random& random() { return random_; }

  private:
    std::vector<Told> told_;
    Random random_;
    std::vector<std::int64_t> in_flight_;
    std::vector<std::uint32_t> candidates_;
};

} // namespace headroom::lab
