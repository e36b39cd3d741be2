// Handshakes of TLS streams: who is believed, who is not, and what the log would say.
#include "net/tls/session_cache.hpp"
#include "tests/net/tls_fixture.hpp"

#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace headroom::net {
namespace {

using testing::HasSubstr;

struct Refusal {
    const char* name;
    IdentityOptions identity;
    const char* asked_for;
    const char* failure;
};

class RefusedCertificate : public TlsTest, public testing::WithParamInterface<Refusal> {};

TEST_P(RefusedCertificate, IsNamedInTheFailure) {
    const Refusal& refusal = GetParam();
    auto streams = pair();
    const Outcome outcome =
        secure(*streams, *server_context(refusal.identity), *client_context(), refusal.asked_for);
    ASSERT_FALSE(outcome.connected.ok());
    EXPECT_EQ(outcome.connected.error(), (Error{ErrorCode::tls_certificate, Side::backend, true}));
    EXPECT_THAT(streams->client.tls()->failure(), HasSubstr(refusal.failure));
    ASSERT_FALSE(outcome.accepted.ok());
    EXPECT_EQ(outcome.accepted.error(), (Error{ErrorCode::tls_handshake, Side::client, false}));
    EXPECT_THAT(streams->server.tls()->failure(), HasSubstr("the peer's alert: "));
}

INSTANTIATE_TEST_SUITE_P(Tls, RefusedCertificate,
                         testing::Values(Refusal{"Expired",
                                                 {.valid_from_hours = -48, .valid_to_hours = -24},
                                                 "localhost",
                                                 "certificate has expired (not after "},
                                         Refusal{"NotYetValid",
                                                 {.valid_from_hours = 24, .valid_to_hours = 48},
                                                 "localhost",
                                                 "not yet valid (not before "},
                                         Refusal{"WrongHost",
                                                 {.hosts = {"a.example", "*.b.example"}},
                                                 "localhost",
                                                 "certificate is for a.example, *.b.example"},
                                         Refusal{"NoHostAtAll",
                                                 {.hosts = {}, .common_name = "localhost"},
                                                 "localhost",
                                                 "certificate names no host"},
                                         Refusal{"WrongAddress",
                                                 {.addresses = {"10.1.2.3"}},
                                                 "127.0.0.1",
                                                 "certificate is for localhost, 10.1.2.3"},
                                         Refusal{"SelfSigned",
                                                 {.common_name = "stranger", .self_signed = true},
                                                 "localhost",
                                                 "(issuer /CN=stranger)"},
                                         Refusal{"WildcardOfTwoLabels",
                                                 {.hosts = {"*.b.example"}},
                                                 "x.y.b.example",
                                                 "certificate is for *.b.example"},
                                         Refusal{"PartialWildcard",
                                                 {.hosts = {"a*.b.example"}},
                                                 "ab.b.example",
                                                 "certificate is for a*.b.example"}),
                         [](const auto& info) { return info.param.name; });

struct Acceptance {
    const char* name;
    IdentityOptions identity;
    const char* asked_for;
};

class AcceptedCertificate : public TlsTest, public testing::WithParamInterface<Acceptance> {};

TEST_P(AcceptedCertificate, SecuresBothEnds) {
    auto streams = pair();
    const Outcome outcome =
        secure(*streams, *server_context(GetParam().identity), *client_context(), GetParam().asked_for);
    EXPECT_TRUE(outcome.accepted.ok()) << streams->server.tls()->failure();
    EXPECT_TRUE(outcome.connected.ok()) << streams->client.tls()->failure();
    EXPECT_EQ(streams->client.tls()->protocol(), "TLSv1.3");
    EXPECT_EQ(streams->server.tls()->failure(), "");
    for (const Stream* stream : {&streams->server, &streams->client}) {
        const unsigned char* name = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(stream->tls()->native(), &name, &size);
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(name), size), "http/1.1");
    }
}

INSTANTIATE_TEST_SUITE_P(Tls, AcceptedCertificate,
                         testing::Values(Acceptance{"Host", {}, "localhost"},
                                         Acceptance{"FinalDot", {}, "localhost."},
                                         Acceptance{"OtherCase", {.hosts = {"Api.Example"}}, "aPI.example"},
                                         Acceptance{"Wildcard", {.hosts = {"*.b.example"}}, "x.b.example"},
                                         Acceptance{"Address", {.addresses = {"127.0.0.1"}}, "127.0.0.1"},
                                         Acceptance{"Address6", {.addresses = {"::1"}}, "[::1]"}),
                         [](const auto& info) { return info.param.name; });

class TlsHandshakeTest : public TlsTest {
  protected:
    /// What a server under test says to a native client.
    Result<void> accept_from(NativePeer& native, std::string* failure, std::string* alert) {
        Connection connection = accepted();
        Stream stream(std::move(connection.socket));
        std::optional<Result<void>> done;
        start(await_result(stream.accept_tls(*server_context()), &done));
        run_until([&] { return (native.step(connection.peer), done.has_value()); });
        native.step(connection.peer);
        *alert = native.reason;
        *failure = stream.tls()->failure();
        return *std::move(done);
    }

    /// What a handshake as a client says to the given bytes of the far end.
    std::string connect_to_bytes(std::string_view bytes, Result<void>* result) {
        Connection connection = connected();
        Stream stream(std::move(connection.socket));
        std::optional<Result<void>> done;
        start(await_result(stream.connect_tls(*client_context(), "localhost"), &done));
        connection.peer.write(bytes);
        run_until([&] { return done.has_value(); });
        *result = *std::move(done);
        return stream.tls()->failure();
    }
};

TEST_F(TlsHandshakeTest, WithoutVerificationAnythingGoes) {
    auto streams = pair();
    const Outcome outcome =
        secure(*streams, *server_context({.hosts = {"other.example"}, .self_signed = true}),
               *client_context(false), "localhost");
    EXPECT_TRUE(outcome.connected.ok());
    EXPECT_EQ(streams->client.tls()->failure(), "");
}

TEST_F(TlsHandshakeTest, AnEmptyNameIsNotAPassport) {
    auto streams = pair();
    std::optional<Result<void>> connected;
    start(await_result(streams->client.connect_tls(*client_context(), ""), &connected));
    run_until([&] { return connected.has_value(); });
    EXPECT_EQ(connected->error().code, ErrorCode::tls_handshake);
    EXPECT_THAT(streams->client.tls()->failure(), HasSubstr("not a host name"));
}

TEST_F(TlsHandshakeTest, OnlyH2IsRefusedWithItsAlert) {
    const NativeContext context = native_client();
    constexpr std::string_view h2 = "\x02h2";
    SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(h2.data()), h2.size());
    NativePeer native(context.get(), true);
    std::string failure;
    std::string alert;
    const Result<void> result = accept_from(native, &failure, &alert);
    EXPECT_EQ(result.error(), (Error{ErrorCode::tls_handshake, Side::client, false}));
    EXPECT_THAT(failure, HasSubstr("no application protocol"));
    EXPECT_THAT(alert, HasSubstr("no application protocol"));
}

TEST_F(TlsHandshakeTest, H2AndHttp11AgreeOnHttp11) {
    const NativeContext context = native_client();
    constexpr std::string_view both = "\x02h2\x08http/1.1";
    SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(both.data()), both.size());
    const auto tested = server_against(context.get());
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(tested->native->ssl(), &name, &size);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(name), size), "http/1.1");
}

TEST_F(TlsHandshakeTest, ClientsWithoutAlpnAreWelcome) {
    const NativeContext context = native_client();
    const auto tested = server_against(context.get());
    EXPECT_TRUE(tested->stream.secure());
}

TEST_F(TlsHandshakeTest, AServersForeignProtocolIsRefused) {
    const NativeContext context = native_server(TestAuthority::shared().issue());
    SSL_CTX_set_alpn_select_cb(
        context.get(),
        [](SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char*, unsigned, void*) {
            *chosen = reinterpret_cast<const unsigned char*>("h2");
            *size = 2;
            return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
    Connection connection = connected();
    Stream stream(std::move(connection.socket));
    NativePeer native(context.get(), false);
    std::optional<Result<void>> done;
    start(await_result(stream.connect_tls(*client_context(), "localhost"), &done));
    run_until([&] { return (native.step(connection.peer), done.has_value()); });
    EXPECT_EQ(done->error(), (Error{ErrorCode::tls_handshake, Side::backend, true}));
    EXPECT_NE(stream.tls()->failure(), "");
}

TEST_F(TlsHandshakeTest, OldVersionsAreRefused) {
    const NativeContext context = native_client();
    SSL_CTX_set_security_level(context.get(), 0);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
    NativePeer native(context.get(), true);
    std::string failure;
    std::string alert;
    EXPECT_EQ(accept_from(native, &failure, &alert).error().code, ErrorCode::tls_handshake);
    EXPECT_THAT(failure, HasSubstr("unsupported protocol"));
    EXPECT_THAT(alert, HasSubstr("protocol version"));
}

TEST_F(TlsHandshakeTest, PlainHttpOnATlsPortIsNamed) {
    for (const std::string_view text :
         {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n", "POST /v1/chat HTTP/1.1\r\n"}) {
        Connection connection = accepted();
        Stream stream(std::move(connection.socket));
        std::optional<Result<void>> done;
        start(await_result(stream.accept_tls(*server_context()), &done));
        connection.peer.write(text);
        run_until([&] { return done.has_value(); });
        EXPECT_EQ(done->error(), (Error{ErrorCode::tls_handshake, Side::client, false}));
        EXPECT_EQ(stream.tls()->failure(), "the peer speaks plain HTTP, not TLS");
    }
}

TEST_F(TlsHandshakeTest, APlainHttpBackendIsNamed) {
    Result<void> result;
    EXPECT_EQ(connect_to_bytes("HTTP/1.1 400 Bad Request\r\n\r\n", &result),
              "the peer speaks plain HTTP, not TLS");
    EXPECT_EQ(result.error(), (Error{ErrorCode::tls_handshake, Side::backend, true}));
}

TEST_F(TlsHandshakeTest, GarbageIsRefused) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        Result<void> result;
        // A whole record of it; anything shorter would have to be waited for.
        const std::string record = "\x16\x03\x03" + std::string("\x04\x00", 2) + noise(1024, seed);
        EXPECT_NE(connect_to_bytes(record, &result), "") << "seed " << seed;
        EXPECT_EQ(result.error().code, ErrorCode::tls_handshake) << "seed " << seed;
    }
}

TEST_F(TlsHandshakeTest, AnEarlyEndIsClosed) {
    Connection connection = accepted();
    Stream stream(std::move(connection.socket));
    std::optional<Result<void>> done;
    start(await_result(stream.accept_tls(*server_context()), &done));
    connection.peer.write("\x16\x03\x01");
    connection.peer.close();
    run_until([&] { return done.has_value(); });
    EXPECT_EQ(done->error(), (Error{ErrorCode::closed, Side::client, false}));
    EXPECT_THAT(stream.tls()->failure(), HasSubstr("during the handshake"));
}

TEST_F(TlsHandshakeTest, AHalfOpenHandshakeEndsWhenItIsCancelled) {
    Connection connection = accepted();
    Stream stream(std::move(connection.socket));
    std::optional<Result<void>> done;
    start(await_result(stream.accept_tls(*server_context()), &done));
    settle();
    EXPECT_FALSE(done.has_value());
    stream.cancel({ErrorCode::timed_out, Side::client, false});
    run_until([&] { return done.has_value(); });
    EXPECT_EQ(done->error(), (Error{ErrorCode::timed_out, Side::client, false}));
}

TEST_F(TlsHandshakeTest, SessionsAreResumed) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const auto server = server_context();
        const auto client = client_context();
        SSL_CTX_set_max_proto_version(client->native(), version);
        TlsSessionCache cache;
        for (int round = 0; round < 3; ++round) {
            auto streams = pair();
            const Outcome outcome = secure(*streams, *server, *client, "localhost", &cache);
            ASSERT_TRUE(outcome.connected.ok() && outcome.accepted.ok());
            EXPECT_EQ(streams->client.tls()->resumed(), round > 0);
            EXPECT_EQ(streams->server.tls()->resumed(), round > 0);
            // TLS 1.3 brings tickets with the first records after the handshake.
            Received received;
            std::optional<Result<void>> sent;
            start(receive_stream(&streams->client, &received, 1));
            start(send_stream(&streams->server, {"x"}, &sent));
            run_until([&] { return received.bytes == "x" && sent.has_value(); });
            EXPECT_GT(cache.size(), 0U);
            EXPECT_LE(cache.size(), TlsSessionCache::sessions_max);
        }
    }
}

TEST_F(TlsHandshakeTest, ASessionOfAnotherServerIsNotResumedButHarmless) {
    const auto client = client_context();
    TlsSessionCache cache;
    for (int round = 0; round < 2; ++round) {
        auto streams = pair();
        const auto server = server_context(); // new ticket keys every time
        const Outcome outcome = secure(*streams, *server, *client, "localhost", &cache);
        ASSERT_TRUE(outcome.connected.ok() && outcome.accepted.ok());
        EXPECT_FALSE(streams->client.tls()->resumed());
        EXPECT_FALSE(streams->client.has_input()); // takes the tickets
        run_until([&] { return streams->client.has_input() || cache.size() > 0; });
    }
}

class TlsMemoryTest : public TlsTest {
  public:
    TlsMemoryTest() : TlsTest(LoopOptions{.memory_bytes_max = std::size_t{8} << 20U}) {}
};

TEST_F(TlsMemoryTest, TheBoundEndsASendAndPutsOffAReceive) {
    auto streams = secure_pair();
    settle();
    std::optional<Result<void>> sent;
    start(send_stream(&streams->client, {"hello"}, &sent));
    run_until([&] { return streams->server.socket().has_input() && sent.has_value(); });
    BufferPool& pool = loop_.buffers();
    std::vector<Slice> hoard;
    while (pool.has_room_for(BufferPool::small_bytes)) {
        Block* block = pool.acquire_exact(BufferPool::small_bytes);
        hoard.emplace_back(block, block->data(), 0);
    }
    Received received;
    start(receive_stream(&streams->server, &received, 5));
    run_until([&] { return received.error.has_value(); });
    EXPECT_EQ(*received.error, (Error{ErrorCode::no_memory, Side::client, false}));
    start(send_stream(&streams->client, {"one", "two"}, &sent));
    run_until([&] { return sent.has_value() && !sent->ok(); });
    EXPECT_EQ(sent->error(), (Error{ErrorCode::no_memory, Side::backend, true}));
    hoard.clear();
    Received later;
    start(receive_stream(&streams->server, &later, 5));
    run_until([&] { return later.bytes == "hello"; });
}

TEST(TlsContextTest, SaysWhichFileIsWrong) {
    const Identity good = TestAuthority::shared().issue();
    const Identity other = TestAuthority::shared().issue();
    const auto failure = [](const auto& options) -> std::string {
        try {
            const TlsContext context(options);
            return "";
        } catch (const std::runtime_error& error) {
            return error.what();
        }
    };
    EXPECT_EQ(failure(TlsContext::ServerOptions{good.certificate_file, good.key_file}), "");
    EXPECT_THAT(failure(TlsContext::ServerOptions{"/nonexistent.pem", good.key_file}),
                testing::AllOf(HasSubstr("/nonexistent.pem"), HasSubstr("No such file")));
    EXPECT_THAT(failure(TlsContext::ServerOptions{good.certificate_file, "/nonexistent.pem"}),
                HasSubstr("cannot use key file /nonexistent.pem"));
    EXPECT_THAT(failure(TlsContext::ServerOptions{good.certificate_file, other.key_file}),
                HasSubstr(other.key_file));
    EXPECT_THAT(failure(TlsContext::ServerOptions{good.key_file, good.key_file}),
                HasSubstr("cannot use certificate file"));
    EXPECT_THAT(failure(TlsContext::ClientOptions{.ca_file = "/nonexistent.pem"}),
                HasSubstr("cannot use CA file /nonexistent.pem"));
    EXPECT_EQ(failure(TlsContext::ClientOptions{}), "");
    EXPECT_EQ(ERR_peek_error(), 0U);
}

} // namespace
} // namespace headroom::net
