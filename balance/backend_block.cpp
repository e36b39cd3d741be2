// The table is open-addressed: a key is written once and never removed, so a reader needs no more than one
// load per step.
#include "balance/backend_block.hpp"

namespace headroom::balance {
namespace {

constexpr unsigned missing_hash_bits = 24;
// A deployment that is created meanwhile is found within half a minute.
constexpr std::int64_t missing_pause_ms = 30'000;

std::uint64_t missing_tag(std::uint64_t hash) noexcept {
    return hash >> (64 - missing_hash_bits);
}

} // namespace

Slot& BackendBlock::slot_of(std::uint64_t hash) noexcept {
    if (hash == 0) return bare;
    for (std::size_t step = 0; step < deployments_max; ++step) {
        const std::size_t index = (hash + step) % deployments_max;
        const std::uint64_t key = keys[index].load(std::memory_order_relaxed);
        if (key == hash) return slots[index];
        if (key == 0) break;
    }
    return overflow;
}

Slot* BackendBlock::claim(SlotKey key) noexcept {
    for (std::size_t step = 0; step < deployments_max; ++step) {
        const std::size_t index = (key.hash + step) % deployments_max;
        std::uint64_t found = keys[index].load(std::memory_order_relaxed);
        if (found == 0 && keys[index].compare_exchange_strong(found, key.hash, std::memory_order_relaxed)) {
            slots[index].set_name(key.name);
            return &slots[index];
        }
        if (found == key.hash) return &slots[index];
    }
    return nullptr;
}

std::int64_t BackendBlock::missing_until_ms(std::uint64_t hash) const noexcept {
    const std::uint64_t word = missing[hash % missing_max].load(std::memory_order_relaxed);
    const bool same = (word & ((std::uint64_t{1} << missing_hash_bits) - 1)) == missing_tag(hash);
    return same ? static_cast<std::int64_t>(word >> missing_hash_bits) : 0;
}

void BackendBlock::note_missing(std::uint64_t hash, std::int64_t now_ms) noexcept {
    const auto until = static_cast<std::uint64_t>(now_ms + missing_pause_ms);
    missing[hash % missing_max].store(until << missing_hash_bits | missing_tag(hash),
                                      std::memory_order_relaxed);
}

template <class Change>
void BackendBlock::change_all(Change change) noexcept {
    change(bare);
    change(overflow);
    for (Slot& slot : slots)
        change(slot);
}

void BackendBlock::hold_refusals_at(unsigned per_1000) noexcept {
    change_all([&](Slot& slot) { slot.limit.hold_refusals_at(per_1000); });
}

void BackendBlock::set_quota(std::int64_t tokens_per_minute, std::int64_t requests_per_minute,
                             bool requests_told) noexcept {
    change_all([&](Slot& slot) { slot.set_quota(tokens_per_minute, requests_per_minute, requests_told); });
}

} // namespace headroom::balance
