// FieldTable: the field lines of one head or trailer section, as offsets into its bytes.
// Allocated when the first field is added, so that an idle connection has none. Not here: the bytes.
#pragma once

#include "net/http/field.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

namespace headroom::net {

/// One field line; the value is without surrounding whitespace. Offsets count from the section's first byte.
struct FieldEntry {
    std::uint32_t name_offset;
    std::uint32_t value_offset;
    std::uint32_t value_size;
    std::uint16_t name_size;
    FieldId id;
    bool hop_by_hop; ///< not to be forwarded (RFC 9110 §7.6.1)
};
static_assert(sizeof(FieldEntry) == 16);
static_assert(std::is_trivial_v<FieldEntry>, "a new table is not worth clearing");

class FieldTable {
  public:
    std::size_t size() const noexcept { return size_; }
    const FieldEntry& operator[](std::size_t index) const noexcept { return entries_[index]; }
    FieldEntry& operator[](std::size_t index) noexcept { return entries_[index]; }
    std::span<const FieldEntry> all() const noexcept { return {entries_.get(), size_}; }
    std::span<FieldEntry> all() noexcept { return {entries_.get(), size_}; }

    /// The place of the next entry, to be filled before add(); null when there are `fields_max` already (at
    /// most 65,535).
    FieldEntry* next(std::size_t fields_max) {
        if (size_ == capacity_ && !grow(fields_max)) return nullptr;
        return &entries_[size_];
    }
    /// Counts the entry that next() gave.
    void add() noexcept { ++size_; }
    void clear() noexcept {
        entries_.reset();
        size_ = 0;
        capacity_ = 0;
    }

  private:
    bool grow(std::size_t fields_max);

    std::unique_ptr<FieldEntry[]> entries_;
    std::uint16_t size_ = 0;
    std::uint16_t capacity_ = 0;
};

} // namespace headroom::net
