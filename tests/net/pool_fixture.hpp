// PoolTest: a pool under test and a server for it to connect to, plain or over TLS.
#pragma once

#include "net/pool.hpp"
#include "tests/net/tls_fixture.hpp"

#include <deque>
#include <memory>
#include <optional>

namespace headroom::net {

/// A server on its own port: accepts everything, answers "pong" to "ping".
class PingServer {
  public:
    PingServer(Loop& loop, Gate& gate, TlsContext* tls)
        : listener_(loop, ListenOptions{.endpoint = *Endpoint::parse("127.0.0.1", 0), .reuse_port = false}),
          gate_(gate),
          tls_(tls) {
        gate_.spawn(accept_all());
    }

    Endpoint endpoint() const { return listener_.local(); }
    /// Streams in the order of their coming; their tasks end when the stream does.
    std::deque<Stream>& streams() { return streams_; }
    void stop() {
        listener_.stop();
        for (Stream& stream : streams_)
            if (stream.open()) stream.cancel({ErrorCode::cancelled, Side::local, false});
    }

  private:
    Task<void> accept_all() {
        for (;;) {
            Result<Socket> socket = co_await listener_.accept();
            if (!socket.ok()) co_return;
            streams_.emplace_back(std::move(*socket));
            gate_.spawn(serve(&streams_.back()));
        }
    }

    Task<void> serve(Stream* stream) {
        bool served = tls_ == nullptr || (co_await stream->accept_tls(*tls_)).ok();
        while (served) {
            Result<Slice> received = co_await stream->receive();
            if (!received.ok() || received->empty()) break;
            std::string answer = received->view() == "ping" ? "pong" : "what?";
            iovec piece{answer.data(), answer.size()};
            served = (co_await stream->send({&piece, 1})).ok();
        }
        stream->close();
    }

    Listener listener_;
    Gate& gate_;
    TlsContext* tls_;
    std::deque<Stream> streams_;
};

inline Task<void> ping(Stream* stream, Received* into) {
    std::string text = "ping";
    iovec piece{text.data(), text.size()};
    const Result<void> sent = co_await stream->send({&piece, 1});
    if (!sent.ok()) {
        into->error = sent.error();
        co_return;
    }
    co_await receive_stream(stream, into, 4);
}

class PoolTest : public TlsTest, public testing::WithParamInterface<bool> {
  protected:
    PoolTest() {
        if (GetParam()) {
            server_tls_ = server_context();
            client_tls_ = client_context();
        }
        server_ = std::make_unique<PingServer>(loop_, gate_, server_tls_.get());
        renew({});
    }

    void TearDown() override {
        pool_.reset();
        server_->stop();
        run_until([this] { return gate_.inside() == 0; });
        server_.reset();
    }

    void renew(PoolOptions options) {
        options.tls = client_tls_.get();
        if (options.server_name.empty()) options.server_name = "localhost";
        pool_ = std::make_unique<ConnectionPool>(loop_, options);
        pool_->set_endpoints({server_->endpoint()});
    }

    /// A connected handle that is not reused.
    ConnectionPool::Handle fresh() {
        ConnectionPool::Handle handle = pool_->fresh();
        EXPECT_TRUE(connect(handle).ok());
        return handle;
    }

    Result<void> connect(ConnectionPool::Handle& handle) {
        std::optional<Result<void>> result;
        start(await_result(handle.connect(), &result));
        run_until([&] { return result.has_value(); });
        return *result;
    }

    /// One clean exchange.
    void exchange(ConnectionPool::Handle& handle) {
        Received answer;
        start(ping(&handle.stream(), &answer));
        run_until([&] { return answer.bytes == "pong" || answer.error || answer.ended; });
        EXPECT_EQ(answer.bytes, "pong");
    }

    std::unique_ptr<TlsContext> server_tls_;
    std::unique_ptr<TlsContext> client_tls_;
    std::unique_ptr<PingServer> server_;
    std::unique_ptr<ConnectionPool> pool_;
};

} // namespace headroom::net
