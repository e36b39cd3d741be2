// AdminServer: the small HTTP server of the admin port (Boost.Beast). One handler for all pages; idle
// connections end.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace headroom::core {

struct Page {
    unsigned status = 200;
    std::string_view content_type = "text/plain; charset=utf-8"; ///< Static text.
    std::string body;
};

struct AdminRequest {
    std::string_view path;   ///< Without the query.
    std::string_view query;  ///< Without the question mark.
    bool wants_text = false; ///< Accept names text/plain first.
};

class AdminServer {
  public:
    /// Called on the control thread.
    using Handler = std::function<Page(const AdminRequest& request)>;

    /// Throws boost::system::system_error, with the address in its text, when it cannot listen.
    AdminServer(boost::asio::io_context& context, const boost::asio::ip::tcp::endpoint& endpoint,
                Handler handler);

    [[nodiscard]] boost::asio::ip::tcp::endpoint local() const;
    void close();

  private:
    void accept();

    boost::asio::ip::tcp::acceptor acceptor_;
    Handler handler_;
};

} // namespace headroom::core
