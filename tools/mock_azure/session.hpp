// One accepted connection: handshake, then request after request until one side has had enough.
// Kept alive by its own coroutine; runs on one thread.
#pragma once

#include "tools/mock_azure/backend.hpp"
#include "tools/mock_azure/exchange.hpp"
#include "tools/mock_azure/wire.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <memory>

namespace headroom::mock {

class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(Wire::Socket socket, boost::asio::ssl::context* tls, Backend* backend, std::uint64_t id);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    void start();
    /// RST, from any thread.
    void reset();

  private:
    boost::asio::awaitable<void> run();
    boost::asio::awaitable<bool> accept_fault();
    boost::asio::awaitable<bool> handshake();
    void arm_idle_timer();

    Wire wire_;
    Backend* backend_;
    std::uint64_t id_;
    boost::asio::steady_timer idle_timer_;
    RequestReader::Buffer buffer_;
    Exchange* current_ = nullptr;
};

} // namespace headroom::mock
