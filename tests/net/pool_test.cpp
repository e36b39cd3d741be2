// What ConnectionPool promises of its idle ones: the warmest first, never one with something on it.
#include "tests/net/pool_fixture.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace headroom::net {
namespace {

TEST_P(PoolTest, KeptConnectionsAreUsedAgainNewestFirst) {
    EXPECT_FALSE(pool_->take_idle());
    ConnectionPool::Handle first = fresh();
    ConnectionPool::Handle second = fresh();
    EXPECT_FALSE(first.reused());
    EXPECT_EQ(pool_->in_use(), 2U);
    const Socket::State* newest = second.stream().socket().state();
    exchange(first);
    exchange(second);
    first.keep();
    first = ConnectionPool::Handle();
    second.keep();
    second = ConnectionPool::Handle();
    EXPECT_EQ(pool_->idle(), 2U);
    EXPECT_EQ(pool_->in_use(), 0U);
    ConnectionPool::Handle again = pool_->take_idle();
    ASSERT_TRUE(again);
    EXPECT_TRUE(again.reused());
    EXPECT_EQ(again.stream().socket().state(), newest);
    exchange(again);
    EXPECT_EQ(pool_->counters().connects, 2U);
    EXPECT_EQ(pool_->counters().reuses, 1U);
    EXPECT_EQ(server_->streams().size(), 2U);
}

TEST_P(PoolTest, WhatIsNotKeptIsClosed) {
    ConnectionPool::Handle handle = fresh();
    exchange(handle);
    handle = ConnectionPool::Handle();
    EXPECT_EQ(pool_->idle(), 0U);
    EXPECT_EQ(pool_->in_use(), 0U);
    run_until([&] { return !server_->streams().front().open(); });
    ConnectionPool::Handle closed = fresh();
    closed.keep();
    closed.close();
    EXPECT_FALSE(closed);
    EXPECT_EQ(pool_->idle(), 0U);
}

TEST_P(PoolTest, TicketsOnAnIdleConnectionDoNotEvictIt) {
    // Not one byte was read after the handshake, so that tickets come while it is idle.
    ConnectionPool::Handle handle = fresh();
    handle.keep();
    handle = ConnectionPool::Handle();
    settle();
    EXPECT_EQ(pool_->idle(), 1U);
    ConnectionPool::Handle again = pool_->take_idle();
    ASSERT_TRUE(again);
    exchange(again);
    EXPECT_EQ(pool_->counters().stale_evictions, 0U);
}

TEST_P(PoolTest, AnIdleConnectionThatThePeerClosesLeaves) {
    ConnectionPool::Handle handle = fresh();
    exchange(handle);
    handle.keep();
    handle = ConnectionPool::Handle();
    EXPECT_EQ(pool_->idle(), 1U);
    server_->streams().front().cancel({ErrorCode::cancelled, Side::local, false});
    run_until([&] { return pool_->idle() == 0; });
    EXPECT_FALSE(pool_->take_idle());
    EXPECT_EQ(pool_->counters().stale_evictions, 1U);
}

TEST_P(PoolTest, AnIdleConnectionThatSpeaksUnaskedLeaves) {
    ConnectionPool::Handle handle = fresh();
    exchange(handle);
    handle.keep();
    handle = ConnectionPool::Handle();
    std::optional<Result<void>> sent;
    start(send_stream(&server_->streams().front(), {"HTTP/1.1 408 Request Timeout\r\n\r\n"}, &sent));
    run_until([&] { return pool_->idle() == 0; });
    EXPECT_EQ(pool_->counters().stale_evictions, 1U);
    EXPECT_TRUE(sent.has_value());
}

TEST_P(PoolTest, UnreadBytesForbidKeeping) {
    ConnectionPool::Handle handle = fresh();
    exchange(handle);
    std::optional<Result<void>> sent;
    start(send_stream(&server_->streams().front(), {"and another thing"}, &sent));
    run_until([&] { return handle.stream().has_input(); });
    handle.keep();
    handle = ConnectionPool::Handle();
    EXPECT_EQ(pool_->idle(), 0U);
    EXPECT_EQ(pool_->counters().stale_evictions, 0U);
}

TEST_P(PoolTest, ACancelledConnectionIsNotKept) {
    ConnectionPool::Handle handle = fresh();
    handle.keep();
    handle.cancel({ErrorCode::cancelled, Side::local, false});
    handle = ConnectionPool::Handle();
    EXPECT_EQ(pool_->idle(), 0U);
}

TEST_P(PoolTest, TheOldestMakesRoomWhenThePoolIsFull) {
    renew({.idle_max = 2});
    std::vector<ConnectionPool::Handle> handles;
    handles.reserve(4);
    for (int i = 0; i < 4; ++i) {
        handles.push_back(fresh());
        exchange(handles.back());
    }
    for (ConnectionPool::Handle& handle : handles) {
        handle.keep();
        handle = ConnectionPool::Handle();
    }
    EXPECT_EQ(pool_->idle(), 2U);
    run_until([&] { return !server_->streams()[0].open() && !server_->streams()[1].open(); });
    EXPECT_TRUE(server_->streams()[2].open());
    EXPECT_TRUE(server_->streams()[3].open());
    renew({.idle_max = 0});
    ConnectionPool::Handle handle = fresh();
    handle.keep();
    handle = ConnectionPool::Handle();
    EXPECT_EQ(pool_->idle(), 0U);
}

TEST_P(PoolTest, IdleConnectionsAge) {
    renew({.idle_for_max = std::chrono::milliseconds(1)});
    for (int i = 0; i < 3; ++i) {
        ConnectionPool::Handle handle = fresh();
        handle.keep();
    }
    run_until([&] { return pool_->idle() == 0; });
    EXPECT_EQ(pool_->counters().aged, 3U);
    EXPECT_EQ(pool_->counters().stale_evictions, 0U);
}

TEST_P(PoolTest, DropIdleClosesThemAll) {
    std::vector<ConnectionPool::Handle> handles;
    handles.reserve(4);
    for (int i = 0; i < 3; ++i)
        handles.push_back(fresh());
    for (ConnectionPool::Handle& handle : handles)
        handle.keep();
    handles.clear();
    EXPECT_EQ(pool_->idle(), 3U);
    pool_->drop_idle();
    EXPECT_EQ(pool_->idle(), 0U);
    run_until([&] { return std::ranges::none_of(server_->streams(), &Stream::open); });
}

TEST_P(PoolTest, ConnectionsToUnlistedAddressesAreNotKept) {
    ConnectionPool::Handle handle = fresh();
    ConnectionPool::Handle idle = fresh();
    idle.keep();
    idle = ConnectionPool::Handle();
    Gate others;
    PingServer other(loop_, others, server_tls_.get());
    pool_->set_endpoints({other.endpoint()});
    handle.keep();
    handle = ConnectionPool::Handle();
    EXPECT_EQ(pool_->idle(), 1U) << "what was idle already ages out";
    ConnectionPool::Handle moved = fresh();
    EXPECT_EQ(moved.endpoint(), other.endpoint());
    moved.keep();
    moved = ConnectionPool::Handle();
    EXPECT_EQ(pool_->idle(), 2U);
    pool_->drop_idle();
    other.stop();
    run_until(
        [&] { return gate_.inside() == 2 - 1 || std::ranges::none_of(other.streams(), &Stream::open); });
    settle();
}

INSTANTIATE_TEST_SUITE_P(Pools, PoolTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "Plain"; });

} // namespace
} // namespace headroom::net
