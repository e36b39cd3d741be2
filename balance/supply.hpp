// What the quotas of a deployment will let through from now on, as a curve over the coming minute.
// A plain value that one shard fills and reads. Not here: what is counted (token_account.hpp), who is turned
// away when it is not enough (wait_queue_appraisal.cpp).
#pragma once

#include "balance/moment.hpp"
#include "balance/quantities.hpp"
#include "balance/slot.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace headroom::balance {

class Supply {
  public:
    /// The curve has a point every so many ticks, up to a minute.
    static constexpr std::uint32_t ticks_per_step = 4;
    static constexpr std::size_t steps = ticks_per_window / ticks_per_step;

    /// Adds what `slot` will have for requests of which it counts `charge` where the caller counts `cost`; a
    /// slot without a known limit makes the supply unlimited. Call after its quota was advanced to `now`.
    void add(const Slot& slot, Tokens cost, Tokens charge, const Moment& now) noexcept;

    /// Tokens that may be sent from now until `later`, at best, whoever sends them; straight between points
    /// and behind the last one, huge when unlimited.
    [[nodiscard]] double until(Duration later) const noexcept;
    [[nodiscard]] bool unlimited() const noexcept { return unlimited_; }
    /// What was ever charged to these slots, by every shard.
    [[nodiscard]] std::int64_t charged() const noexcept { return charged_; }
    /// Between two points; of ticks of a second before anything was added.
    [[nodiscard]] Duration step() const noexcept { return step_; }

  private:
    std::array<double, steps + 1> points_{};
    double per_step_ = 0; ///< Behind the last point.
    Duration step_ = std::chrono::seconds(ticks_per_step);
    std::int64_t charged_ = 0;
    bool unlimited_ = false;
};

} // namespace headroom::balance
