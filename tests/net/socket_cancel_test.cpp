// What ends an awaited operation early, what waits for nobody, and what bounds a peer that floods.
#include "tests/net/loop_fixture.hpp"

#include <sys/socket.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace headroom::net {
namespace {

constexpr Error gone{ErrorCode::cancelled, Side::backend, false};
constexpr std::size_t more_than_the_kernel_takes = std::size_t{32} * 1024 * 1024;

class SocketCancelTest : public LoopTest {};

TEST_F(SocketCancelTest, EndsAnAwaitedReceiveAndEverythingAfter) {
    Connection connection = accepted();
    Received received;
    start(receive_all(&connection.socket, &received));
    settle();
    connection.socket.cancel(gone);
    EXPECT_FALSE(received.error.has_value()) << "nothing is resumed from inside a call";
    run_until([&] { return received.error.has_value(); });
    EXPECT_EQ(*received.error, gone);
    connection.peer.write("too late");
    settle();
    connection.socket.cancel(Error{ErrorCode::timed_out, Side::client, true});
    Received later;
    start(receive_all(&connection.socket, &later));
    EXPECT_EQ(later.error, std::optional(gone)) << "the first reason stays";
    std::optional<Result<void>> sent;
    start(send_text(&connection.socket, "x", &sent));
    ASSERT_TRUE(sent.has_value());
    EXPECT_EQ(sent->error(), gone);
}

TEST_F(SocketCancelTest, EndsAnAwaitedSendOnce) {
    Connection connection = accepted();
    std::optional<Result<void>> sent;
    start(send_text(&connection.socket, std::string(more_than_the_kernel_takes, 'x'), &sent));
    settle();
    EXPECT_FALSE(sent.has_value());
    connection.socket.cancel(gone);
    connection.socket.cancel(gone);
    EXPECT_FALSE(sent.has_value());
    run_until([&] { return sent.has_value(); });
    EXPECT_EQ(sent->error(), gone);
}

TEST_F(SocketCancelTest, EndsASendInTheTurnThatBeganIt) {
    Connection connection = accepted();
    std::optional<Result<void>> sent;
    start(send_text(&connection.socket, std::string(more_than_the_kernel_takes, 'x'), &sent));
    connection.socket.cancel(gone);
    run_until([&] { return sent.has_value(); });
    EXPECT_EQ(sent->error(), gone);
}

/// A listener whose backlog is full, so that connecting to it takes for ever.
struct FullBacklog {
    Descriptor listening{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::vector<Descriptor> queued;
    Endpoint endpoint = *Endpoint::parse("127.0.0.1", 0);

    FullBacklog() {
        EXPECT_EQ(::bind(listening.get(), endpoint.address(), endpoint.length()), 0);
        EXPECT_EQ(::listen(listening.get(), 0), 0);
        sockaddr_storage storage{};
        socklen_t length = sizeof storage;
        ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&storage), &length);
        endpoint = *Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length);
        for (int i = 0; i < 4; ++i) {
            queued.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
            ::connect(queued.back().get(), endpoint.address(), endpoint.length());
        }
    }
};

TEST_F(SocketCancelTest, EndsAConnectThatHangs) {
    const FullBacklog full;
    Socket socket(loop_, Side::backend);
    std::optional<Result<void>> result;
    start(connect_to(&socket, full.endpoint, &result));
    settle();
    ASSERT_FALSE(result.has_value());
    socket.cancel(Error{ErrorCode::timed_out, Side::backend, true});
    run_until([&] { return result.has_value(); });
    EXPECT_EQ(result->error(), (Error{ErrorCode::timed_out, Side::backend, true}));
}

TEST_F(SocketCancelTest, ACancelledSocketDoesNotConnect) {
    Socket socket(loop_, Side::backend);
    socket.cancel(gone);
    std::optional<Result<void>> result;
    start(connect_to(&socket, *Endpoint::parse("127.0.0.1", 9), &result));
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(result->error(), gone);
}

TEST_F(SocketCancelTest, AnInterruptedReceiveLosesNothing) {
    Connection connection = accepted();
    connection.socket.interrupt_receive(); // nobody awaits: nothing happens
    Received received;
    start(receive_all(&connection.socket, &received));
    settle();
    connection.peer.write("kept");
    connection.socket.interrupt_receive();
    run_until([&] { return received.error.has_value(); });
    EXPECT_EQ(received.error->code, ErrorCode::interrupted);
    Received next;
    start(receive_all(&connection.socket, &next, 4));
    run_until([&] { return next.bytes.size() == 4; });
    EXPECT_EQ(next.bytes, "kept");
    EXPECT_FALSE(next.error.has_value());
}

TEST_F(SocketCancelTest, AnInterruptedSendLeavesTheReceiveUsable) {
    Connection connection = accepted();
    connection.socket.interrupt_send();
    std::optional<Result<void>> sent;
    start(send_text(&connection.socket, std::string(more_than_the_kernel_takes, 'x'), &sent));
    settle();
    connection.socket.interrupt_send();
    run_until([&] { return sent.has_value(); });
    EXPECT_EQ(sent->error().code, ErrorCode::interrupted);
    Received received;
    start(receive_all(&connection.socket, &received, 6));
    connection.peer.write("answer");
    run_until([&] { return received.bytes == "answer"; });
}

/// What a watcher was told, in order.
struct Told {
    std::vector<Attention> news;
    Socket* close = nullptr;
    static void notify(void* self, Attention attention) {
        auto& told = *static_cast<Told*>(self);
        told.news.push_back(attention);
        if (told.close != nullptr) std::exchange(told.close, nullptr)->close();
    }
};

TEST_F(SocketCancelTest, TheWatcherIsToldWhatNobodyTakes) {
    Connection connection = accepted();
    Told told;
    connection.socket.watch(Told::notify, &told);
    settle();
    EXPECT_TRUE(told.news.empty());
    EXPECT_FALSE(connection.socket.has_input());
    connection.peer.write("a");
    run_until([&] { return !told.news.empty(); });
    connection.peer.write("b");
    settle();
    EXPECT_EQ(told.news, std::vector{Attention::readable}) << "once, until something is taken";
    EXPECT_TRUE(connection.socket.has_input());
    Received received;
    start(receive_all(&connection.socket, &received, 2));
    EXPECT_EQ(received.bytes, "ab");
    EXPECT_FALSE(connection.socket.has_input());
    ::shutdown(connection.peer.get(), SHUT_WR);
    run_until([&] { return told.news.size() > 1; });
    EXPECT_EQ(told.news.back(), Attention::ended);
    EXPECT_TRUE(connection.socket.peer_gone());
    EXPECT_TRUE(connection.socket.has_input());
    connection.peer.reset();
    run_until([&] { return told.news.size() > 2; });
    EXPECT_EQ(told.news, (std::vector{Attention::readable, Attention::ended, Attention::failed}));
}

TEST_F(SocketCancelTest, AWaiterKeepsTheNewsFromTheWatcher) {
    Connection connection = accepted();
    Told told;
    connection.socket.watch(Told::notify, &told);
    Received received;
    start(receive_all(&connection.socket, &received));
    connection.peer.write("mine");
    run_until([&] { return received.bytes == "mine"; });
    ::shutdown(connection.peer.get(), SHUT_WR);
    run_until([&] { return received.ended; });
    settle();
    EXPECT_TRUE(told.news.empty());
}

TEST_F(SocketCancelTest, AWatcherMayCloseTheSocket) {
    Connection connection = accepted();
    Told told;
    told.close = &connection.socket;
    connection.socket.watch(Told::notify, &told);
    connection.peer.write("unwanted");
    connection.peer.reset();
    run_until([&] { return !told.news.empty(); });
    settle();
    EXPECT_FALSE(connection.socket.open());
    EXPECT_EQ(told.news.size(), 1U);
}

TEST_F(SocketCancelTest, WhatIsThereAlreadyIsToldToANewWatcher) {
    Connection connection = accepted();
    connection.peer.write("early");
    ::shutdown(connection.peer.get(), SHUT_WR);
    settle();
    Told told;
    connection.socket.watch(Told::notify, &told);
    EXPECT_TRUE(told.news.empty()) << "told from the loop, never from watch()";
    run_until([&] { return told.news.size() == 2; });
    EXPECT_EQ(told.news, (std::vector{Attention::readable, Attention::ended}));
    connection.socket.watch(nullptr, nullptr);
    connection.peer.reset();
    settle();
    EXPECT_EQ(told.news.size(), 2U);
}

TEST_F(SocketCancelTest, AFloodIsHeldBackAndNothingIsLost) {
    Connection connection = accepted();
    const std::size_t idle_bytes = loop_.buffers().bytes_in_use();
    const std::string flood = noise(8'000'000, 3);
    std::size_t written = 0;
    for (int turns = 0; turns < 300; ++turns) {
        written += connection.peer.write_some(
            {flood.data() + written, std::min<std::size_t>(50'000, flood.size() - written)});
        loop_.turn(Duration::zero());
    }
    EXPECT_LT(written, flood.size()) << "TCP must push back";
    EXPECT_LE(loop_.buffers().bytes_in_use() - idle_bytes, std::size_t{640} * 1024);
    Received received;
    start(receive_all(&connection.socket, &received, flood.size()));
    for (int turns = 0; turns < 200'000 && received.bytes.size() < flood.size(); ++turns) {
        written += connection.peer.write_some({flood.data() + written, flood.size() - written});
        loop_.turn(Duration::zero());
    }
    EXPECT_TRUE(received.bytes == flood);
}

TEST_F(SocketCancelTest, APeerThatGoesIsSeenBehindAFullInbox) {
    for (const bool reset : {false, true}) {
        Connection connection = accepted();
        Told told;
        connection.socket.watch(Told::notify, &told);
        const std::string flood(60'000,
                                'x'); // more than an inbox, less than TCP's window: the FIN comes through
        std::size_t written = 0;
        for (int turns = 0; turns < 50; ++turns) {
            written += connection.peer.write_some({flood.data() + written, flood.size() - written});
            loop_.turn(Duration::zero());
        }
        settle();
        EXPECT_EQ(told.news, std::vector{Attention::readable});
        if (reset) {
            connection.peer.reset();
            run_until([&] { return told.news.back() == Attention::failed; });
        } else {
            ::shutdown(connection.peer.get(), SHUT_WR);
            run_until([&] { return told.news.back() == Attention::ended; });
        }
        EXPECT_TRUE(connection.socket.peer_gone());
        Received received;
        start(receive_all(&connection.socket, &received));
        run_until([&] { return received.ended || received.error.has_value(); });
        EXPECT_EQ(received.error.has_value(), reset);
        if (!reset) EXPECT_EQ(received.bytes.size(), written);
    }
}

Task<void> hold_all(Socket* socket, std::vector<Slice>* held, std::size_t* bytes, std::size_t bytes_max) {
    while (*bytes < bytes_max) {
        Result<Slice> received = co_await socket->receive();
        if (!received.ok() || received->empty()) co_return;
        *bytes += received->size();
        held->push_back(std::move(*received));
    }
}

class SocketMemoryTest : public LoopTest {
  protected:
    SocketMemoryTest() : LoopTest(LoopOptions{.memory_bytes_max = std::size_t{1024} * 1024}) {}
};

TEST_F(SocketMemoryTest, ReceivesPauseAtTheBoundAndGoOnBelowIt) {
    Connection connection = accepted();
    const std::string flood = noise(4'000'000, 4);
    std::vector<Slice> held;
    std::size_t bytes = 0;
    std::size_t written = 0;
    start(hold_all(&connection.socket, &held, &bytes, flood.size()));
    const auto push = [&](int turns) {
        for (int turn = 0; turn < turns && bytes < flood.size(); ++turn) {
            written += connection.peer.write_some({flood.data() + written, flood.size() - written});
            loop_.turn(Duration::zero());
        }
    };
    push(3000);
    EXPECT_LE(bytes, std::size_t{1024} * 1024);
    EXPECT_LE(loop_.buffers().bytes_in_use(), loop_.buffers().memory_bytes_max());
    EXPECT_FALSE(loop_.turn(Duration::zero())) << "a loop without memory must not spin";
    std::string received;
    for (int rounds = 0; rounds < 1000 && received.size() < flood.size(); ++rounds) {
        for (const Slice& slice : held)
            received += slice.view();
        held.clear();
        push(200);
    }
    EXPECT_TRUE(received == flood);
}

} // namespace
} // namespace headroom::net
