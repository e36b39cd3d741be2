// Value and tick share one word, so that a reader always sees one consistent statement.
#include "balance/correction.hpp"

#include <algorithm>

namespace headroom::balance {
namespace {

constexpr unsigned value_bits = 36;
constexpr std::uint64_t value_mask = (std::uint64_t{1} << value_bits) - 1;
constexpr std::int64_t value_bias = std::int64_t{1} << (value_bits - 1);
constexpr std::int64_t fade_ticks = 60;

/// What the backend counts and we do not is kept for a window and then forgotten, as the backend does; what
/// only we count fades, because to forget it too late costs patience and to keep it too long costs refusals.
std::int64_t faded(std::uint64_t word, std::uint32_t tick) noexcept {
    if (word == 0) return 0;
    const auto age = std::int64_t{tick} - static_cast<std::int64_t>(word >> value_bits);
    const std::int64_t value = static_cast<std::int64_t>(word & value_mask) - value_bias;
    if (value > 0) return age < fade_ticks ? value : 0;
    return value * std::clamp<std::int64_t>(fade_ticks - age, 0, fade_ticks) / fade_ticks;
}

} // namespace

std::int64_t Correction::value(std::uint32_t tick) const noexcept {
    return faded(word_.load(std::memory_order_relaxed), tick);
}

void Correction::absorb(std::int64_t retired, std::uint32_t tick) noexcept {
    const std::int64_t value = this->value(tick);
    if (retired <= 0 || value >= 0) return;
    confine(absorbed(value, retired), INT64_MAX, tick);
}

void Correction::confine(std::int64_t least, std::int64_t most, std::uint32_t tick) noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    while (true) {
        const std::int64_t before = faded(word, tick);
        const std::int64_t next =
            std::clamp(std::clamp(before, least, most), -value_bias + 1, value_bias - 1);
        if (next == before) return;
        const std::uint64_t packed =
            std::uint64_t{tick} << value_bits | static_cast<std::uint64_t>(next + value_bias);
        if (word_.compare_exchange_weak(word, packed, std::memory_order_relaxed)) return;
    }
}

} // namespace headroom::balance
