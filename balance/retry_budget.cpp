// The bucket's two halves in one word: what is left, and up to when time has been credited.
#include "balance/retry_budget.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

constexpr std::uint32_t one_retry = 100;
constexpr std::uint32_t clocks_differ_ms_max = 60'000;
constexpr auto relaxed = std::memory_order_relaxed; // the word stands for itself alone

std::uint64_t packed(std::uint32_t hundredths, std::uint32_t ms) noexcept {
    return std::uint64_t{ms} << 32 | hundredths;
}

std::uint32_t hundredths_of(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>(word);
}

} // namespace

RetryBudget::RetryBudget(const RetryBudgetOptions& options) noexcept
    : percent_(std::min(options.percent, 10'000U)),
      per_second_(std::min(options.per_second, 100'000U)),
      most_(per_second_ * 10 * one_retry + percent_ * 1000),
      word_(packed(most_, 0)) {}

RetryBudget::State RetryBudget::with_time(std::uint64_t word, Time now) const noexcept {
    const auto ms = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
    const auto last = static_cast<std::uint32_t>(word >> 32);
    const std::uint32_t left = hundredths_of(word);
    // another thread's reading of the clock may be a little later than ours
    if (last - ms < clocks_differ_ms_max) return {left, last};
    const std::uint32_t since = ms - last;
    const std::uint64_t earned = std::uint64_t{since} * per_second_ * one_retry / 1000;
    // what a part of a hundredth came to is not lost: the time that earned nothing counts on
    if (earned == 0) return {left, last};
    return {static_cast<std::uint32_t>(std::min<std::uint64_t>(most_, left + earned)), ms};
}

void RetryBudget::earn() noexcept {
    std::uint64_t word = word_.load(relaxed);
    while (hundredths_of(word) < most_) {
        const std::uint32_t more = std::min(most_, hundredths_of(word) + percent_);
        if (word_.compare_exchange_weak(word, packed(more, static_cast<std::uint32_t>(word >> 32)), relaxed))
            return;
    }
}

bool RetryBudget::spend(Time now) noexcept {
    std::uint64_t word = word_.load(relaxed);
    while (true) {
        const State state = with_time(word, now);
        if (state.hundredths < one_retry) return false;
        if (word_.compare_exchange_weak(word, packed(state.hundredths - one_retry, state.ms), relaxed))
            return true;
    }
}

std::uint64_t RetryBudget::left(Time now) const noexcept {
    return with_time(word_.load(relaxed), now).hundredths / one_retry;
}

} // namespace headroom::balance
