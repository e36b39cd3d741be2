// PinTable: which backend has a stored object, by a hash of the object's id.
// Shared by all shards, lock-free, fixed in size once constructed. Promises: eight bytes an entry, nothing is
// ever half an entry; a full set of entries gives up the one that was not asked for the longest; without the
// key nobody can aim ids at one set. An entry that is lost or crowded out costs a search, never an answer.
// Not here: which ids matter (object_ids.hpp), the search (core/affinity.hpp).
#pragma once

#include "balance/quantities.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace headroom::balance {

class PinTable {
  public:
    /// Entries that an id may lie in: one cache line.
    static constexpr std::size_t ways = 8;
    /// Backends are told in six bits.
    static constexpr std::uint32_t backends_max = 64;
    /// How finely the age of an entry is known.
    static constexpr Duration age_unit = std::chrono::seconds(64);

    /// `entries` is rounded up to a power of two of at least `ways`; `seed` is a secret of the process.
    PinTable(std::size_t entries, std::uint64_t seed);
    PinTable(const PinTable&) = delete;
    PinTable& operator=(const PinTable&) = delete;

    /// The key that ids are to be hashed with (id_hash.hpp).
    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    /// Number of entries.
    [[nodiscard]] std::size_t capacity() const noexcept { return set_count_ * ways; }

    /// Remembers that `backend` has the object; replaces what was known of it.
    void put(std::uint64_t id, std::uint32_t backend, Time now) noexcept;
    /// Who has the object, if that is known; makes the entry young again.
    [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t id, Time now) noexcept;
    /// The object is there no longer.
    void forget(std::uint64_t id) noexcept;

  private:
    using Entry = std::atomic<std::uint64_t>;
    struct alignas(64) Set {
        std::array<Entry, ways> entries{};
    };

    [[nodiscard]] Set& set_of(std::uint64_t id) noexcept { return sets_[id >> 40U & (set_count_ - 1)]; }

    std::size_t set_count_;
    std::uint64_t seed_;
    std::unique_ptr<Set[]> sets_;
};

} // namespace headroom::balance
