// Records of TLS streams after the handshake: ends, alerts, key updates, tickets, what a watcher is told.
#include "tests/net/tls_fixture.hpp"

#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include <algorithm>

namespace headroom::net {
namespace {

using testing::HasSubstr;

/// A server's callback that makes tickets of several records.
int add_ticket_data(SSL* ssl, void* /*context*/) {
    const std::string data(3000, 't');
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), data.data(), data.size());
}

class TlsRecordsTest : public TlsTest {
  protected:
    TlsRecordsTest() : client_(native_client()), server_(native_server(TestAuthority::shared().issue())) {}

    /// Moves records between `tested` and its far end until `done`; returns the plain bytes that came out
    /// there.
    std::string exchange(Tested& tested, const std::function<bool()>& done) {
        std::string plain;
        run_until([&] {
            pump(tested, plain);
            return done();
        });
        pump(tested, plain);
        return plain;
    }

    void pump(Tested& tested, std::string& plain) {
        tested.native->give_input(tested.peer.read_some());
        plain += tested.native->read();
        unsent_ += tested.native->take_output();
        unsent_.erase(0, tested.peer.write_some(unsent_));
    }

    void send(Tested& tested, std::string_view plain) {
        tested.native->write(plain);
        tested.peer.write(tested.native->take_output());
    }

    NativeContext client_;
    NativeContext server_;
    std::string unsent_; ///< of the far end, while its kernel takes no more
};

TEST_F(TlsRecordsTest, CloseNotifyIsAnOrderlyEnd) {
    const auto tested = server_against(client_.get());
    send(*tested, "last words");
    SSL_shutdown(tested->native->ssl());
    tested->peer.write(tested->native->take_output());
    tested->peer.close();
    Received received;
    start(receive_stream(&tested->stream, &received));
    run_until([&] { return received.ended || received.error; });
    EXPECT_EQ(received.bytes, "last words");
    EXPECT_TRUE(received.ended);
    Received again;
    start(receive_stream(&tested->stream, &again));
    run_until([&] { return again.ended || again.error; });
    EXPECT_TRUE(again.ended);
}

TEST_F(TlsRecordsTest, AFinWithoutCloseNotifyIsATruncation) {
    for (const bool reset : {false, true}) {
        const auto tested = client_against(server_.get());
        send(*tested, "half an answ");
        settle();
        if (reset) {
            tested->peer.reset();
        } else {
            tested->peer.close();
        }
        Received received;
        start(receive_stream(&tested->stream, &received));
        run_until([&] { return received.ended || received.error; });
        ASSERT_TRUE(received.error);
        if (reset) {
            EXPECT_EQ(received.error->code, ErrorCode::reset);
            continue;
        }
        EXPECT_EQ(received.bytes, "half an answ");
        EXPECT_EQ(*received.error, (Error{ErrorCode::tls_protocol, Side::backend, true}));
        EXPECT_THAT(tested->stream.tls()->failure(), HasSubstr("without close_notify"));
    }
}

TEST_F(TlsRecordsTest, ARecordThatIsCutOffIsATruncation) {
    const auto tested = client_against(server_.get());
    tested->native->write("first");
    tested->native->write("second");
    const std::string records = tested->native->take_output();
    tested->peer.write(std::string_view(records).substr(0, records.size() - 1));
    tested->peer.close();
    Received received;
    start(receive_stream(&tested->stream, &received));
    run_until([&] { return received.ended || received.error; });
    EXPECT_EQ(received.bytes, "first");
    EXPECT_EQ(received.error, (Error{ErrorCode::tls_protocol, Side::backend, true}));
}

TEST_F(TlsRecordsTest, FinishSaysCloseNotifyThenFin) {
    const auto tested = server_against(client_.get());
    bool finished = false;
    start(finish_stream(&tested->stream, &finished));
    exchange(*tested, [&] { return finished && tested->peer.ended; });
    EXPECT_EQ(tested->native->error, SSL_ERROR_ZERO_RETURN);
    send(*tested, "still talking");
    Received received;
    start(receive_stream(&tested->stream, &received, 13));
    run_until([&] { return received.bytes.size() == 13 || received.error; });
    EXPECT_EQ(received.bytes, "still talking");
}

TEST_F(TlsRecordsTest, ABrokenRecordIsAnsweredWithAnAlert) {
    const auto tested = server_against(client_.get());
    tested->native->write("good");
    tested->native->write("spoilt on its way");
    std::string records = tested->native->take_output();
    records.back() = static_cast<char>(records.back() ^ 1);
    tested->peer.write(records);
    Received received;
    start(receive_stream(&tested->stream, &received));
    exchange(*tested, [&] { return received.error.has_value(); });
    EXPECT_EQ(received.bytes, "good");
    EXPECT_EQ(*received.error, (Error{ErrorCode::tls_protocol, Side::client, false}));
    EXPECT_THAT(tested->stream.tls()->failure(), HasSubstr("bad record mac"));
    EXPECT_THAT(tested->native->reason, HasSubstr("bad record mac"));
    std::optional<Result<void>> sent;
    start(send_stream(&tested->stream, {"too late"}, &sent));
    run_until([&] { return sent.has_value(); });
    EXPECT_EQ(sent->error().code, ErrorCode::tls_protocol);
}

TEST_F(TlsRecordsTest, GarbageAfterTheHandshakeIsAnError) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const auto tested = client_against(server_.get());
        tested->peer.write(noise(20'000, seed));
        Received received;
        start(receive_stream(&tested->stream, &received));
        run_until([&] { return received.ended || received.error; });
        ASSERT_TRUE(received.error) << "seed " << seed;
        EXPECT_EQ(received.error->code, ErrorCode::tls_protocol) << "seed " << seed;
        EXPECT_EQ(received.bytes, "");
        expect_clean_errors();
    }
}

TEST_F(TlsRecordsTest, RenegotiationIsRefused) {
    SSL_CTX_set_max_proto_version(client_.get(), TLS1_2_VERSION);
    const auto tested = server_against(client_.get());
    EXPECT_EQ(tested->stream.tls()->protocol(), "TLSv1.2");
    SSL_renegotiate(tested->native->ssl());
    SSL_do_handshake(tested->native->ssl());
    Received received;
    start(receive_stream(&tested->stream, &received, 4));
    // The refusal comes as an alert without waiting for a send of ours.
    exchange(*tested, [&] { return !tested->native->reason.empty() || received.error; });
    EXPECT_THAT(tested->native->reason, HasSubstr("no renegotiation"));
    tested->peer.close();
    run_until([&] { return received.error.has_value(); });
}

TEST_F(TlsRecordsTest, KeysAreUpdatedInBothDirectionsWhileBytesFlow) {
    const auto tested = server_against(client_.get());
    const std::string upload = noise(400'000, 1);
    const std::string download = noise(900'000, 2);
    Received received;
    std::optional<Result<void>> sent;
    start(receive_stream(&tested->stream, &received, upload.size()));
    start(send_stream(&tested->stream, {download}, &sent));
    std::string plain;
    std::size_t offset = 0;
    int updates = 0;
    run_until([&] {
        if (offset < upload.size()) {
            if (++updates % 2 == 0) SSL_key_update(tested->native->ssl(), SSL_KEY_UPDATE_REQUESTED);
            if (updates % 3 == 0) SSL_key_update(tested->stream.tls()->native(), SSL_KEY_UPDATE_REQUESTED);
            const std::string_view part = std::string_view(upload).substr(offset, 10'000);
            tested->native->write(part);
            offset += part.size();
        }
        pump(*tested, plain);
        return received.bytes.size() == upload.size() && plain.size() == download.size() && sent.has_value();
    });
    EXPECT_TRUE(sent->ok());
    EXPECT_TRUE(received.bytes == upload);
    EXPECT_TRUE(plain == download);
    EXPECT_GE(updates, 40);
}

TEST_F(TlsRecordsTest, AnswersToKeyUpdatesWaitButNotForEver) {
    const auto tested = server_against(client_.get());
    Received received;
    start(receive_stream(&tested->stream, &received, 1));
    const std::size_t held_before = loop_.buffers().bytes_in_use();
    std::string plain;
    for (int i = 0; i < 2000; ++i) {
        SSL_key_update(tested->native->ssl(), SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(tested->native->ssl());
        pump(*tested, plain);
        if (i % 50 == 0) {
            settle();
            EXPECT_LE(loop_.buffers().bytes_in_use(), held_before + 64 * 1024);
        }
    }
    send(*tested, "x");
    exchange(*tested, [&] { return received.bytes == "x" || received.error; });
    EXPECT_EQ(received.bytes, "x");
    EXPECT_FALSE(received.error);
}

TEST_F(TlsRecordsTest, AnIdleSessionIsNotKeptBusyByKeyUpdates) {
    const auto tested = server_against(client_.get());
    std::vector<Attention> told;
    tested->stream.watch(
        [](void* context, Attention attention) {
            static_cast<std::vector<Attention>*>(context)->push_back(attention);
        },
        &told);
    for (int i = 0; i < 2000 && told.empty(); ++i) {
        SSL_key_update(tested->native->ssl(), SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(tested->native->ssl());
        tested->peer.write(tested->native->take_output());
        loop_.turn(std::chrono::milliseconds(1));
    }
    ASSERT_FALSE(told.empty()) << "2,000 key updates were swallowed";
    EXPECT_LE(loop_.buffers().bytes_in_use(), std::size_t{3} << 20U);
    tested->stream.watch(nullptr, nullptr);
}

TEST_F(TlsRecordsTest, WatchersAreToldOfPlainBytesAndEndsOnly) {
    const auto tested = client_against(server_.get());
    std::vector<Attention> told;
    tested->stream.watch(
        [](void* context, Attention attention) {
            static_cast<std::vector<Attention>*>(context)->push_back(attention);
        },
        &told);
    SSL_new_session_ticket(tested->native->ssl());
    SSL_do_handshake(tested->native->ssl());
    tested->peer.write(tested->native->take_output());
    settle();
    EXPECT_TRUE(told.empty());
    EXPECT_FALSE(tested->stream.has_input());
    tested->native->write("news");
    const std::string record = tested->native->take_output();
    tested->peer.write(std::string_view(record).substr(0, 10)); // not a whole record
    settle();
    EXPECT_TRUE(told.empty());
    tested->peer.write(std::string_view(record).substr(10));
    run_until([&] { return !told.empty(); });
    EXPECT_EQ(told, std::vector{Attention::readable});
    EXPECT_TRUE(tested->stream.has_input());
    told.clear();
    Received received;
    start(receive_stream(&tested->stream, &received, 4));
    run_until([&] { return received.bytes == "news"; });
    EXPECT_FALSE(tested->stream.has_input());
    SSL_shutdown(tested->native->ssl());
    tested->peer.write(tested->native->take_output());
    tested->peer.close();
    run_until([&] { return !told.empty(); });
    settle();
    EXPECT_EQ(told, std::vector{Attention::ended});
    tested->stream.watch(nullptr, nullptr);
}

TEST_F(TlsRecordsTest, SendingWaitsForAMessageThatIsHalfRead) {
    SSL_CTX_set_max_send_fragment(server_.get(), 512);
    SSL_CTX_set_session_ticket_cb(server_.get(), add_ticket_data, nullptr, nullptr);
    for (const bool receiving : {false, true}) {
        const auto tested = client_against(server_.get());
        SSL_new_session_ticket(tested->native->ssl());
        SSL_do_handshake(tested->native->ssl());
        const std::string ticket = tested->native->take_output();
        ASSERT_GT(ticket.size(), 3000U);
        tested->peer.write(std::string_view(ticket).substr(0, 1200));
        Received received;
        if (receiving) start(receive_stream(&tested->stream, &received, 3));
        run_until([&] { return receiving || tested->stream.socket().has_input(); });
        settle();
        EXPECT_FALSE(tested->stream.has_input()); // reads the first records of the ticket
        std::optional<Result<void>> sent;
        start(send_stream(&tested->stream, {"question"}, &sent));
        settle();
        EXPECT_FALSE(sent.has_value());
        tested->peer.write(std::string_view(ticket).substr(1200));
        const std::string plain = exchange(*tested, [&] { return sent.has_value(); });
        EXPECT_TRUE(sent->ok());
        EXPECT_EQ(plain, "question");
        if (!receiving) start(receive_stream(&tested->stream, &received, 3));
        send(*tested, "yes");
        run_until([&] { return received.bytes == "yes"; });
    }
}

TEST_F(TlsRecordsTest, InterruptionsEndEitherDirectionAndLoseNothingOfTheOther) {
    const auto tested = server_against(client_.get());
    Received received;
    start(receive_stream(&tested->stream, &received, 5));
    tested->native->write("hello");
    const std::string record = tested->native->take_output();
    tested->peer.write(std::string_view(record).substr(0, 12));
    settle();
    tested->stream.interrupt_receive();
    run_until([&] { return received.error.has_value(); });
    EXPECT_EQ(*received.error, (Error{ErrorCode::interrupted, Side::client, false}));
    tested->peer.write(std::string_view(record).substr(12));
    Received rest;
    std::optional<Result<void>> sent;
    start(send_stream(&tested->stream, {std::string(std::size_t{64} << 20U, 'x')}, &sent));
    settle();
    ASSERT_FALSE(sent.has_value()); // nobody reads
    tested->stream.interrupt_send();
    run_until([&] { return sent.has_value(); });
    EXPECT_EQ(sent->error(), (Error{ErrorCode::interrupted, Side::client, false}));
    start(receive_stream(&tested->stream, &rest, 5));
    run_until([&] { return rest.bytes == "hello"; });
    start(send_stream(&tested->stream, {"more"}, &sent));
    run_until([&] { return sent.has_value(); });
    EXPECT_FALSE(sent->ok()) << "records were lost: no more may follow";
}

TEST_F(TlsRecordsTest, AHeadAndTheFirstBytesOfItsBodyShareARecord) {
    const auto tested = server_against(client_.get());
    std::optional<Result<void>> sent;
    start(send_stream(&tested->stream, {"HTTP/1.1 200 OK\r\n", "", "\r\n", "body"}, &sent));
    run_until([&] { return sent.has_value(); });
    std::string records;
    run_until([&] { return !(records += tested->peer.read_some()).empty(); });
    // One record: its header tells the length of all that came (RFC 8446 §5.2).
    ASSERT_GE(records.size(), 5U);
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(records[3]) << 8U |
                                                 static_cast<unsigned char>(records[4]));
    EXPECT_EQ(records.size(), 5 + length);
    tested->native->give_input(records);
    EXPECT_EQ(tested->native->read(), "HTTP/1.1 200 OK\r\n\r\nbody");
}

TEST_F(TlsRecordsTest, BodiesAreReadIntoFewBlocks) {
    const auto tested = server_against(client_.get());
    const std::size_t before = loop_.buffers().bytes_in_use();
    std::vector<Slice> held;
    std::size_t total = 0;
    constexpr std::size_t body = 200'000;
    tested->stream.expect(body);
    start([](Stream* stream, std::vector<Slice>* into, std::size_t* bytes) -> Task<void> {
        while (*bytes < body) {
            Result<Slice> piece = co_await stream->receive();
            if (!piece.ok()) co_return;
            *bytes += piece->size();
            into->push_back(std::move(*piece));
        }
    }(&tested->stream, &held, &total));
    const std::string text = noise(body, 7);
    for (std::size_t at = 0; at < body; at += 1000) {
        send(*tested, std::string_view(text).substr(at, 1000));
        loop_.turn(std::chrono::milliseconds(1));
    }
    run_until([&] { return total == body; });
    std::string whole;
    for (const Slice& piece : held)
        whole += piece.view();
    EXPECT_TRUE(whole == text);
    EXPECT_LE(loop_.buffers().bytes_in_use(), before + body + 3 * BufferPool::large_bytes);
}

} // namespace
} // namespace headroom::net
