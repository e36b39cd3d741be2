// Each of these words is changed by compare-and-swap alone, so that a reader always sees one consistent
// statement.
#include "balance/slot.hpp"

#include <algorithm>
#include <cstring>

namespace headroom::balance {
namespace {

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
constexpr std::int64_t usual_us_min = 10'000;

/// What is as near to the limit as a twentieth may be over it by what our count errs.
bool is_near(std::int64_t counted, std::int64_t most) noexcept {
    return counted > most - most / 20;
}

constexpr double speed_us_max = 600e6;

/// A prompt's share of the time to the first content grows with it, on top of a fixed part.
double prompt_weight(Tokens prompt) noexcept {
    return 1'000 + static_cast<double>(std::clamp(prompt, Tokens(0), request_cost_max).count());
}

} // namespace

SlotName::SlotName(SlotKey key) noexcept
    : hash_(key.hash), size_(static_cast<std::uint8_t>(std::min(key.name.size(), bytes_max))) {
    std::copy_n(key.name.data(), size_, text_.data());
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
    if (waiting() < stalled_requests_min) return false;
    const std::int64_t usual_us = answer_us_.load(std::memory_order_relaxed);
    const std::int64_t patience =
        usual_us == 0 ? silence_ms_unknown : std::max(silence_ms_min, usual_us * 8 / 1000);
    return now_ms - quiet_since_.load(std::memory_order_relaxed) > patience;
}

std::uint64_t Pulse::waiting() const noexcept {
    return waiting_.load(std::memory_order_relaxed) >> waiting_tokens_bits;
}

std::int64_t Pulse::usual_ns() const noexcept {
    const std::int64_t usual_us = answer_us_.load(std::memory_order_relaxed);
    return usual_us == 0 ? 1'000'000'000 : std::max(usual_us, usual_us_min) * 1'000;
}

void Speed::observe(Duration waited, Tokens prompt) noexcept {
    const double us = std::chrono::duration<double, std::micro>(waited).count();
    const double pace = std::clamp(us, 1.0, speed_us_max) / prompt_weight(prompt);
    const double before = pace_.load(std::memory_order_relaxed);
    // Two threads may lose an update to each other; an average does not mind.
    pace_.store(before == 0 ? pace : before + (pace - before) / 16, std::memory_order_relaxed);
}

void ChargeCounters::add(const ChargeSums& sums) noexcept {
    for (std::size_t i = 0; i < sums.size(); ++i) {
        if (sums[i] != 0) sums_[i].fetch_add(sums[i], std::memory_order_relaxed);
    }
}

void ChargeCounters::subtract(const ChargeSums& sums) noexcept {
    for (std::size_t i = 0; i < sums.size(); ++i) {
        if (sums[i] != 0) sums_[i].fetch_sub(sums[i], std::memory_order_relaxed);
    }
}

ChargeSums ChargeCounters::read() const noexcept {
    ChargeSums sums;
    for (std::size_t i = 0; i < sums.size(); ++i)
        sums[i] = sums_[i].load(std::memory_order_relaxed);
    return sums;
}

template <class Work>
void SharedLearner::if_free(Work work) noexcept {
    // Acquire: what the thread before learned is seen.
    if (busy_.exchange(true, std::memory_order_acquire)) return;
    work();
    // Release hands what was learned on to the next thread.
    busy_.store(false, std::memory_order_release);
}

template <class Learn>
bool SharedLearner::change(Learn learn) noexcept {
    bool changed = false;
    if_free([&] {
        const QuotaModel before = model();
        const QuotaModel after = learn();
        word_.store(after.packed(), std::memory_order_relaxed);
        unsaved_.store(learner_.unsaved(), std::memory_order_relaxed);
        changed = after.learned != before.learned || after.rule != before.rule ||
                  after.forgetting != before.forgetting || after.phase != before.phase;
    });
    return changed;
}

void SharedLearner::begin(std::uint32_t tick, const ChargeCounters& counters) noexcept {
    if (tick_.load(std::memory_order_relaxed) >= tick) return;
    if_free([&] {
        tick_.store(tick, std::memory_order_relaxed);
        learner_.begin(tick, counters.read());
    });
}

bool SharedLearner::observe(const QuotaSample& sample) noexcept {
    return change([&] { return learner_.observe(sample); });
}

bool SharedLearner::doubt() noexcept {
    return change([&] { return learner_.doubt(); });
}

Tokens Slot::charge(const ChargeBasis& basis, Tokens cost) const noexcept {
    const std::uint64_t word = learner.word();
    if (!QuotaModel::is_learned(word) || cost == Tokens(0)) return cost;
    return std::clamp(QuotaModel::unpacked(word).charge(basis, cost), Tokens(0), request_cost_max);
}

bool Slot::paces(std::int64_t charge, std::int64_t counted) const noexcept {
    const bool at_end = learner.counts_at_end();
    const std::uint32_t trusted = trust.load(std::memory_order_relaxed);
    if (trusted == trust_max && !at_end) return true;
    const std::int64_t most = ceiling();
    if (most == 0) return true;
    const std::int64_t under_way = uncounted();
    if (under_way != 0 && under_way + charge > most) return false;
    if (at_end && is_near(counted, most)) return pulse.waiting() == 0;
    return !is_near(counted + under_way + charge, most) || pulse.waiting() < trusted;
}

void Slot::trust_more(std::int64_t counted) noexcept {
    const std::uint32_t trusted = trust.load(std::memory_order_relaxed);
    // As with a window of congestion, only what was made use of is proven (RFC 9002, 7.8).
    if (trusted == trust_max || pulse.waiting() + 1 < trusted / 2) return;
    if (!is_near(counted + uncounted(), ceiling())) return;
    // What is counted at the end is let in whatever comes of it: one more a round, not twice as many.
    if (learner.counts_at_end() && sent.load(std::memory_order_relaxed) % trusted != 0) return;
    // Two threads may lose an update to each other; it only takes longer then.
    trust.store(trusted + 1, std::memory_order_relaxed);
}

void Slot::set_quota(std::int64_t tokens_per_minute, std::int64_t requests_per_minute,
                     bool requests_told) noexcept {
    limit.configure(tokens_per_minute);
    requests.configure(requests_per_minute, requests_told);
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
