// The index of the window is kept beside its sum, so that both change in one step.
#include "balance/fixed_window.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr unsigned sum_bits = 40;
constexpr std::int64_t sum_max = (std::int64_t{1} << sum_bits) - 1;
constexpr std::uint64_t index_max = (std::uint64_t{1} << (64 - sum_bits)) - 1;

std::int64_t sum_of(std::uint64_t word, std::uint64_t index) noexcept {
    return word >> sum_bits == index ? static_cast<std::int64_t>(word) & sum_max : 0;
}

std::uint64_t packed(std::uint64_t index, std::int64_t sum) noexcept {
    return index << sum_bits | static_cast<std::uint64_t>(std::clamp<std::int64_t>(sum, 0, sum_max));
}

} // namespace

std::uint64_t FixedWindow::index(std::uint32_t tick) const noexcept {
    return ((tick + ticks_per_window - phase_.load(relaxed)) / ticks_per_window) & index_max;
}

std::int64_t FixedWindow::total(std::uint32_t tick) const noexcept {
    const std::uint64_t at = index(tick);
    return sum_of(words_[at % 2].load(relaxed), at);
}

std::uint32_t FixedWindow::ticks_left(std::uint32_t tick) const noexcept {
    return ticks_per_window - (tick + ticks_per_window - phase_.load(relaxed)) % ticks_per_window;
}

template <class Change>
void FixedWindow::apply(std::uint64_t at, Change change) noexcept {
    std::atomic<std::uint64_t>& held = words_[at % 2];
    std::uint64_t word = held.load(relaxed);
    std::uint64_t next = 0;
    do {
        next = packed(at, change(sum_of(word, at)));
    } while (next != word && !held.compare_exchange_weak(word, next, relaxed));
}

bool FixedWindow::try_take(std::int64_t amount, std::int64_t ceiling, std::uint32_t tick) noexcept {
    const std::uint64_t at = index(tick);
    bool taken = false;
    apply(at, [&](std::int64_t sum) {
        taken = sum + amount <= ceiling;
        return taken ? sum + amount : sum;
    });
    if (taken && ends_soon(tick)) apply(at + 1, [=](std::int64_t sum) { return sum + amount; });
    return taken;
}

void FixedWindow::add(std::int64_t amount, std::uint32_t tick) noexcept {
    change(amount, tick, tick);
}

void FixedWindow::change(std::int64_t change, std::uint32_t then, std::uint32_t tick) noexcept {
    if (change == 0) return;
    const auto more = [=](std::int64_t sum) { return sum + change; };
    const std::uint64_t at = index(then);
    const std::uint64_t present = index(tick);
    if (at == present) apply(at, more);
    if (ends_soon(then) && (at == present || at + 1 == present)) apply(at + 1, more);
}

void FixedWindow::confine(std::int64_t least, std::int64_t most, std::uint32_t tick) noexcept {
    apply(index(tick), [=](std::int64_t sum) { return std::clamp(sum, least, std::max(least, most)); });
}

void FixedWindow::set_phase(std::uint32_t phase, std::uint32_t tick) noexcept {
    if (phase_.load(relaxed) == phase) return;
    const std::int64_t counted = total(tick);
    phase_.store(phase, relaxed);
    apply(index(tick), [=](std::int64_t sum) { return std::max(sum, counted); });
}

} // namespace headroom::balance
