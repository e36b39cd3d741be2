// Accepting and answering on the admin port.
#include "core/control/admin_server.hpp"

#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace headroom::core {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr std::chrono::seconds idle_limit{30};
constexpr std::uint32_t head_bytes_max = 16U * 1024;
constexpr std::uint64_t body_bytes_max = 1024;

/// One admin connection; keeps itself alive until its client or the limit ends it.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(tcp::socket socket, const AdminServer::Handler& handler)
        : stream_(std::move(socket)), handler_(handler) {}

    void read() {
        parser_.emplace();
        parser_->header_limit(head_bytes_max);
        parser_->body_limit(body_bytes_max);
        stream_.expires_after(idle_limit);
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](beast::error_code failure, std::size_t) {
                             if (!failure) self->answer();
                         });
    }

  private:
    void answer() {
        const auto& request = parser_->get();
        const std::string_view target(request.target().data(), request.target().size());
        const bool known_method = request.method() == http::verb::get || request.method() == http::verb::head;
        Page page;
        if (known_method) {
            const std::size_t end = std::min(target.find('?'), target.size());
            const auto accept = request[http::field::accept];
            const bool wants_text = std::string_view(accept.data(), accept.size()).starts_with("text/plain");
            page = handler_(
                {target.substr(0, end), target.substr(std::min(end + 1, target.size())), wants_text});
        } else {
            page = {405, "text/plain; charset=utf-8", "Only GET and HEAD are served here.\n"};
        }
        response_ = {};
        response_.version(request.version());
        response_.result(page.status);
        response_.set(http::field::content_type, page.content_type);
        response_.set(http::field::cache_control, "no-store");
        if (!known_method) response_.set(http::field::allow, "GET, HEAD");
        response_.keep_alive(request.keep_alive());
        response_.content_length(page.body.size());
        if (request.method() != http::verb::head) response_.body() = std::move(page.body);
        http::async_write(stream_, response_,
                          [self = shared_from_this()](beast::error_code failure, std::size_t) {
                              if (failure) return;
                              if (self->response_.keep_alive()) {
                                  self->read();
                              } else {
                                  self->stream_.socket().shutdown(tcp::socket::shutdown_send, failure);
                              }
                          });
    }

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
    const AdminServer::Handler& handler_;
};

} // namespace

AdminServer::AdminServer(asio::io_context& context, const tcp::endpoint& endpoint, Handler handler)
    : acceptor_(context), handler_(std::move(handler)) {
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
    accept();
}

tcp::endpoint AdminServer::local() const {
    return acceptor_.local_endpoint();
}

void AdminServer::close() {
    beast::error_code ignored;
    acceptor_.close(ignored);
}

void AdminServer::accept() {
    acceptor_.async_accept([this](beast::error_code failure, tcp::socket socket) {
        if (failure == asio::error::operation_aborted) return;
        if (!failure) std::make_shared<Connection>(std::move(socket), handler_)->read();
        if (acceptor_.is_open()) accept();
    });
}

} // namespace headroom::core
