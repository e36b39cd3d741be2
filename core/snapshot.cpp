// Publication and reclamation of snapshots.
#include "core/snapshot.hpp"

#include <algorithm>
#include <limits>

namespace headroom::core {

SnapshotBoard::SnapshotBoard(std::size_t shards, std::unique_ptr<const Snapshot> first) : seen_(shards) {
    currents_.push_back(std::make_unique<Current>(Current{1, first.get()}));
    versions_.push_back({1, std::move(first)});
    // release: a shard that sees the pointer sees the snapshot behind it
    current_.store(currents_.back().get(), std::memory_order_release);
}

void SnapshotBoard::publish(std::unique_ptr<const Snapshot> next) {
    const std::uint64_t number = versions_.back().number + 1;
    currents_.push_back(std::make_unique<Current>(Current{number, next.get()}));
    versions_.push_back({number, std::move(next)});
    // release: a shard that sees the pointer sees the snapshot behind it
    current_.store(currents_.back().get(), std::memory_order_release);

    std::uint64_t oldest_seen = std::numeric_limits<std::uint64_t>::max();
    for (const Seen& seen : seen_) {
        // acquire: the shard's last use of what it had before happened before we free it
        oldest_seen = std::min(oldest_seen, seen.number.load(std::memory_order_acquire));
    }
    while (versions_.size() > 1 && versions_.front().number < oldest_seen) {
        versions_.erase(versions_.begin());
        currents_.erase(currents_.begin());
    }
}

const Snapshot& SnapshotBoard::pick_up(std::size_t shard) noexcept {
    // acquire: pairs with publish()
    const Current* current = current_.load(std::memory_order_acquire);
    // release: our use of the previous snapshot is over before this number is seen
    seen_[shard].number.store(current->number, std::memory_order_release);
    return *current->snapshot;
}

} // namespace headroom::core
