// The admin port: plain HTTP on 127.0.0.1 in front of AdminApi.
#pragma once

#include "tools/mock_azure/admin_api.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>

namespace headroom::mock {

class AdminServer {
  public:
    /// Binds; throws std::runtime_error when it cannot. `api` outlives the server.
    AdminServer(boost::asio::io_context* context, std::uint16_t port, AdminApi* api);

    void start();
    std::string url() const;

  private:
    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket);

    boost::asio::ip::tcp::acceptor acceptor_;
    AdminApi* api_;
};

} // namespace headroom::mock
