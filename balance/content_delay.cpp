// The quantile moves up by a large step when it was exceeded and down by a small one when it was not, in
// proportion to itself: balanced where it is exceeded as often as it should be (Yazidi, Hammer,
// "Multiplicative Update Methods for Incremental Quantile Estimation", IEEE Trans. Cybernetics 49(3), 2019).
// It looks only at which of the two happened, so that a wait that was given up above the estimate counts in
// full.
#include "balance/content_delay.hpp"

#include <algorithm>
#include <bit>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr std::int64_t smallest_size = 1024;
constexpr double step = 0.25;
constexpr double us_max = 600e6;

struct Known {
    double us = 0;
    std::uint32_t answers = 0;
};

Known unpack(std::uint64_t word) noexcept {
    return {std::bit_cast<float>(static_cast<std::uint32_t>(word)), static_cast<std::uint32_t>(word >> 32U)};
}

std::uint64_t pack(Known known) noexcept {
    const auto us = static_cast<float>(std::clamp(known.us, 1.0, us_max));
    return std::uint64_t{known.answers} << 32U | std::bit_cast<std::uint32_t>(us);
}

double microseconds(Duration waited) noexcept {
    return std::clamp(std::chrono::duration<double, std::micro>(waited).count(), 1.0, us_max);
}

} // namespace

std::size_t ContentDelay::size_of(Tokens prompt) noexcept {
    std::size_t size = 0;
    for (auto most = prompt_max(size); most && prompt > *most; most = prompt_max(size))
        ++size;
    return size;
}

std::optional<Tokens> ContentDelay::prompt_max(std::size_t size) noexcept {
    if (size + 1 >= sizes) return std::nullopt;
    return Tokens(smallest_size << (2 * size));
}

void ContentDelay::observe(Duration waited, Tokens prompt, double quantile) noexcept {
    std::atomic<std::uint64_t>& word = words_[size_of(prompt)];
    Known known = unpack(word.load(relaxed));
    const double us = microseconds(waited);
    if (known.answers < answers_min) {
        // of few, the greatest is the best that can be said of a high quantile
        known.us = std::max(known.us, us);
    } else {
        known.us *= us > known.us ? 1 + step * quantile : 1 - step * (1 - quantile);
    }
    known.answers = std::min(known.answers + 1, answers_min);
    // Two threads may lose an update to each other; an estimate does not mind.
    word.store(pack(known), relaxed);
}

void ContentDelay::observe_open(Duration waited, Tokens prompt, double quantile) noexcept {
    std::atomic<std::uint64_t>& word = words_[size_of(prompt)];
    Known known = unpack(word.load(relaxed));
    // below the estimate it might have been either
    if (known.answers < answers_min || microseconds(waited) <= known.us) return;
    known.us *= 1 + step * quantile;
    word.store(pack(known), relaxed);
}

std::optional<Duration> ContentDelay::late_after(Tokens prompt) const noexcept {
    for (std::size_t size = size_of(prompt); size < sizes; ++size) {
        if (const auto known = known_of(size)) return known;
    }
    return std::nullopt;
}

std::optional<Duration> ContentDelay::known_of(std::size_t size) const noexcept {
    const Known known = unpack(words_[size].load(relaxed));
    if (known.answers < answers_min) return std::nullopt;
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::micro>(known.us));
}

ContentDelay::BySize ContentDelay::known() const noexcept {
    BySize all;
    for (std::size_t size = 0; size < sizes; ++size)
        all[size] = known_of(size);
    return all;
}

} // namespace headroom::balance
