// A shortage that is predicted, remembered for a quarter of a tick, because looking ahead walks over the
// charges of ten seconds and every choice of every shard would.
// Shared by every shard: one 8-byte atomic; two threads that look ahead at once write nearly the same. Not
// here: how it is predicted (fleet.cpp).
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <optional>

namespace headroom::balance {

class Foresight {
  public:
    struct View {
        double rush = 0; ///< The share of what will come soon that will not fit, within [0, 1].
        double mean = 0; ///< Tokens of a request on average, up to 16 M; 0 = not known.
    };

    /// What was foreseen in that quarter; nullopt when nobody has looked yet.
    [[nodiscard]] std::optional<View> in(std::uint32_t quarter) const noexcept {
        const std::uint64_t word = word_.load(std::memory_order_relaxed);
        if ((word >> (rush_bits + mean_bits)) != quarter) return std::nullopt;
        return View{static_cast<double>(word >> mean_bits & rush_max) / static_cast<double>(rush_max),
                    static_cast<double>(word & mean_max)};
    }
    /// Keeps what was seen; `quarter` is above 0 and within window_tick_max.
    void keep(std::uint32_t quarter, const View& seen) noexcept {
        const auto share = static_cast<double>(rush_max) * std::clamp(seen.rush, 0.0, 1.0);
        const double tokens = std::clamp(seen.mean, 0.0, static_cast<double>(mean_max));
        word_.store(std::uint64_t{quarter} << (rush_bits + mean_bits) |
                        static_cast<std::uint64_t>(std::llround(share)) << mean_bits |
                        static_cast<std::uint64_t>(std::llround(tokens)),
                    std::memory_order_relaxed);
    }

  private:
    static constexpr unsigned rush_bits = 12;
    static constexpr unsigned mean_bits = 24;
    static constexpr std::uint64_t rush_max = (std::uint64_t{1} << rush_bits) - 1;
    static constexpr std::uint64_t mean_max = (std::uint64_t{1} << mean_bits) - 1;

    std::atomic<std::uint64_t> word_{0};
};

} // namespace headroom::balance
