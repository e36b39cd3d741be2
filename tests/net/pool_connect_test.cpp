// What ConnectionPool promises of connecting: addresses in turn, an end to every try, TLS sessions used
// again.
#include "tests/net/pool_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace headroom::net {
namespace {

using testing::HasSubstr;

class PoolConnectTest : public PoolTest {};
class TlsPoolTest : public PoolTest {};

TEST_P(PoolConnectTest, AddressesAreTriedInTurnAndTheLastGoodOneFirst) {
    Endpoint dead = server_->endpoint();
    {
        const Listener gone(loop_,
                            ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0), .reuse_port = false});
        dead = gone.local();
    }
    pool_->set_endpoints({dead, server_->endpoint()});
    ConnectionPool::Handle first = fresh();
    EXPECT_EQ(first.endpoint(), server_->endpoint());
    EXPECT_EQ(first.failure(), "");
    EXPECT_EQ(pool_->counters().connect_failures, 1U);
    ConnectionPool::Handle second = fresh();
    EXPECT_EQ(pool_->counters().connect_failures, 1U) << "the good one was not tried first";
    pool_->set_endpoints({dead});
    ConnectionPool::Handle third = pool_->fresh();
    const Result<void> refused = connect(third);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error(), (Error{ErrorCode::refused, Side::backend, true}));
    EXPECT_EQ(third.failure(), dead.text() + ": refused");
    pool_->set_endpoints({});
    EXPECT_EQ(connect(third).error(), (Error{ErrorCode::unreachable, Side::backend, true}));
    pool_->set_endpoints({server_->endpoint()});
    EXPECT_TRUE(connect(third).ok()) << "a handle may try again";
    exchange(third);
}

TEST_P(TlsPoolTest, ASilentAddressTimesOutAndTheNextOneIsTried) {
    renew({.connect_timeout = std::chrono::milliseconds(1)});
    // Nobody shakes hands in its backlog.
    const Listener silent(loop_,
                          ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0), .reuse_port = false});
    pool_->set_endpoints({silent.local(), silent.local()});
    ConnectionPool::Handle handle = pool_->fresh();
    EXPECT_EQ(connect(handle).error(), (Error{ErrorCode::timed_out, Side::backend, true}));
    EXPECT_THAT(handle.failure(), HasSubstr("timed_out"));
    EXPECT_EQ(pool_->counters().connect_failures, 2U);
}

TEST_P(PoolConnectTest, CancelEndsConnecting) {
    Listener silent(loop_, ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0), .reuse_port = false});
    pool_->set_endpoints({silent.local(), silent.local(), server_->endpoint()});
    const Error why{ErrorCode::cancelled, Side::client, false};
    for (int turns = 0; turns < 4; ++turns) {
        ConnectionPool::Handle handle = pool_->fresh();
        std::optional<Result<void>> result;
        start(await_result(handle.connect(), &result));
        for (int turn = 0; turn < turns; ++turn)
            loop_.turn(std::chrono::milliseconds(1));
        if (result.has_value()) {
            EXPECT_FALSE(GetParam()) << "without TLS it connects at once";
            continue;
        }
        handle.cancel(why);
        run_until([&] { return result.has_value(); });
        EXPECT_EQ(result->error(), why);
    }
    ConnectionPool::Handle handle = pool_->fresh();
    handle.cancel(why);
    EXPECT_EQ(connect(handle).error(), why);
}

TEST_P(PoolConnectTest, ManyConnectAtOnce) {
    std::deque<ConnectionPool::Handle> handles;
    std::deque<std::optional<Result<void>>> results;
    for (int i = 0; i < 100; ++i) {
        handles.push_back(pool_->fresh());
        start(await_result(handles.back().connect(), &results.emplace_back()));
    }
    run_until([&] { return std::ranges::all_of(results, [](const auto& one) { return one.has_value(); }); });
    EXPECT_TRUE(std::ranges::all_of(results, [](const auto& one) { return one->ok(); }));
    EXPECT_EQ(pool_->in_use(), 100U);
    for (ConnectionPool::Handle& handle : handles) {
        exchange(handle);
        handle.keep();
        handle = ConnectionPool::Handle();
    }
    EXPECT_EQ(pool_->idle(), 100U);
    EXPECT_EQ(pool_->counters().connects, 100U);
}

TEST_P(TlsPoolTest, SessionsAreResumed) {
    for (int i = 0; i < 5; ++i) {
        ConnectionPool::Handle handle = fresh();
        exchange(handle);
        EXPECT_EQ(handle.stream().tls()->resumed(), i > 0);
    }
    EXPECT_EQ(pool_->counters().tls_handshakes, 5U);
    EXPECT_EQ(pool_->counters().tls_resumptions, 4U);
}

TEST_P(TlsPoolTest, ARefusedCertificateIsExplained) {
    renew({.server_name = "other.example"});
    ConnectionPool::Handle handle = pool_->fresh();
    EXPECT_EQ(connect(handle).error(), (Error{ErrorCode::tls_certificate, Side::backend, true}));
    EXPECT_EQ(handle.failure(),
              server_->endpoint().text() + ": hostname mismatch: certificate is for localhost");
    EXPECT_EQ(pool_->counters().connect_failures, 1U);
}

INSTANTIATE_TEST_SUITE_P(Pools, PoolConnectTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "Plain"; });
INSTANTIATE_TEST_SUITE_P(Pools, TlsPoolTest, testing::Values(true),
                         [](const auto& /*info*/) { return "Tls"; });

} // namespace
} // namespace headroom::net
