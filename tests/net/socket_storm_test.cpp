// Thousands of sockets that open, talk, are cancelled, interrupted, reset and closed at random moments.
// What is checked: every operation ends once, nothing leaks, and the loop stays usable. A seed replays a
// storm's decisions (the kernel's timing is its own).
#include "net/random.hpp"
#include "tests/net/loop_fixture.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace headroom::net {
namespace {

/// Odd storms have a tiny ring, whose queues overflow.
class SocketStormTest : public LoopTest, public testing::WithParamInterface<std::uint64_t> {
  protected:
    SocketStormTest()
        : LoopTest(LoopOptions{.small_blocks = GetParam() % 2 == 0 ? 64U : 8U,
                               .large_blocks = GetParam() % 2 == 0 ? 16U : 2U,
                               .queue_entries = GetParam() % 2 == 0 ? 512U : 32U}) {}
};

/// One side of a connection with a will of its own.
struct Party {
    Socket socket;
    Random random;
    int finished = 0;
    explicit Party(std::uint64_t seed) : random(seed) {}
};

/// What everybody says; shared, as nobody looks at what arrives.
std::string& chatter() {
    static std::string text = noise(60'000, 1);
    return text;
}

Task<void> talk(Party* party) {
    char* const text = chatter().data();
    while (party->random.next() % 8 != 0) {
        const std::size_t size = 1 + party->random.next() % (chatter().size() / 2);
        std::array<iovec, 2> pieces{{{text, size / 2}, {text + size, size}}};
        const Result<void> sent = co_await party->socket.send(pieces);
        if (!sent.ok()) break;
    }
    if (party->random.next() % 2 == 0) party->socket.shutdown_send();
    ++party->finished;
}

Task<void> listen(Party* party) {
    std::vector<Slice> held;
    while (party->random.next() % 40 != 0) {
        if (party->random.next() % 5 == 0) party->socket.expect(party->random.next() % 300'000);
        Result<Slice> received = co_await party->socket.receive();
        if (!received.ok() || received->empty()) break;
        if (party->random.next() % 4 == 0) held.push_back(std::move(*received));
        if (held.size() > 8) held.clear();
    }
    ++party->finished;
}

Task<void> connect_and_talk(Loop* loop, Party* party, Endpoint endpoint, Gate* gate) {
    party->socket = Socket(*loop, Side::backend);
    const Result<void> connected = co_await party->socket.connect(endpoint);
    if (!connected.ok()) {
        party->finished += 2;
        co_return;
    }
    EXPECT_TRUE(gate->spawn(listen(party)));
    co_await talk(party);
}

Task<void> serve(Listener* listener, Gate* gate, std::vector<std::unique_ptr<Party>>* parties,
                 std::uint64_t seed) {
    while (true) {
        Result<Socket> accepted = co_await listener->accept();
        if (!accepted.ok()) co_return;
        parties->push_back(std::make_unique<Party>(seed + parties->size()));
        Party* party = parties->back().get();
        party->socket = std::move(*accepted);
        EXPECT_TRUE(gate->spawn(listen(party)));
        EXPECT_TRUE(gate->spawn(talk(party)));
    }
}

/// Does something unkind to one party; closes it when nothing of it is awaited any more.
void meddle(Random& random, Party& party) {
    if (!party.socket.open()) return;
    switch (random.next() % 8) {
        case 0: party.socket.cancel(Error{ErrorCode::cancelled, Side::local, false}); break;
        case 1: party.socket.interrupt_receive(); break;
        case 2: party.socket.interrupt_send(); break;
        case 3: party.socket.reset_on_close(); break;
        default: break;
    }
    if (party.finished == 2 && random.next() % 2 == 0) party.socket.close();
}

TEST_P(SocketStormTest, EveryOperationEndsAndNothingIsLeft) {
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    Random random(GetParam());
    const std::size_t idle_bytes = loop_.buffers().bytes_in_use();
    std::vector<std::unique_ptr<Party>> clients;
    std::vector<std::unique_ptr<Party>> servers;
    Gate gate;
    Listener listener(loop_, ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0)});
    start(serve(&listener, &gate, &servers, GetParam() * 1'000'003));
    constexpr std::size_t connections = 800;
    const auto meddle_with_some = [&] {
        for (auto* parties : {&clients, &servers}) {
            for (int i = 0; i < 30 && !parties->empty(); ++i) {
                meddle(random, *(*parties)[random.next() % parties->size()]);
            }
        }
    };
    while (clients.size() < connections) {
        for (std::size_t i = random.next() % 20; i > 0; --i) {
            clients.push_back(std::make_unique<Party>(random.next()));
            EXPECT_TRUE(gate.spawn(connect_and_talk(&loop_, clients.back().get(), listener.local(), &gate)));
        }
        loop_.turn(Duration::zero());
        meddle_with_some();
    }
    for (int turns = 0; turns < 300; ++turns) {
        loop_.turn(Duration::zero());
        meddle_with_some();
    }
    // A reader who gave up may hold a writer for ever: in the end everybody is cancelled.
    settle();
    for (auto* parties : {&clients, &servers}) {
        for (const auto& party : *parties) {
            if (party->socket.open()) party->socket.cancel(Error{ErrorCode::cancelled, Side::local, false});
        }
    }
    run_until([&] { return gate.inside() == 0; });
    EXPECT_EQ(gate.inside(), 0U);
    listener.stop();
    settle();
    for (auto* parties : {&clients, &servers}) {
        for (const auto& party : *parties)
            EXPECT_EQ(party->finished, 2);
        parties->clear();
    }
    settle();
    EXPECT_EQ(loop_.buffers().bytes_in_use(), idle_bytes);
    Connection usable = accepted();
    usable.peer.write("still here");
    Received received;
    start(receive_all(&usable.socket, &received, 10));
    run_until([&] { return received.bytes == "still here"; });
}

INSTANTIATE_TEST_SUITE_P(Seeds, SocketStormTest, testing::Range<std::uint64_t>(1, 5));

} // namespace
} // namespace headroom::net
