// What Stream promises, plain and over TLS alike: every byte in both directions at once, and an end to every
// wait.
#include "net/random.hpp"
#include "tests/net/tls_fixture.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

namespace headroom::net {
namespace {

std::uint64_t first_seed() {
    const char* given = std::getenv("HEADROOM_SEED"); // replays what a failure has printed
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
}

/// Makes the buffers of every socket of this process that is connected to `port` or from it as small as they
/// get.
void shrink_buffers(std::uint16_t port) {
    for (int descriptor = 3; descriptor < 256; ++descriptor) {
        sockaddr_storage storage{};
        socklen_t length = sizeof storage;
        if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) continue;
        const auto own = Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length);
        length = sizeof storage;
        if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) continue;
        const auto peer = Endpoint::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length);
        if (!own || !peer || (own->port() != port && peer->port() != port)) continue;
        // Only the sending side: a small receive buffer makes the kernel wait for its own timers.
        const int least = 1;
        ::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    }
}

/// Sends `text` in pieces and batches of random size.
Task<void> send_randomly(Stream* stream, const std::string* text, std::uint64_t seed, Result<void>* result,
                         bool* done) {
    Random random(seed);
    std::string copy = *text;
    std::size_t at = 0;
    while (at < copy.size() && result->ok()) {
        std::vector<iovec> pieces;
        const std::size_t count = 1 + random.next() % 5;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t wanted = random.next() % (random.next() % 4 == 0 ? 40'000 : 900);
            const std::size_t size = std::min(wanted, copy.size() - at);
            pieces.push_back({copy.data() + at, size});
            at += size;
        }
        *result = co_await stream->send(pieces);
    }
    if (result->ok()) co_await stream->finish();
    *done = true;
}

/// Sends back whatever comes, until the end.
Task<void> echo(Stream* stream, std::uint64_t seed, bool* done) {
    Random random(seed);
    for (;;) {
        if (random.next() % 3 == 0) stream->expect(random.next() % 100'000);
        Result<Slice> received = co_await stream->receive();
        if (!received.ok() || received->empty()) break;
        iovec piece{received->mutable_data(), received->size()};
        if (!(co_await stream->send({&piece, 1})).ok()) break;
    }
    co_await stream->finish();
    *done = true;
}

/// As receive_stream, and says when it has ended.
Task<void> collect(Stream* stream, Received* into, bool* done) {
    co_await receive_stream(stream, into);
    *done = true;
}

class StreamTest : public TlsTest, public testing::WithParamInterface<bool> {
  protected:
    bool secure_ones() const { return GetParam(); }

    std::unique_ptr<StreamPair> streams() { return secure_ones() ? secure_pair() : pair(); }

    struct Talk {
        Received received;
        Result<void> sent;
        bool echoed = false;
        bool sender_done = false;
        bool receiver_done = false;
        bool over() const { return echoed && sender_done && receiver_done; }
    };

    void talk(StreamPair& pair, const std::string& text, std::uint64_t seed, Talk& into) {
        start(echo(&pair.server, seed + 1, &into.echoed));
        start(send_randomly(&pair.client, &text, seed, &into.sent, &into.sender_done));
        start(collect(&pair.client, &into.received, &into.receiver_done));
    }
};

TEST_P(StreamTest, EveryByteComesBackInOrder) {
    for (std::uint64_t seed = first_seed(); seed < first_seed() + 10; ++seed) {
        SCOPED_TRACE("HEADROOM_SEED=" + std::to_string(seed));
        auto both = streams();
        const std::string text = noise(300'000 + seed % 7 * 50'000, seed);
        Talk result;
        talk(*both, text, seed, result);
        run_until([&] { return result.over(); }, 20'000);
        EXPECT_TRUE(result.sent.ok());
        EXPECT_TRUE(result.received.ended);
        EXPECT_TRUE(result.received.bytes == text);
    }
}

TEST_P(StreamTest, EveryByteComesBackThroughSmallBuffers) {
    const std::uint64_t seed = first_seed();
    SCOPED_TRACE("HEADROOM_SEED=" + std::to_string(seed));
    auto both = streams();
    shrink_buffers(both->client.socket().peer().port());
    const std::string text = noise(60'000, seed);
    Talk result;
    talk(*both, text, seed, result);
    run_until([&] { return result.over(); }, 50'000);
    EXPECT_TRUE(result.received.ended);
    EXPECT_TRUE(result.received.bytes == text);
}

TEST_P(StreamTest, BothDirectionsMoveAtOnce) {
    auto both = streams();
    const std::string up = noise(3'000'000, 1);
    const std::string down = noise(2'000'000, 2);
    Received at_server;
    Received at_client;
    std::optional<Result<void>> sent_up;
    std::optional<Result<void>> sent_down;
    start(receive_stream(&both->server, &at_server, up.size()));
    start(receive_stream(&both->client, &at_client, down.size()));
    start(send_stream(&both->client, {up}, &sent_up));
    start(send_stream(&both->server, {down}, &sent_down));
    run_until([&] { return at_server.bytes.size() == up.size() && at_client.bytes.size() == down.size(); },
              5000);
    EXPECT_TRUE(at_server.bytes == up);
    EXPECT_TRUE(at_client.bytes == down);
    run_until([&] { return sent_up.has_value() && sent_down.has_value(); });
}

TEST_P(StreamTest, ASlowPeerHoldsABoundedNumberOfBytes) {
    auto both = streams();
    settle();
    const std::size_t before = loop_.buffers().bytes_in_use();
    std::optional<Result<void>> sent;
    start(send_stream(&both->server, {std::string(std::size_t{32} << 20U, 'x')}, &sent));
    settle();
    EXPECT_FALSE(sent.has_value());
    EXPECT_LE(loop_.buffers().bytes_in_use(), before + 2 * BufferPool::large_bytes + (std::size_t{1} << 20U));
    both->server.cancel({ErrorCode::timed_out, Side::client, false});
    run_until([&] { return sent.has_value(); });
    EXPECT_EQ(sent->error().code, ErrorCode::timed_out);
}

TEST_P(StreamTest, AStreamMayMoveBetweenOperations) {
    auto both = streams();
    Stream server = std::move(both->server);
    both->server = Stream();
    EXPECT_FALSE(both->server.open());
    Received received;
    std::optional<Result<void>> sent;
    start(receive_stream(&server, &received, 2));
    start(send_stream(&both->client, {"hi"}, &sent));
    run_until([&] { return received.bytes == "hi" && sent.has_value(); });
    EXPECT_EQ(server.secure(), secure_ones());
}

TEST_P(StreamTest, APeerThatHasFinishedStillReads) {
    auto both = streams();
    std::vector<Attention> told;
    both->server.watch(
        [](void* context, Attention attention) {
            static_cast<std::vector<Attention>*>(context)->push_back(attention);
        },
        &told);
    bool finished = false;
    start(finish_stream(&both->client, &finished));
    run_until([&] { return finished && !told.empty(); });
    settle();
    EXPECT_EQ(told, std::vector{Attention::ended}) << "half closed is not lost";
    Received received;
    std::optional<Result<void>> sent;
    start(send_stream(&both->server, {"all the same"}, &sent));
    start(receive_stream(&both->client, &received, 12));
    run_until([&] { return received.bytes == "all the same" && sent.has_value(); });
    EXPECT_EQ(told.size(), 1U);
    both->client.socket().reset_on_close();
    both->client.close();
    run_until([&] { return told.size() == 2; });
    EXPECT_EQ(told.back(), Attention::failed);
    both->server.watch(nullptr, nullptr);
}

TEST_P(StreamTest, EveryWaitEndsWhereverItIsCancelled) {
    const auto server = server_context();
    const auto client = client_context();
    Random random(first_seed());
    const std::string bulk = noise(220'000, random.next());
    for (int round = 0; round < 500; ++round) {
        SCOPED_TRACE("HEADROOM_SEED=" + std::to_string(first_seed()) + " round " + std::to_string(round));
        auto both = pair();
        std::optional<Result<void>> accepted;
        std::optional<Result<void>> connected;
        if (secure_ones()) {
            start(await_result(both->server.accept_tls(*server), &accepted));
            start(await_result(both->client.connect_tls(*client, "localhost"), &connected));
        } else {
            accepted = connected = Result<void>();
        }
        Talk result;
        const std::string text = bulk.substr(random.next() % 200'000);
        const std::uint64_t turns = random.next() % 30;
        bool talking = false;
        for (std::uint64_t turn = 0; turn < turns && !(talking && result.over()); ++turn) {
            loop_.turn(std::chrono::milliseconds(1));
            if (!talking && accepted && connected && accepted->ok() && connected->ok()) {
                talking = true;
                talk(*both, text, random.next(), result);
            }
        }
        Stream& victim = random.next() % 2 == 0 ? both->server : both->client;
        const Error error{random.next() % 2 == 0 ? ErrorCode::cancelled : ErrorCode::timed_out, Side::local,
                          false};
        victim.cancel(error);
        // The other end is told by a FIN or RST when the first one closes, as in a real end of an exchange.
        Stream& other = &victim == &both->server ? both->client : both->server;
        if (random.next() % 2 == 0) other.cancel(error);
        run_until([&] { return gate_.inside() < 3 || other.has_input(); });
        other.cancel(error);
        run_until([&] { return gate_.inside() == 0; });
    }
    settle();
    expect_clean_errors();
}

INSTANTIATE_TEST_SUITE_P(Streams, StreamTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "Plain"; });

} // namespace
} // namespace headroom::net
