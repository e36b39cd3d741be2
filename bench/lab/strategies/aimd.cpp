// AIMD: a rate per backend that grows by a constant while answers succeed and is cut on a 429 (Chiu and Jain
// 1989, TCP); it knows no quota. A request goes where the most of the rate is unused; when it fits nowhere
// the client is told when.
#include "bench/lab/strategy.hpp"

#include <algorithm>

namespace headroom::lab {
namespace {

class Aimd final : public Strategy {
  public:
    explicit Aimd(const Setting& setting) : flows_(setting.backends.size()) {}

    Decision choose(const Ask& ask) override {
        const auto cost = static_cast<double>(ask.charge());
        Flow* best = nullptr;
        double soonest_s = 60;
        for (std::size_t i = 0; i < flows_.size(); ++i) {
            if ((ask.tried >> i & 1U) != 0) continue;
            Flow& flow = flows_[i];
            flow.refill(ask.now);
            // A request larger than a minute's rate goes when the bucket is full.
            const double needed = std::min(cost, flow.rate);
            soonest_s = std::min(soonest_s, std::max(0.0, needed - flow.saved) / (flow.rate / 60));
            if (flow.saved >= needed && (best == nullptr || flow.saved > best->saved)) best = &flow;
        }
        if (best == nullptr) {
            if (ask.attempts > 0) return Decision::pass();
            return Decision::refuse(
                std::chrono::milliseconds(static_cast<std::int64_t>(soonest_s * 1000) + 1));
        }
        best->saved -= cost;
        return Decision::send(static_cast<std::uint32_t>(best - flows_.data()));
    }

    void answered(const Ask& ask, std::uint32_t backend, const Reply& reply) override {
        Flow& flow = flows_[backend];
        if (reply.kind == Reply::Kind::success) flow.rate += added;
        // Refusals of one burst are one sign.
        if (reply.kind != Reply::Kind::quota || ask.now - flow.cut_at < std::chrono::seconds(5)) return;
        flow.rate = std::max(rate_min, flow.rate * kept);
        flow.saved = std::min(flow.saved, 0.0);
        flow.cut_at = ask.now;
    }

  private:
    static constexpr double rate_first = 10'000; ///< Tokens per minute.
    static constexpr double rate_min = 1'000;
    static constexpr double added = 200; ///< Per success.
    static constexpr double kept = 0.75;

    struct Flow {
        double rate = rate_first;
        double saved = rate_first / 6; ///< At most a minute of the rate.
        Time at{};
        Time cut_at = Time(-std::chrono::hours(1));
        void refill(Time now) {
            saved = std::min(rate, saved + rate / 60 * std::chrono::duration<double>(now - at).count());
            at = now;
        }
    };
    std::vector<Flow> flows_;
};

const Registered registered({"aimd", "a rate per backend, plus on success, times 0.75 on 429 (Chiu, Jain)",
                             make_strategy<Aimd>, false, 25});

} // namespace
} // namespace headroom::lab
