// Each of these words is changed by compare-and-swap alone, so that a reader always sees one consistent
// statement.
#include "balance/slot.hpp"

#include <algorithm>
#include <cstring>

namespace headroom::balance {
namespace {

constexpr unsigned block_tokens_bits = 24;
constexpr std::uint64_t block_tokens_max = (std::uint64_t{1} << block_tokens_bits) - 1;

constexpr unsigned value_bits = 36;
constexpr std::uint64_t value_mask = (std::uint64_t{1} << value_bits) - 1;
constexpr std::int64_t value_bias = std::int64_t{1} << (value_bits - 1);
constexpr std::int64_t fade_ticks = 60;

constexpr unsigned share_bits = 16;
constexpr std::uint64_t share_full = 10'000;
constexpr std::int64_t share_fade_ticks = 10;

constexpr unsigned streak_bits = 8;

constexpr unsigned waiting_tokens_bits = 40;
constexpr std::uint64_t waiting_one = std::uint64_t{1} << waiting_tokens_bits;
constexpr std::uint64_t waiting_tokens_mask = waiting_one - 1;
constexpr std::uint64_t stalled_requests_min = 3;
// Silence of eight usual answers, but never less than a second; ten seconds where nothing is known.
constexpr std::int64_t silence_ms_min = 1'000;
constexpr std::int64_t silence_ms_unknown = 10'000;
constexpr std::int64_t answer_ms_max = 600'000;

std::int64_t faded(std::uint64_t word, std::uint32_t tick) noexcept {
    if (word == 0) return 0;
    const auto age = std::int64_t{tick} - static_cast<std::int64_t>(word >> value_bits);
    const std::int64_t left = std::clamp<std::int64_t>(fade_ticks - age, 0, fade_ticks);
    return (static_cast<std::int64_t>(word & value_mask) - value_bias) * left / fade_ticks;
}

} // namespace

SlotName::SlotName(SlotKey key) noexcept
    : hash_(key.hash), size_(static_cast<std::uint8_t>(std::min(key.name.size(), bytes_max))) {
    std::copy_n(key.name.data(), size_, text_.data());
}

Block::View Block::view() const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    return {static_cast<std::int64_t>(word >> block_tokens_bits),
            Tokens(static_cast<std::int64_t>(word & block_tokens_max))};
}

void Block::extend(std::int64_t until_ms, Tokens above, std::int64_t now_ms) noexcept {
    const auto threshold = static_cast<std::uint64_t>(
        std::clamp<std::int64_t>(above.count(), 0, static_cast<std::int64_t>(block_tokens_max)));
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    while (true) {
        auto until = static_cast<std::uint64_t>(until_ms);
        const std::uint64_t standing = word >> block_tokens_bits;
        if (static_cast<std::int64_t>(standing) > now_ms) {
            const std::uint64_t lowest = word & block_tokens_max;
            if (lowest < threshold) return;
            if (lowest == threshold) until = std::max(until, standing);
        }
        if (word_.compare_exchange_weak(word, until << block_tokens_bits | threshold,
                                        std::memory_order_relaxed)) {
            return;
        }
    }
}

unsigned Streak::count(std::int64_t started_ms, std::int64_t now_ms) noexcept {
    constexpr std::uint64_t most = (1U << streak_bits) - 1;
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    while (true) {
        const std::uint64_t before = word & most;
        // Requests that were on their way when the last one was counted belong to the same burst.
        if (before != 0 && started_ms < static_cast<std::int64_t>(word >> streak_bits)) {
            return static_cast<unsigned>(before - 1);
        }
        const std::uint64_t next =
            static_cast<std::uint64_t>(now_ms) << streak_bits | std::min(before + 1, most);
        if (word_.compare_exchange_weak(word, next, std::memory_order_relaxed))
            return static_cast<unsigned>(before);
    }
}

void Streak::reset() noexcept {
    if (word_.load(std::memory_order_relaxed) != 0) word_.store(0, std::memory_order_relaxed);
}

std::int64_t Correction::value(std::uint32_t tick) const noexcept {
    return faded(word_.load(std::memory_order_relaxed), tick);
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

double RequestShare::used(std::uint32_t tick) const noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    if (word == 0) return 0;
    const auto age = std::int64_t{tick} - static_cast<std::int64_t>(word >> share_bits);
    const std::int64_t left = std::clamp<std::int64_t>(share_fade_ticks - age, 0, share_fade_ticks);
    constexpr double full = double{share_full} * double{share_fade_ticks};
    return static_cast<double>(word & 0xffff) * static_cast<double>(left) / full;
}

void RequestShare::observe(std::int64_t remaining, std::int64_t limit, std::uint32_t tick) noexcept {
    const double left = std::clamp(static_cast<double>(remaining) / static_cast<double>(limit), 0.0, 1.0);
    const auto used = static_cast<std::uint64_t>((1 - left) * double{share_full});
    word_.store(std::uint64_t{tick} << share_bits | used, std::memory_order_relaxed);
}

std::int64_t Pulse::sent(Tokens tokens, std::int64_t now_ms) noexcept {
    const std::uint64_t one = waiting_one | static_cast<std::uint64_t>(tokens.count());
    const std::uint64_t before = waiting_.fetch_add(one, std::memory_order_relaxed);
    if (before >> waiting_tokens_bits == 0) quiet_since_.store(now_ms, std::memory_order_relaxed);
    return static_cast<std::int64_t>(before & waiting_tokens_mask);
}

void Pulse::answered(Tokens tokens, std::int64_t started_ms, std::int64_t now_ms) noexcept {
    dropped(tokens);
    quiet_since_.store(now_ms, std::memory_order_relaxed);
    // Two threads may lose an update to each other; an average does not mind.
    const std::int64_t took = std::clamp<std::int64_t>(now_ms - started_ms, 0, answer_ms_max) * 1000 + 1;
    const std::int64_t average = answer_us_.load(std::memory_order_relaxed);
    answer_us_.store(average == 0 ? took : average + (took - average) / 8, std::memory_order_relaxed);
}

void Pulse::dropped(Tokens tokens) noexcept {
    const std::uint64_t one = waiting_one | static_cast<std::uint64_t>(tokens.count());
    waiting_.fetch_sub(one, std::memory_order_relaxed);
}

bool Pulse::stalled(std::int64_t now_ms) const noexcept {
    if (waiting_.load(std::memory_order_relaxed) >> waiting_tokens_bits < stalled_requests_min) return false;
    const std::int64_t usual_us = answer_us_.load(std::memory_order_relaxed);
    const std::int64_t patience =
        usual_us == 0 ? silence_ms_unknown : std::max(silence_ms_min, usual_us * 8 / 1000);
    return now_ms - quiet_since_.load(std::memory_order_relaxed) > patience;
}

std::int64_t Slot::tokens_counted(std::uint32_t tick) const noexcept {
    return std::max<std::int64_t>(0, tokens.total() + correction.value(tick));
}

void Slot::learn_limit(std::int64_t limit) noexcept {
    const std::int64_t configured = tokens_configured.load(std::memory_order_relaxed);
    const std::int64_t effective = configured > 0 ? std::min(configured, limit) : limit;
    if (tokens_limit.load(std::memory_order_relaxed) != effective) {
        tokens_limit.store(effective, std::memory_order_relaxed);
    }
}

void Slot::set_name(std::string_view text) noexcept {
    const std::size_t bytes = std::min(text.size(), SlotName::bytes_max);
    for (std::size_t i = 0; i * 8 < bytes; ++i) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + i * 8, std::min<std::size_t>(8, bytes - i * 8));
        name[i].store(word, std::memory_order_relaxed);
    }
    // Publishes the words of the name.
    named.store(bytes + 1, std::memory_order_release);
}

std::string_view Slot::read_name(std::array<char, SlotName::bytes_max>& into) const noexcept {
    // Acquire pairs with the release in set_name.
    const std::uint64_t bytes = named.load(std::memory_order_acquire);
    if (bytes == 0) return {};
    for (std::size_t i = 0; i < name.size(); ++i) {
        const std::uint64_t word = name[i].load(std::memory_order_relaxed);
        std::memcpy(into.data() + i * 8, &word, 8);
    }
    return {into.data(), static_cast<std::size_t>(bytes - 1)};
}

} // namespace headroom::balance
