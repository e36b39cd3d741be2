// Finds out how a quota counts and forgets, from what its backend says is left: every rule of charging with
// every way of forgetting predicts what has been counted, and the pair whose predictions fail least is
// believed. Plain values, one user at a time (Slot guards it). Promises: bounded work and memory per sample;
// values of hostile backends cost accuracy, nothing else. The errors are those of one step from an earlier
// sample, so that what others use of the same quota, which no rule can predict, weighs equally on all (as the
// innovations of competing Kalman filters do; Magill 1965).
#pragma once

#include "balance/charge_rule.hpp"
#include "balance/fixed_window.hpp"
#include "balance/quota_model.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace headroom::balance {

/// What a response showed.
struct QuotaSample {
    std::uint32_t tick = 1;
    double at = 0;          ///< The same in ticks with their parts.
    double waited = 0;      ///< For how long it was under way, in ticks.
    std::int64_t used = 0;  ///< Limit less remaining.
    std::int64_t limit = 0; ///< Tokens per minute.
    ChargeSums least{};     ///< Sums that the backend had counted for certain: when this request was sent.
    ChargeSums most{};      ///< Sums that it can have counted: now.
    ChargeSums own{};       ///< What of them is the request's own.
    ChargeSums sent{};      ///< Sums of all that had been sent when this request was, itself included.
    std::uint32_t age = 0;  ///< Ticks since it was sent.
    bool refused = false;   ///< It was not let in, and so is not counted: `own` is what was asked for.
    double opens = 0;       ///< When it would be let in as its refusal says, in ticks; 0 = not told.
    bool alone = false;     ///< All that were sent before it had an answer: `least` is certain.
};

class QuotaLearner {
  public:
    /// The sums as they were when `tick` began, told at the first change in it; without that a tick's sums
    /// are known only as far as its samples show them.
    void begin(std::uint32_t tick, const ChargeSums& sums) noexcept;
    /// Takes a sample and returns what is believed now.
    const QuotaModel& observe(const QuotaSample& sample) noexcept;
    /// What was predicted to fit was refused: a way that forgets sooner than a sliding window is doubted.
    const QuotaModel& doubt() noexcept;
    [[nodiscard]] const QuotaModel& model() const noexcept { return model_; }
    /// What of the limit was never seen free: a bucket that saves less than a minute has backends tell a
    /// whole minute's limit and never that much of it as left.
    [[nodiscard]] std::int64_t unsaved() const noexcept;

  private:
    static constexpr std::size_t ways = 3; ///< Of forgetting.
    static constexpr std::uint32_t history_ticks = 128;
    static constexpr std::size_t anchors_max = 24;
    /// A minute's beginning is found as late as the answer that shows it.
    static constexpr std::uint32_t phase_doubt = FixedWindow::late_ticks;
    /// What two clocks may differ by, in ticks.
    static constexpr double moments = 0.05;
    /// What a refusal adds to the error of what it speaks against.
    static constexpr double refusal_weight = 0.1;

    struct Range {
        std::int64_t least = 0;
        std::int64_t most = 0;
    };
    /// Least squares with forgetting in two unknowns (recursive; Ljung, System Identification, 11.2).
    struct Fit {
        double prompt = 1, cap = 1;
        double p00 = 4, p01 = 0, p11 = 4;
        double error = 1;
        unsigned samples = 0;
        double update(double x, double y, double target) noexcept;
    };

    void remember(const QuotaSample& sample) noexcept;
    void backdate(const QuotaSample& sample) noexcept;
    [[nodiscard]] const ChargeSums& sums_at(std::int64_t tick) const noexcept;
    [[nodiscard]] std::int64_t sum_at(std::int64_t tick, std::size_t rule) const noexcept {
        return sums_at(tick)[rule];
    }
    [[nodiscard]] const QuotaSample* anchor(std::uint32_t tick) const noexcept;
    void find_floor(const QuotaSample& sample) noexcept;
    [[nodiscard]] std::int64_t explained_fall(const QuotaSample& sample) const noexcept;
    void find_phase(const QuotaSample& sample) noexcept;
    [[nodiscard]] bool crosses(std::uint32_t from, std::uint32_t to, std::uint32_t& boundary) const noexcept;
    [[nodiscard]] bool straddles(const QuotaSample& sample) const noexcept;
    [[nodiscard]] Range predict(std::size_t rule, Forgetting way, const QuotaSample& from,
                                const QuotaSample& to) const noexcept;
    [[nodiscard]] std::int64_t certain(std::size_t rule, Forgetting way,
                                       const QuotaSample& at) const noexcept;
    void score(const QuotaSample& from, const QuotaSample& to) noexcept;
    void judge_size(const QuotaSample& refused) noexcept;
    void take_phase(const QuotaSample& refused) noexcept;
    void fit(const QuotaSample& from, const QuotaSample& to, double scale) noexcept;
    [[nodiscard]] bool eligible(std::size_t rule, Forgetting way) const noexcept;
    void decide() noexcept;

    QuotaModel model_;
    std::array<ChargeSums, history_ticks> history_{}; ///< Sums at the end of each tick.
    std::uint32_t last_tick_ = 0;
    std::uint32_t full_tick_ = 0;
    std::array<QuotaSample, anchors_max> anchors_{}; ///< One per tick, a ring.
    std::size_t anchor_next_ = 0;
    std::size_t anchor_count_ = 0;
    QuotaSample last_;
    std::array<std::array<double, ways>, plain_rules> errors_{};
    std::array<std::int64_t, plain_rules> floor_{}; ///< The least that was counted beside a request's own.
    bool floor_known_ = false;
    Fit fit_;
    std::uint32_t phase_ = 0;
    bool phase_known_ = false;
    unsigned samples_ = 0;
};

} // namespace headroom::balance
