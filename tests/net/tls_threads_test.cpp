// TLS contexts are built once and used by every shard at the same time.
#include "net/gate.hpp"
#include "net/stream.hpp"
#include "net/tls/context.hpp"
#include "net/tls/session.hpp"
#include "net/tls/session_cache.hpp"
#include "tests/net/tls_certificates.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace headroom::net {
namespace {

constexpr int visits = 15;

/// What one shard does: its own loop, listener, sessions and cache; the contexts are everybody's.
class Shard {
  public:
    Shard(TlsContext& server, TlsContext& client)
        : server_(server),
          client_(client),
          listener_(loop_, ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0), .reuse_port = false}) {
    }

    void run() {
        gate_.spawn(serve());
        gate_.spawn(visit());
        for (int turns = 0; gate_.inside() != 0 && turns < 20'000; ++turns)
            loop_.turn(std::chrono::milliseconds(20));
    }
    int answered() const { return answered_; }
    int resumed() const { return resumed_; }

  private:
    Task<void> serve() {
        for (int i = 0; i < visits; ++i) {
            Result<Socket> socket = co_await listener_.accept();
            if (!socket.ok()) co_return;
            Stream stream(std::move(*socket));
            if (!(co_await stream.accept_tls(server_)).ok()) continue;
            Result<Slice> asked = co_await stream.receive();
            if (!asked.ok()) continue;
            iovec piece{asked->mutable_data(), asked->size()};
            if ((co_await stream.send({&piece, 1})).ok()) co_await stream.finish();
        }
    }

    Task<void> visit() {
        for (int i = 0; i < visits; ++i) {
            Stream stream(Socket(loop_, Side::backend));
            if (!(co_await stream.socket().connect(listener_.local())).ok()) continue;
            if (!(co_await stream.connect_tls(client_, "localhost", &cache_)).ok()) continue;
            std::string text = "hello";
            iovec piece{text.data(), text.size()};
            if (!(co_await stream.send({&piece, 1})).ok()) continue;
            Result<Slice> answer = co_await stream.receive();
            answered_ += answer.ok() && answer->view() == "hello";
            resumed_ += stream.tls()->resumed();
        }
    }

    TlsContext& server_;
    TlsContext& client_;
    Loop loop_;
    Listener listener_;
    TlsSessionCache cache_;
    Gate gate_;
    int answered_ = 0;
    int resumed_ = 0;
};

TEST(TlsContextThreadsTest, OneContextServesManyLoops) {
    const Identity identity = TestAuthority::shared().issue();
    TlsContext server(TlsContext::ServerOptions{identity.certificate_file, identity.key_file});
    TlsContext client(TlsContext::ClientOptions{.ca_file = TestAuthority::shared().file()});
    constexpr std::size_t threads = 4;
    std::vector<int> answered(threads);
    std::vector<int> resumed(threads);
    std::vector<std::jthread> running;
    running.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) {
        running.emplace_back([&, i] {
            Shard shard(server, client);
            shard.run();
            answered[i] = shard.answered();
            resumed[i] = shard.resumed();
        });
    }
    running.clear();
    EXPECT_EQ(answered, std::vector<int>(threads, visits));
    EXPECT_EQ(resumed, std::vector<int>(threads, visits - 1));
}

} // namespace
} // namespace headroom::net
