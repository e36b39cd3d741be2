// A fixed table from 64-bit keys to small values: what is learned, in memory that never grows.
// One per shard. A full set forgets the value that was touched longest ago.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace headroom::balance {

/// `Sets` (a power of two) times four entries; a key may be anything.
template <class Value, std::size_t Sets>
class KeyedTable {
  public:
    KeyedTable() : sets_(Sets) {}

    /// The value of a key; nullptr when it has none (any more).
    [[nodiscard]] const Value* find(std::uint64_t key) const noexcept {
        for (const Entry& entry : sets_[set_of(key)]) {
            if (entry.touched != 0 && entry.key == key) return &entry.value;
        }
        return nullptr;
    }

    /// The value of a key, made anew when it has none.
    [[nodiscard]] Value& touch(std::uint64_t key) noexcept {
        Set& set = sets_[set_of(key)];
        Entry* place = &set[0];
        for (Entry& entry : set) {
            if (entry.touched != 0 && entry.key == key) {
                entry.touched = ++now_;
                return entry.value;
            }
            if (entry.touched < place->touched) place = &entry;
        }
        *place = {key, ++now_, Value{}};
        return place->value;
    }

  private:
    static_assert(std::has_single_bit(Sets) && Sets > 1);

    struct Entry {
        std::uint64_t key = 0;
        std::uint64_t touched = 0; // 0: empty
        Value value{};
    };
    using Set = std::array<Entry, 4>;

    static std::size_t set_of(std::uint64_t key) noexcept {
        return (key * 0x9e3779b97f4a7c15U) >> (64 - std::countr_zero(Sets));
    }

    std::vector<Set> sets_;
    std::uint64_t now_ = 0;
};

} // namespace headroom::balance
