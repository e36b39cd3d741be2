// What Socket promises of bytes, ends and connections, on whichever loop is linked.
#include "net/random.hpp"
#include "tests/net/loop_fixture.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace headroom::net {
namespace {

bool sends_without_delay(int descriptor) {
    int on = 0;
    socklen_t length = sizeof on;
    return ::getsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, &length) == 0 && on != 0;
}

/// The descriptor whose local address is `endpoint`.
int descriptor_bound_to(const Endpoint& endpoint) {
    for (int descriptor = 3; descriptor < 200; ++descriptor) {
        sockaddr_storage storage{};
        socklen_t length = sizeof storage;
        auto* address = reinterpret_cast<sockaddr*>(&storage);
        if (::getsockname(descriptor, address, &length) != 0 || address->sa_family != AF_INET) continue;
        if (Endpoint::from_sockaddr(address, length) != endpoint) continue;
        sockaddr_storage other{};
        length = sizeof other;
        if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&other), &length) == 0) return descriptor;
    }
    return -1;
}

Endpoint far_end_of(const Descriptor& descriptor) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    ::getpeername(descriptor.get(), reinterpret_cast<sockaddr*>(&storage), &length);
    return Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length).value_or(Endpoint{});
}

class SocketTest : public LoopTest {};

TEST_F(SocketTest, EchoesBothWays) {
    Connection connection = accepted();
    Received received;
    start(receive_all(&connection.socket, &received, 5));
    connection.peer.write("hello");
    run_until([&] { return received.bytes.size() == 5; });
    EXPECT_EQ(received.bytes, "hello");
    std::optional<Result<void>> sent;
    start(send_text(&connection.socket, "world", &sent));
    run_until([&] { return sent.has_value(); });
    EXPECT_TRUE(sent->ok());
    std::string echoed;
    run_until([&] { return (echoed += connection.peer.read_some()).size() == 5; });
    EXPECT_EQ(echoed, "world");
}

Task<void> echo(Socket* socket, std::uint64_t seed, bool* done) {
    Random random(seed);
    while (true) {
        socket->expect(random.next() % 3 == 0 ? 100'000 : 0);
        Result<Slice> received = co_await socket->receive();
        if (!received.ok() || received->empty()) break;
        // In up to five pieces, some of them empty.
        std::vector<iovec> pieces;
        std::size_t taken = 0;
        for (int i = 0; i < 4; ++i) {
            const std::size_t size = random.next() % (received->size() - taken + 1);
            pieces.push_back({received->mutable_data() + taken, size});
            taken += size;
        }
        pieces.push_back({received->mutable_data() + taken, received->size() - taken});
        const Result<void> sent = co_await socket->send(pieces);
        EXPECT_TRUE(sent.ok());
    }
    socket->shutdown_send();
    *done = true;
}

class SocketEchoTest : public LoopTest, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(SocketEchoTest, ReturnsEveryByteInOrder) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    Random random(GetParam());
    Connection connection = accepted();
    const std::string sent = noise(1'500'000, GetParam());
    bool done = false;
    start(echo(&connection.socket, GetParam(), &done));
    std::string echoed;
    std::size_t written = 0;
    for (int turns = 0; turns < 200'000 && echoed.size() < sent.size(); ++turns) {
        const std::size_t most = random.next() % 4 == 0 ? 200'000 : 3000;
        const std::size_t size = std::min(sent.size() - written, 1 + random.next() % most);
        written += connection.peer.write_some({sent.data() + written, size});
        loop_.turn(random.next() % 2 == 0 ? Duration::zero() : std::chrono::milliseconds(1));
        echoed += connection.peer.read_some(1 + random.next() % 100'000);
    }
    EXPECT_TRUE(echoed == sent);
    ::shutdown(connection.peer.get(), SHUT_WR);
    run_until([&] { return done; });
    run_until([&] { return connection.peer.read_some().empty() && connection.peer.ended; });
}

INSTANTIATE_TEST_SUITE_P(Seeds, SocketEchoTest, testing::Range<std::uint64_t>(1, 7));

TEST_F(SocketTest, SendsEverythingToASlowReader) {
    Connection connection = accepted(65536);
    const int small = 16384;
    ::setsockopt(descriptor_bound_to(far_end_of(connection.peer)), SOL_SOCKET, SO_SNDBUF, &small,
                 sizeof small);
    const std::string text = noise(2'000'000, 1);
    std::optional<Result<void>> sent;
    start(send_text(&connection.socket, text, &sent));
    settle();
    EXPECT_FALSE(sent.has_value()) << "the kernel cannot have taken it all";
    std::string received;
    for (int turns = 0; turns < 1'000'000 && received.size() < text.size(); ++turns) {
        loop_.turn(Duration::zero());
        received += connection.peer.read_some();
    }
    EXPECT_TRUE(received == text);
    run_until([&] { return sent.has_value(); });
    EXPECT_TRUE(sent->ok());
}

TEST_F(SocketTest, TakesAThousandPieces) {
    Connection connection = accepted();
    struct Pieces {
        static Task<void> send(Socket* socket, bool* ok) {
            std::string text(1024, 'x');
            std::vector<iovec> pieces;
            for (char& byte : text)
                pieces.push_back({&byte, 1});
            const Result<void> sent = co_await socket->send(pieces);
            *ok = sent.ok();
        }
        static Task<void> nothing(Socket* socket, bool* ok) {
            std::array<iovec, 2> pieces{};
            const Result<void> sent = co_await socket->send(pieces);
            *ok = sent.ok();
        }
    };
    bool ok = false;
    start(Pieces::send(&connection.socket, &ok));
    std::string received;
    run_until([&] { return (received += connection.peer.read_some()).size() == 1024; });
    run_until([&] { return ok; });
    bool nothing = false;
    start(Pieces::nothing(&connection.socket, &nothing));
    EXPECT_TRUE(nothing) << "nothing to send is sent at once";
}

TEST_F(SocketTest, TellsAFinAgainAndAgain) {
    Connection connection = accepted();
    connection.peer.write("last");
    ::shutdown(connection.peer.get(), SHUT_WR);
    for (int i = 0; i < 3; ++i) {
        Received received;
        start(receive_all(&connection.socket, &received));
        run_until([&] { return received.ended; });
        EXPECT_EQ(received.bytes, i == 0 ? "last" : "");
    }
    EXPECT_TRUE(connection.socket.peer_gone());
    std::optional<Result<void>> sent;
    start(send_text(&connection.socket, "still open this way", &sent));
    run_until([&] { return sent.has_value(); });
    EXPECT_TRUE(sent->ok());
}

TEST_F(SocketTest, TellsAResetFromAFin) {
    Connection connection = accepted();
    Received received;
    start(receive_all(&connection.socket, &received));
    settle();
    connection.peer.reset();
    run_until([&] { return received.error.has_value(); });
    EXPECT_EQ(*received.error, (Error{ErrorCode::reset, Side::client, true}));
    EXPECT_FALSE(received.ended);
}

TEST_F(SocketTest, AResetThatASendIsToldOfIsNoFinForTheReceive) {
    Connection connection = accepted();
    connection.peer.reset();
    for (int i = 0; i < 3; ++i) {
        std::optional<Result<void>> sent;
        start(send_text(&connection.socket, "into the void", &sent));
        run_until([&] { return sent.has_value(); });
    }
    Received received;
    start(receive_all(&connection.socket, &received));
    run_until([&] { return received.error.has_value() || received.ended; });
    EXPECT_FALSE(received.ended);
    ASSERT_TRUE(received.error.has_value());
    EXPECT_EQ(received.error->code, ErrorCode::reset);
}

TEST_F(SocketTest, ResetOnCloseIsSeenAsAReset) {
    Connection connection = accepted();
    connection.socket.reset_on_close();
    connection.socket.close();
    EXPECT_FALSE(connection.socket.open());
    run_until([&] {
        connection.peer.read_some();
        return connection.peer.was_reset;
    });
    EXPECT_FALSE(connection.peer.ended);
}

TEST_F(SocketTest, AnOrdinaryCloseIsAFin) {
    Connection connection = accepted();
    connection.socket.close();
    run_until([&] {
        connection.peer.read_some();
        return connection.peer.ended;
    });
    EXPECT_FALSE(connection.peer.was_reset);
}

TEST_F(SocketTest, NeverDelaysSmallSegments) {
    const Connection incoming = accepted();
    EXPECT_TRUE(sends_without_delay(descriptor_bound_to(far_end_of(incoming.peer))));
    const Connection outgoing = connected();
    EXPECT_TRUE(sends_without_delay(descriptor_bound_to(far_end_of(outgoing.peer))));
}

TEST_F(SocketTest, KnowsItsSideAndItsPeer) {
    const Connection incoming = accepted();
    EXPECT_EQ(incoming.socket.side(), Side::client);
    EXPECT_EQ(incoming.socket.peer().host_text(), "127.0.0.1");
    EXPECT_EQ(&incoming.socket.loop(), &loop_);
    const Connection outgoing = connected();
    EXPECT_EQ(outgoing.socket.side(), Side::backend);
    EXPECT_EQ(far_end_of(outgoing.peer).host_text(), "127.0.0.1");
    EXPECT_NE(outgoing.socket.peer().port(), 0);
}

TEST_F(SocketTest, ConnectSaysWhoRefused) {
    const Endpoint nobody = [this] {
        const Listener listener(loop_, ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0)});
        return listener.local();
    }();
    settle();
    Socket socket(loop_, Side::backend);
    std::optional<Result<void>> result;
    start(connect_to(&socket, nobody, &result));
    run_until([&] { return result.has_value(); });
    ASSERT_FALSE(result->ok());
    EXPECT_EQ(result->error(), (Error{ErrorCode::refused, Side::backend, true}));
}

TEST_F(SocketTest, ConnectSaysWhatIsUnreachable) {
    Socket socket(loop_, Side::backend);
    std::optional<Result<void>> result;
    start(connect_to(&socket, *Endpoint::parse("255.255.255.255", 9), &result));
    run_until([&] { return result.has_value(); });
    ASSERT_FALSE(result->ok());
    EXPECT_EQ(result->error(), (Error{ErrorCode::unreachable, Side::backend, true}));
}

TEST_F(SocketTest, MovesLikeAValue) {
    Connection connection = accepted();
    Socket moved = std::move(connection.socket);
    EXPECT_FALSE(connection.socket.open()); // NOLINT(bugprone-use-after-move): what moving leaves is promised
    connection.peer.write("x");
    Received received;
    start(receive_all(&moved, &received, 1));
    run_until([&] { return received.bytes == "x"; });
    moved = Socket();
    run_until([&] {
        connection.peer.read_some();
        return connection.peer.ended;
    });
}

} // namespace
} // namespace headroom::net
