// Even arrivals are computed from their number and not summed up, so that no error accumulates.
#include "tools/load/schedule.hpp"

#include <cmath>

namespace headroom::load {

Schedule::Schedule(double per_second, Arrivals arrivals, std::uint64_t seed, unsigned part, unsigned parts)
    : period_ns_(1e9 * parts / per_second),
      offset_ns_(1e9 * part / per_second),
      arrivals_(arrivals),
      random_(seed + part) {
    if (arrivals_ == Arrivals::even) {
        due_ = Nanoseconds{std::llround(offset_ns_)};
    } else {
        advance();
    }
}

void Schedule::advance() noexcept {
    ++number_;
    if (arrivals_ == Arrivals::even) {
        due_ = Nanoseconds{std::llround(offset_ns_ + static_cast<double>(number_) * period_ns_)};
        return;
    }
    // 53 random bits, never zero: -log(u) is then finite.
    const double uniform = (static_cast<double>(random_() >> 11U) + 0.5) * 0x1p-53;
    poisson_ns_ -= std::log(uniform) * period_ns_;
    due_ = Nanoseconds{std::llround(poisson_ns_)};
}

} // namespace headroom::load
