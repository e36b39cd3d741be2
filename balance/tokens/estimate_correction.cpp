// The moving average and its bounds.
#include "balance/tokens/estimate_correction.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::balance {

double EstimateCorrection::factor() const noexcept {
    return std::exp(log_ratio_);
}

void EstimateCorrection::observe(double estimated, double used) noexcept {
    if (!(estimated > 0) || !(used > 0)) return;
    const double most = std::log(ratio_max);
    const double ratio = std::clamp(std::log(used / estimated), -most, most);
    log_ratio_ += share_of_newest * (ratio - log_ratio_);
}

} // namespace headroom::balance
