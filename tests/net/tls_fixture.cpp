// The far ends of TLS streams under test.
#include "tests/net/tls_fixture.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

namespace headroom::net {
namespace {

Task<void> accept_into(Listener* listener, Stream* into, bool* done) {
    Result<Socket> accepted = co_await listener->accept();
    if (accepted.ok()) *into = Stream(std::move(*accepted));
    *done = true;
}

} // namespace

NativePeer::NativePeer(ssl_ctx_st* context, bool client)
    : ssl_(SSL_new(context)), input_(BIO_new(BIO_s_mem())), output_(BIO_new(BIO_s_mem())) {
    BIO_set_mem_eof_return(input_, -1);
    SSL_set_bio(ssl_, input_, output_);
    if (client) {
        SSL_set_connect_state(ssl_);
    } else {
        SSL_set_accept_state(ssl_);
    }
}

NativePeer::~NativePeer() {
    SSL_free(ssl_);
    ERR_clear_error();
}

void NativePeer::note(int outcome) {
    error = SSL_get_error(ssl_, outcome);
    const unsigned long code = ERR_peek_error();
    if (code != 0) reason = ERR_reason_error_string(code) != nullptr ? ERR_reason_error_string(code) : "?";
    ERR_clear_error();
}

bool NativePeer::step(Descriptor& descriptor) {
    give_input(descriptor.read_some());
    ERR_clear_error();
    const int outcome = SSL_do_handshake(ssl_);
    if (outcome != 1) note(outcome);
    const std::string out = take_output();
    if (!out.empty()) descriptor.write(out);
    return outcome == 1;
}

void NativePeer::write(std::string_view plain) {
    ERR_clear_error();
    std::size_t written = 0;
    EXPECT_EQ(SSL_write_ex(ssl_, plain.data(), plain.size(), &written), 1);
    ERR_clear_error();
}

std::string NativePeer::read() {
    std::string all;
    std::string part(16384, '\0');
    for (;;) {
        ERR_clear_error();
        std::size_t count = 0;
        const int outcome = SSL_read_ex(ssl_, part.data(), part.size(), &count);
        if (outcome != 1) {
            note(outcome);
            return all;
        }
        all.append(part, 0, count);
    }
}

std::string NativePeer::take_output() {
    std::string out(static_cast<std::size_t>(BIO_ctrl_pending(output_)), '\0');
    if (!out.empty()) BIO_read(output_, out.data(), static_cast<int>(out.size()));
    return out;
}

void NativePeer::give_input(std::string_view records) {
    if (!records.empty()) BIO_write(input_, records.data(), static_cast<int>(records.size()));
}

TlsTest::~TlsTest() {
    expect_clean_errors();
}

void TlsTest::expect_clean_errors() {
    EXPECT_EQ(ERR_peek_error(), 0U) << ERR_error_string(ERR_peek_error(), nullptr);
}

std::unique_ptr<TlsContext> TlsTest::server_context(const IdentityOptions& options) {
    const Identity identity = TestAuthority::shared().issue(options);
    return std::make_unique<TlsContext>(TlsContext::ServerOptions{
        .certificate_file = identity.certificate_file, .key_file = identity.key_file});
}

std::unique_ptr<TlsContext> TlsTest::client_context(bool verify) {
    return std::make_unique<TlsContext>(
        TlsContext::ClientOptions{.ca_file = TestAuthority::shared().file(), .verify = verify});
}

std::unique_ptr<StreamPair> TlsTest::pair() {
    auto streams = std::make_unique<StreamPair>();
    Listener listener(loop_,
                      ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0), .reuse_port = false});
    bool accepted = false;
    start(accept_into(&listener, &streams->server, &accepted));
    streams->client = Stream(Socket(loop_, Side::backend));
    std::optional<Result<void>> connected;
    start(connect_to(&streams->client.socket(), listener.local(), &connected));
    run_until([&] { return accepted && connected.has_value(); });
    EXPECT_TRUE(streams->server.open() && connected->ok());
    return streams;
}

TlsTest::Outcome TlsTest::secure(StreamPair& pair, TlsContext& server, TlsContext& client,
                                 std::string_view name, TlsSessionCache* cache) {
    std::optional<Result<void>> accepted;
    std::optional<Result<void>> connected;
    start(await_result(pair.server.accept_tls(server), &accepted));
    start(await_result(pair.client.connect_tls(client, name, cache), &connected));
    run_until([&] { return accepted.has_value() && connected.has_value(); });
    return {*std::move(accepted), *std::move(connected)};
}

std::unique_ptr<StreamPair> TlsTest::secure_pair() {
    auto streams = pair();
    const Outcome outcome = secure(*streams, *server_context(), *client_context());
    EXPECT_TRUE(outcome.accepted.ok() && outcome.connected.ok());
    return streams;
}

void TlsTest::shake(Tested& tested, Task<Result<void>> handshake) {
    // What the test writes must be there in the next turn, whatever is on its way.
    const int on = 1;
    EXPECT_EQ(::setsockopt(tested.peer.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    std::optional<Result<void>> done;
    start(await_result(std::move(handshake), &done));
    run_until([&] { return tested.native->step(tested.peer) && done.has_value(); });
    EXPECT_TRUE(done->ok());
    settle();
}

std::unique_ptr<TlsTest::Tested> TlsTest::server_against(ssl_ctx_st* context) {
    auto tested = std::make_unique<Tested>();
    Connection connection = accepted();
    tested->stream = Stream(std::move(connection.socket));
    tested->peer = std::move(connection.peer);
    tested->native = std::make_unique<NativePeer>(context, true);
    shake(*tested, tested->stream.accept_tls(*server_context()));
    return tested;
}

std::unique_ptr<TlsTest::Tested> TlsTest::client_against(ssl_ctx_st* context) {
    auto tested = std::make_unique<Tested>();
    Connection connection = connected();
    tested->stream = Stream(std::move(connection.socket));
    tested->peer = std::move(connection.peer);
    tested->native = std::make_unique<NativePeer>(context, false);
    shake(*tested, tested->stream.connect_tls(*client_context(), "localhost"));
    return tested;
}

Task<void> receive_stream(Stream* stream, Received* into, std::size_t bytes_max) {
    while (into->bytes.size() < bytes_max) {
        Result<Slice> received = co_await stream->receive();
        if (!received.ok()) {
            into->error = received.error();
            co_return;
        }
        if (received->empty()) {
            into->ended = true;
            co_return;
        }
        into->bytes += received->view();
    }
}

Task<void> send_stream(Stream* stream, std::vector<std::string> pieces, std::optional<Result<void>>* result) {
    std::vector<iovec> vectors;
    vectors.reserve(pieces.size());
    for (std::string& piece : pieces)
        vectors.push_back({piece.data(), piece.size()});
    *result = co_await stream->send(vectors);
}

Task<void> finish_stream(Stream* stream, bool* done) {
    co_await stream->finish();
    *done = true;
}

Task<void> await_result(Task<Result<void>> task, std::optional<Result<void>>* result) {
    Task<Result<void>> body = std::move(task);
    *result = co_await body;
}

void FreeNativeContext::operator()(ssl_ctx_st* context) const noexcept {
    SSL_CTX_free(context);
}

NativeContext native_client() {
    return NativeContext(SSL_CTX_new(TLS_client_method()));
}

NativeContext native_server(const Identity& identity) {
    NativeContext context(SSL_CTX_new(TLS_server_method()));
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context.get(), identity.certificate_file.c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context.get(), identity.key_file.c_str(), SSL_FILETYPE_PEM), 1);
    return context;
}

} // namespace headroom::net
