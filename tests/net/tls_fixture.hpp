// TlsTest: TLS streams under test, with a far end that is another stream or OpenSSL driven by the test.
#pragma once

#include "net/stream.hpp"
#include "net/tls/context.hpp"
#include "net/tls/session.hpp"
#include "tests/net/loop_fixture.hpp"
#include "tests/net/tls_certificates.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct bio_st;
struct ssl_st;
struct ssl_ctx_st;

namespace headroom::net {

/// OpenSSL at the far end of a descriptor; nothing moves unless the test says so.
class NativePeer {
  public:
    /// Takes a reference to `context`; a client when `client`.
    NativePeer(ssl_ctx_st* context, bool client);
    NativePeer(const NativePeer&) = delete;
    NativePeer& operator=(const NativePeer&) = delete;
    ~NativePeer();

    ssl_st* ssl() const { return ssl_; }
    /// Moves what has come from `descriptor` into OpenSSL, goes on with the handshake, moves out what OpenSSL
    /// wrote. True once the handshake is done.
    bool step(Descriptor& descriptor);
    /// Encrypts all of `plain`; step() or take_output() moves it on.
    void write(std::string_view plain);
    /// Plain bytes that have come.
    std::string read();
    /// What OpenSSL wrote and nobody has moved.
    std::string take_output();
    void give_input(std::string_view records);
    /// SSL_get_error of the last failed call, and the reason in words.
    int error = 0;
    std::string reason;

  private:
    void note(int outcome);

    ssl_st* ssl_;
    bio_st* input_;
    bio_st* output_;
};

/// Two streams joined by a loopback connection.
struct StreamPair {
    Stream server;
    Stream client;
};

class TlsTest : public LoopTest {
  public:
    using LoopTest::LoopTest;
    ~TlsTest() override;

  protected:
    static std::unique_ptr<TlsContext> server_context(const IdentityOptions& options = {});
    /// Trusts the test authority.
    static std::unique_ptr<TlsContext> client_context(bool verify = true);

    /// Plain streams.
    std::unique_ptr<StreamPair> pair();
    struct Outcome {
        Result<void> accepted;
        Result<void> connected;
    };
    /// Shakes hands on both ends.
    Outcome secure(StreamPair& pair, TlsContext& server, TlsContext& client,
                   std::string_view name = "localhost", TlsSessionCache* cache = nullptr);
    /// As pair(), secured with the usual contexts.
    std::unique_ptr<StreamPair> secure_pair();

    /// A stream of this loop and the test's own end of its connection, after the handshake.
    struct Tested {
        Stream stream;
        Descriptor peer;
        std::unique_ptr<NativePeer> native;
    };
    std::unique_ptr<Tested> server_against(ssl_ctx_st* client_context);
    std::unique_ptr<Tested> client_against(ssl_ctx_st* server_context);

    /// Every test leaves OpenSSL's error queue of this thread empty.
    static void expect_clean_errors();

  private:
    void shake(Tested& tested, Task<Result<void>> handshake);
};

/// Streams' versions of the socket tasks.
Task<void> receive_stream(Stream* stream, Received* into, std::size_t bytes_max = SIZE_MAX);
Task<void> send_stream(Stream* stream, std::vector<std::string> pieces, std::optional<Result<void>>* result);
Task<void> finish_stream(Stream* stream, bool* done);
Task<void> await_result(Task<Result<void>> task, std::optional<Result<void>>* result);

/// A context of OpenSSL for a NativePeer, freed with the guard.
struct FreeNativeContext {
    void operator()(ssl_ctx_st* context) const noexcept;
};
using NativeContext = std::unique_ptr<ssl_ctx_st, FreeNativeContext>;
NativeContext native_client();
NativeContext native_server(const Identity& identity);

} // namespace headroom::net
