// The breaker's word: state (2 bits), consecutive faults (6), how often it opened in a row (6), a time in ms
// (50).
#include "balance/breaker.hpp"

#include <algorithm>
#include <array>

namespace headroom::balance {
namespace {

enum class Stored : std::uint8_t { closed, open, probing };

struct Word {
    Stored state = Stored::closed;
    unsigned faults = 0;
    unsigned trips = 0;
    std::int64_t at_ms = 0; // closed: last fault, or since when traffic returns; open: until; probing: since
};

constexpr unsigned count_max = 63;
constexpr std::int64_t return_ms = 5'000;
constexpr double return_share_min = 0.1;
// Faults further apart than this are not a series.
constexpr std::int64_t series_gap_ms = 30'000;
// A probe that hangs must not keep a recovered backend out for a whole response deadline.
constexpr std::int64_t probe_patience_ms = 10'000;

constexpr Word unpack(std::uint64_t word) noexcept {
    return {static_cast<Stored>(word & 3), static_cast<unsigned>(word >> 2 & count_max),
            static_cast<unsigned>(word >> 8 & count_max), static_cast<std::int64_t>(word >> 14)};
}

constexpr std::uint64_t pack(const Word& word) noexcept {
    return static_cast<std::uint64_t>(word.state) | std::uint64_t{std::min(word.faults, count_max)} << 2 |
           std::uint64_t{std::min(word.trips, count_max)} << 8 | static_cast<std::uint64_t>(word.at_ms) << 14;
}

bool returning(const Word& word, std::int64_t now_ms) noexcept {
    return word.state == Stored::closed && word.faults == 0 && word.at_ms != 0 &&
           now_ms - word.at_ms < return_ms;
}

// A hang costs its client a whole deadline and a refused connection fails the same way again, so two are
// enough.
unsigned faults_to_open(Fault kind) noexcept {
    switch (kind) {
        case Fault::deployment_missing: return 1;
        case Fault::connect:
        case Fault::tls:
        case Fault::timeout:
        case Fault::auth: return 2;
        case Fault::server_error:
        case Fault::reset:
        case Fault::late: break;
    }
    return 3;
}

// A wrong key or a missing deployment is repaired by a person, a crashed process by its supervisor.
std::int64_t pause_ms(Fault kind, unsigned trips) noexcept {
    const bool configuration = kind == Fault::auth || kind == Fault::deployment_missing;
    const std::int64_t base = configuration ? 30'000 : 1'000;
    const std::int64_t most = configuration ? 300'000 : 15'000;
    return std::min(most, base << std::min(trips, 8U));
}

Word opened(const Word& word, Fault kind, unsigned trips, std::int64_t now_ms) noexcept {
    return {Stored::open, word.faults, trips, now_ms + pause_ms(kind, trips)};
}

} // namespace

std::string_view name_of(Fault fault) noexcept {
    static constexpr std::array<std::string_view, 8> names{
        "server_error", "connect", "tls", "timeout", "reset", "auth", "deployment_missing", "late"};
    const auto index = static_cast<std::size_t>(fault);
    return index < names.size() ? names[index] : "unknown";
}

std::string_view name_of(Breaker::State state) noexcept {
    using State = Breaker::State;
    switch (state) {
        case State::closed: return "closed";
        case State::open: return "open";
        case State::due: return "due";
        case State::probing: return "probing";
        case State::returning: return "returning";
    }
    return "unknown";
}

Breaker::View Breaker::view(std::int64_t now_ms) const noexcept {
    const std::uint64_t raw = word_.load(std::memory_order_relaxed);
    if (raw == 0) return {};
    const Word word = unpack(raw);
    if (word.state == Stored::open) {
        return {now_ms >= word.at_ms ? State::due : State::open, word.at_ms, 0, word.faults};
    }
    if (word.state == Stored::probing) {
        const std::int64_t until = word.at_ms + probe_patience_ms;
        return {now_ms >= until ? State::due : State::probing, until, 0, word.faults};
    }
    if (!returning(word, now_ms)) return {State::closed, 0, 1, word.faults};
    const double done =
        static_cast<double>(std::max<std::int64_t>(0, now_ms - word.at_ms)) / double{return_ms};
    return {State::returning, 0, return_share_min + (1 - return_share_min) * done, 0};
}

bool Breaker::try_probe(std::int64_t now_ms) noexcept {
    std::uint64_t raw = word_.load(std::memory_order_relaxed);
    const Word word = unpack(raw);
    const bool due = (word.state == Stored::open && now_ms >= word.at_ms) ||
                     (word.state == Stored::probing && now_ms >= word.at_ms + probe_patience_ms);
    if (!due) return false;
    return word_.compare_exchange_strong(raw, pack({Stored::probing, word.faults, word.trips, now_ms}),
                                         std::memory_order_relaxed);
}

unsigned Breaker::success(bool trial, std::int64_t now_ms) noexcept {
    std::uint64_t raw = word_.load(std::memory_order_relaxed);
    while (raw != 0) {
        const Word word = unpack(raw);
        Word next;
        if (word.state != Stored::closed) {
            // An answer to a request sent before it opened says nothing about now.
            if (!trial) return 0;
            next = {Stored::closed, 0, word.trips, now_ms};
        } else if (returning(word, now_ms)) {
            return 0;
        }
        if (word_.compare_exchange_weak(raw, pack(next), std::memory_order_relaxed)) {
            return word.state == Stored::closed ? word.faults : 0;
        }
    }
    return 0;
}

void Breaker::fault(Fault kind, bool probe, std::int64_t now_ms, unsigned before) noexcept {
    std::uint64_t raw = word_.load(std::memory_order_relaxed);
    while (true) {
        const Word word = unpack(raw);
        Word next = word;
        if (word.state == Stored::open) return;
        if (word.state == Stored::probing) {
            if (!probe) return;
            next = opened(word, kind, word.trips + 1, now_ms);
        } else if (returning(word, now_ms)) {
            next = opened(word, kind, word.trips + 1, now_ms);
        } else {
            const bool series = word.faults != 0 && now_ms - word.at_ms <= series_gap_ms;
            next.faults = std::max(series ? word.faults : 0, before) + 1;
            next.at_ms = now_ms;
            if (next.faults >= faults_to_open(kind)) next = opened(next, kind, word.trips, now_ms);
        }
        if (word_.compare_exchange_weak(raw, pack(next), std::memory_order_relaxed)) return;
    }
}

void Breaker::probe_lost(std::int64_t now_ms) noexcept {
    std::uint64_t raw = word_.load(std::memory_order_relaxed);
    while (true) {
        const Word word = unpack(raw);
        if (word.state != Stored::probing) return;
        const Word next{Stored::open, word.faults, word.trips, now_ms};
        if (word_.compare_exchange_weak(raw, pack(next), std::memory_order_relaxed)) return;
    }
}

} // namespace headroom::balance
