// Seeded chaos on TLS sessions: any operation in any order, records in pieces of any size, sometimes spoilt.
// What must hold: what arrives is a prefix of what was sent, everything when nothing was spoilt or given up,
// every wait ends, no block and no OpenSSL error is left over.
#include "net/random.hpp"
#include "tests/net/tls_fixture.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdlib>

namespace headroom::net {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// One session against OpenSSL, and what both sides have sent and got.
class Chaos {
  public:
    Chaos(Loop& loop, Gate& gate, std::uint64_t seed, Stream& stream, NativePeer& native, Descriptor& peer)
        : loop_(loop), gate_(gate), random_(seed), stream_(stream), native_(native), peer_(peer) {}

    void act();
    /// Lets everything under way arrive.
    void drain();
    /// Everything that can arrive has arrived.
    bool complete() const {
        return !sending_ && (given_up_ || peer_got_.size() == stream_sent_.size()) &&
               stream_got_.size() == peer_sent_.size();
    }
    bool spoilt() const { return spoilt_; }
    void expect_consistent() const;
    void stop_everything() { stream_.cancel({ErrorCode::cancelled, Side::local, false}); }
    bool over() const { return !sending_ && !receiving_; }

  private:
    Task<void> send(std::vector<std::string> pieces);
    Task<void> receive();
    void act_on_stream();
    void act_on_peer();
    void move(std::size_t bytes_max);
    std::string some() {
        return noise(random_.next() % (random_.next() % 5 == 0 ? 60'000 : 700), random_.next());
    }

    Loop& loop_;
    Gate& gate_;
    Random random_;
    Stream& stream_;
    NativePeer& native_;
    Descriptor& peer_;
    std::string outgoing_; ///< records of the peer that are still on their way
    std::string stream_sent_;
    std::string stream_got_;
    std::string peer_sent_;
    std::string peer_got_;
    bool sending_ = false;
    bool receiving_ = false;
    bool spoilt_ = false;   ///< bytes on the wire were changed or lost
    bool given_up_ = false; ///< a send was interrupted or failed
    bool peer_done_ = false;
};

Task<void> Chaos::send(std::vector<std::string> pieces) {
    std::vector<iovec> vectors;
    vectors.reserve(pieces.size());
    for (std::string& piece : pieces) {
        stream_sent_ += piece;
        vectors.push_back({piece.data(), piece.size()});
    }
    if (!(co_await stream_.send(vectors)).ok()) given_up_ = true;
    sending_ = false;
}

Task<void> Chaos::receive() {
    Result<Slice> received = co_await stream_.receive();
    if (received.ok()) stream_got_ += received->view();
    receiving_ = false;
}

void Chaos::act() {
    switch (random_.next() % 4) {
        case 0: act_on_stream(); return;
        case 1: act_on_peer(); return;
        case 2: move(random_.next() % (random_.next() % 3 == 0 ? 100'000 : 600)); return;
        default: loop_.turn(std::chrono::milliseconds(0)); return;
    }
}

void Chaos::act_on_stream() {
    const std::uint64_t choice = random_.next() % 16;
    if (choice < 4 && !sending_) {
        sending_ = true;
        std::vector<std::string> pieces(1 + random_.next() % 3);
        std::ranges::generate(pieces, [this] { return some(); });
        gate_.spawn(send(std::move(pieces)));
    } else if (choice < 10 && !receiving_) {
        receiving_ = true;
        gate_.spawn(receive());
    } else if (choice == 10) {
        stream_.expect(random_.next() % 100'000);
    } else if (choice == 11) {
        stream_.interrupt_receive();
    } else if (choice == 12 && random_.next() % 20 == 0) {
        stream_.interrupt_send();
    } else if (choice == 13) {
        std::ignore = stream_.has_input();
    } else if (choice == 14 && !spoilt_ && !given_up_) {
        SSL_key_update(stream_.tls()->native(), SSL_KEY_UPDATE_REQUESTED); // fails before TLS 1.3
        ERR_clear_error();
    }
}

void Chaos::act_on_peer() {
    SSL* ssl = native_.ssl();
    const std::uint64_t choice = random_.next() % 16;
    if (choice < 8 && !peer_done_) {
        const std::string text = some();
        std::size_t written = 0;
        if (!text.empty() && SSL_write_ex(ssl, text.data(), text.size(), &written) == 1) peer_sent_ += text;
    } else if (choice < 11 && !peer_done_) {
        if (SSL_key_update(ssl, random_.next() % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED
                                                        : SSL_KEY_UPDATE_NOT_REQUESTED) == 1) {
            SSL_do_handshake(ssl);
        }
    } else if (choice < 13 && !peer_done_) {
        if (SSL_is_server(ssl) == 1 && SSL_new_session_ticket(ssl) == 1) SSL_do_handshake(ssl);
    } else if (choice == 13 && random_.next() % 100 == 0) {
        peer_done_ = true;
        SSL_shutdown(ssl);
    } else if (choice == 14 && random_.next() % 30 == 0 && !outgoing_.empty()) {
        spoilt_ = true;
        char& byte = outgoing_[random_.next() % outgoing_.size()];
        byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << random_.next() % 8));
    }
    ERR_clear_error();
}

/// Records on their way: from the peer as far as its kernel takes them, to the peer as they have come.
void Chaos::move(std::size_t bytes_max) {
    outgoing_ += native_.take_output();
    const std::string_view part = std::string_view(outgoing_).substr(0, bytes_max);
    outgoing_.erase(0, part.empty() ? 0 : peer_.write_some(part));
    native_.give_input(peer_.read_some());
    peer_got_ += native_.read();
}

void Chaos::drain() {
    move(SIZE_MAX);
    if (!receiving_ && stream_.has_input() && stream_got_.size() < peer_sent_.size()) {
        receiving_ = true;
        gate_.spawn(receive());
    }
}

void Chaos::expect_consistent() const {
    EXPECT_TRUE(peer_sent_.starts_with(stream_got_));
    EXPECT_TRUE(stream_sent_.starts_with(peer_got_));
    if (spoilt_) return;
    EXPECT_EQ(stream_got_.size(), peer_sent_.size()) << stream_.tls()->failure();
    if (!given_up_) EXPECT_EQ(peer_got_.size(), stream_sent_.size());
}

class TlsChaosTest : public TlsTest, public testing::WithParamInterface<int> {};

TEST_P(TlsChaosTest, NothingIsLostInventedOrLeaked) {
    const std::uint64_t first = number_from("HEADROOM_SEED", 1); // what a failure has printed
    const std::uint64_t count = number_from("HEADROOM_SEEDS", 20);
    const NativeContext client = native_client();
    const NativeContext server = native_server(TestAuthority::shared().issue());
    SSL_CTX_set_max_proto_version(client.get(), GetParam());
    SSL_CTX_set_max_proto_version(server.get(), GetParam());
    settle();
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        SCOPED_TRACE("HEADROOM_SEED=" + std::to_string(seed));
        const std::size_t blocks_before = loop_.buffers().bytes_in_use();
        auto tested = seed % 2 == 0 ? server_against(client.get()) : client_against(server.get());
        Chaos chaos(loop_, gate_, seed, tested->stream, *tested->native, tested->peer);
        for (int step = 0; step < 600; ++step)
            chaos.act();
        // Where nothing was spoilt everything arrives, if only after the kernel's timers; else what moves
        // does.
        const int idle_max = chaos.spoilt() ? 5 : 300;
        for (int turns = 0, idle = 0; idle < idle_max && turns < 20'000 && !chaos.complete(); ++turns) {
            chaos.drain();
            idle = loop_.turn(std::chrono::milliseconds(10)) ? 0 : idle + 1;
        }
        chaos.expect_consistent();
        chaos.stop_everything();
        run_until([&] { return chaos.over(); });
        tested.reset();
        settle();
        EXPECT_EQ(loop_.buffers().bytes_in_use(), blocks_before);
        expect_clean_errors();
        if (HasFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(Tls, TlsChaosTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& info) { return info.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

} // namespace
} // namespace headroom::net
