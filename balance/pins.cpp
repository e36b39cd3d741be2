// An entry is one word: 40 bits of the id's hash, 6 of the backend, 18 of the time it was last asked for; 0
// is none. All orders are relaxed: a word says all of itself and nothing about other memory.
#include "balance/pins.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace headroom::balance {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr unsigned tag_bits = 40;
constexpr unsigned backend_bits = 6;
constexpr unsigned age_bits = 18;
static_assert(tag_bits + backend_bits + age_bits == 64);
static_assert(PinTable::backends_max == 1U << backend_bits);
constexpr std::uint64_t tag_mask = (std::uint64_t{1} << tag_bits) - 1;
constexpr std::uint64_t age_max = (std::uint64_t{1} << age_bits) - 1;
/// Who loses a race this often leaves it: others were just remembered in its place.
constexpr int tries_max = 4;

/// From 1, so that no entry is 0; half a year of uptime fits.
std::uint64_t age_of(Time now) noexcept {
    const std::int64_t units = now.time_since_epoch() / PinTable::age_unit;
    return static_cast<std::uint64_t>(
        std::clamp<std::int64_t>(units, 0, static_cast<std::int64_t>(age_max) - 1) + 1);
}

std::uint64_t pack(std::uint64_t id, std::uint32_t backend, std::uint64_t age) noexcept {
    return (id & tag_mask) | std::uint64_t{backend} << tag_bits | age << (tag_bits + backend_bits);
}

bool is_of(std::uint64_t entry, std::uint64_t id) noexcept {
    return entry != 0 && ((entry ^ id) & tag_mask) == 0;
}

std::uint32_t backend_in(std::uint64_t entry) noexcept {
    return static_cast<std::uint32_t>(entry >> tag_bits) & (PinTable::backends_max - 1);
}

std::uint64_t age_in(std::uint64_t entry) noexcept {
    return entry >> (tag_bits + backend_bits);
}

} // namespace

PinTable::PinTable(std::size_t entries, std::uint64_t seed)
    : set_count_(std::bit_ceil(std::clamp<std::size_t>(entries, ways, std::size_t{1} << 27U)) / ways),
      seed_(seed),
      sets_(std::make_unique<Set[]>(set_count_)) {}

void PinTable::put(std::uint64_t id, std::uint32_t backend, Time now) noexcept {
    assert(backend < backends_max);
    Set& set = set_of(id);
    const std::uint64_t wanted = pack(id, backend, age_of(now));
    for (int tries = 0; tries < tries_max; ++tries) {
        Entry* place = nullptr;
        std::uint64_t lies_there = 0;
        for (Entry& entry : set.entries) {
            const std::uint64_t value = entry.load(relaxed);
            // an entry of the id itself, else an empty or the oldest one
            const bool better = place == nullptr || age_in(value) < age_in(lies_there);
            if (!is_of(value, id) && !better) continue;
            place = &entry;
            lies_there = value;
            if (is_of(value, id)) break;
        }
        if (lies_there == wanted || place->compare_exchange_strong(lies_there, wanted, relaxed)) return;
    }
}

std::optional<std::uint32_t> PinTable::find(std::uint64_t id, Time now) noexcept {
    Entry* place = nullptr;
    std::uint64_t youngest = 0;
    // two shards that learn an id at once may have entered it twice
    for (Entry& entry : set_of(id).entries) {
        const std::uint64_t value = entry.load(relaxed);
        if (!is_of(value, id) || age_in(value) <= age_in(youngest)) continue;
        place = &entry;
        youngest = value;
    }
    if (place == nullptr) return std::nullopt;
    const std::uint32_t backend = backend_in(youngest);
    const std::uint64_t age = age_of(now);
    // whoever changes it meanwhile knows better
    if (age > age_in(youngest)) place->compare_exchange_strong(youngest, pack(id, backend, age), relaxed);
    return backend;
}

void PinTable::forget(std::uint64_t id) noexcept {
    for (Entry& entry : set_of(id).entries) {
        std::uint64_t value = entry.load(relaxed);
        if (is_of(value, id)) entry.compare_exchange_strong(value, 0, relaxed);
    }
}

} // namespace headroom::balance
