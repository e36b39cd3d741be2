// Snapshots: every shard sees the newest, and none is freed while a shard may look at it.
#include "core/snapshot.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace headroom::core {
namespace {

std::unique_ptr<const Snapshot> with_backends(std::size_t count) {
    auto snapshot = std::make_unique<Snapshot>();
    snapshot->backends.resize(count);
    return snapshot;
}

TEST(SnapshotBoard, TheNewestIsPickedUp) {
    SnapshotBoard board(1, with_backends(1));
    EXPECT_EQ(board.pick_up(0).backends.size(), 1U);
    board.publish(with_backends(2));
    board.publish(with_backends(3));
    EXPECT_EQ(board.latest().backends.size(), 3U);
    EXPECT_EQ(board.pick_up(0).backends.size(), 3U);
}

TEST(SnapshotBoard, AnOldOneLivesUntilEveryShardMovedOn) {
    SnapshotBoard board(2, with_backends(1));
    const Snapshot& slow = board.pick_up(0);
    board.pick_up(1);
    for (std::size_t i = 2; i < 20; ++i) {
        board.publish(with_backends(i));
        board.pick_up(1);
        EXPECT_EQ(slow.backends.size(), 1U);
    }
    EXPECT_EQ(board.pick_up(0).backends.size(), 19U);
}

TEST(SnapshotBoard, ThreadsPickUpWhileItIsPublished) {
    constexpr std::size_t shards = 2;
    SnapshotBoard board(shards, with_backends(1));
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    threads.reserve(shards);
    for (std::size_t shard = 0; shard < shards; ++shard) {
        threads.emplace_back([&, shard] {
            std::size_t seen = 1;
            while (!done.load()) {
                const Snapshot& snapshot = board.pick_up(shard);
                EXPECT_GE(snapshot.backends.size(), seen);
                seen = snapshot.backends.size();
            }
        });
    }
    for (std::size_t i = 2; i < 500; ++i)
        board.publish(with_backends(i));
    done = true;
    for (std::thread& thread : threads)
        thread.join();
}

} // namespace
} // namespace headroom::core
