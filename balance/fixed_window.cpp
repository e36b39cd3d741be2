// The index of the window is kept beside its sum, so that both change in one step.
#include "balance/fixed_window.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr unsigned sum_bits = 40;
constexpr std::int64_t sum_max = (std::int64_t{1} << sum_bits) - 1;

std::int64_t sum_of(std::uint64_t word, std::uint64_t index) noexcept {
    return word >> sum_bits == index ? static_cast<std::int64_t>(word) & sum_max : 0;
}

std::uint64_t packed(std::uint64_t index, std::int64_t sum) noexcept {
    return index << sum_bits | static_cast<std::uint64_t>(std::clamp<std::int64_t>(sum, 0, sum_max));
}

} // namespace

std::uint64_t FixedWindow::index(std::uint32_t tick) const noexcept {
    constexpr std::uint64_t mask = (std::uint64_t{1} << (64 - sum_bits)) - 1;
    return ((tick + ticks_per_window - phase_.load(relaxed)) / ticks_per_window) & mask;
}

std::int64_t FixedWindow::total(std::uint32_t tick) const noexcept {
    return sum_of(word_.load(relaxed), index(tick));
}

std::uint32_t FixedWindow::ticks_left(std::uint32_t tick) const noexcept {
    return ticks_per_window - (tick + ticks_per_window - phase_.load(relaxed)) % ticks_per_window;
}

template <class Change>
void FixedWindow::apply(std::uint32_t tick, Change change) noexcept {
    const std::uint64_t at = index(tick);
    std::uint64_t word = word_.load(relaxed);
    std::uint64_t next = 0;
    do {
        next = packed(at, change(sum_of(word, at)));
    } while (next != word && !word_.compare_exchange_weak(word, next, relaxed));
}

bool FixedWindow::try_take(std::int64_t amount, std::int64_t ceiling, std::uint32_t tick) noexcept {
    bool taken = false;
    apply(tick, [&](std::int64_t sum) {
        taken = sum + amount <= ceiling;
        return taken ? sum + amount : sum;
    });
    return taken;
}

void FixedWindow::add(std::int64_t amount, std::uint32_t tick) noexcept {
    if (amount == 0) return;
    apply(tick, [=](std::int64_t sum) { return sum + amount; });
}

void FixedWindow::change(std::int64_t change, std::uint32_t then, std::uint32_t tick) noexcept {
    if (change != 0 && index(then) == index(tick)) add(change, tick);
}

void FixedWindow::confine(std::int64_t least, std::int64_t most, std::uint32_t tick) noexcept {
    apply(tick, [=](std::int64_t sum) { return std::clamp(sum, least, std::max(least, most)); });
}

} // namespace headroom::balance
