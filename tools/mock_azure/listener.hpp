// The listening socket of one backend; it can refuse connections for a while and come back on the same port.
// Accepts on the first worker, hands connections to all of them.
#pragma once

#include "tools/mock_azure/backend.hpp"
#include "tools/mock_azure/fixed_answer.hpp"
#include "tools/mock_azure/session.hpp"
#include "tools/mock_azure/workers.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace headroom::mock {

class Listener {
  public:
    /// Binds and listens; throws std::runtime_error when it cannot. `fixed` null: real answers.
    Listener(Workers* workers, Backend* backend, const FixedAnswer* fixed);

    void start() { accept(); }
    std::uint16_t port() const { return port_; }
    std::string url() const;

    /// Connections are refused from now on, for `length` of real time or until reopen(). From any thread.
    void refuse(std::chrono::milliseconds length, bool reset_open);
    void reopen();

  private:
    void accept();
    void serve(Wire::Socket socket);
    void stop_listening();
    void reset_sessions();

    Workers* workers_;
    Backend* backend_;
    const FixedAnswer* fixed_;
    std::unique_ptr<boost::asio::ssl::context> tls_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer reopen_timer_;
    std::uint16_t port_ = 0;
    bool refusing_ = false;
    std::uint64_t connections_ = 0;
    std::map<std::uint64_t, std::weak_ptr<Session>> sessions_;
    std::size_t sessions_before_sweep_ = 64;
};

} // namespace headroom::mock
