// Snapshot: what changes while Headroom runs (addresses, credentials), published whole and picked up by every
// shard. The control thread publishes; each shard picks the newest up at the top of a loop turn and never
// keeps it over a suspension point. An old one is freed once every shard has picked up a newer one.
#pragma once

#include "core/secret.hpp"
#include "net/endpoint.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace headroom::core {

/// The changing part of one backend, in the order of Config::backends.
struct BackendState {
    std::vector<net::Endpoint>
        endpoints;       ///< Resolved, in order of preference; empty: the name does not resolve now.
    Secret bearer_token; ///< Managed identity; empty: none yet, or not used.
};

struct Snapshot {
    std::vector<BackendState> backends;
};

/// Hands snapshots from the control thread to the shards.
class SnapshotBoard {
  public:
    SnapshotBoard(std::size_t shards, std::unique_ptr<const Snapshot> first);
    SnapshotBoard(const SnapshotBoard&) = delete;
    SnapshotBoard& operator=(const SnapshotBoard&) = delete;

    /// Control thread: makes `next` the current one and frees those that no shard can still see.
    /// The caller wakes the shards.
    void publish(std::unique_ptr<const Snapshot> next);
    /// Control thread: the one published last.
    [[nodiscard]] const Snapshot& latest() const noexcept { return *versions_.back().snapshot; }
    /// Shard `shard`: the current one; the one returned before may be freed from now on.
    const Snapshot& pick_up(std::size_t shard) noexcept;

  private:
    struct Version {
        std::uint64_t number;
        std::unique_ptr<const Snapshot> snapshot;
    };
    struct alignas(64) Seen {
        std::atomic<std::uint64_t> number{0};
    };
    struct Current {
        std::uint64_t number;
        const Snapshot* snapshot;
    };

    std::vector<Version> versions_;                  ///< Oldest first; control thread only.
    std::vector<std::unique_ptr<Current>> currents_; ///< What current_ points into, one per version.
    std::atomic<const Current*> current_;
    std::vector<Seen> seen_;
};

} // namespace headroom::core
