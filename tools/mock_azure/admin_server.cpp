// HTTP of the admin port, all of it by Beast.
#include "tools/mock_azure/admin_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include <stdexcept>

namespace headroom::mock {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

} // namespace

AdminServer::AdminServer(asio::io_context* context, std::uint16_t port, AdminApi* api)
    : acceptor_(*context), api_(api) {
    const tcp::endpoint wanted(asio::ip::address_v4::loopback(), port);
    boost::system::error_code error;
    acceptor_.open(wanted.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(wanted, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
        throw std::runtime_error(
            fmt::format("--admin-port: cannot listen on 127.0.0.1:{}: {}", port, error.message()));
}

std::string AdminServer::url() const {
    return fmt::format("http://127.0.0.1:{}", acceptor_.local_endpoint().port());
}

void AdminServer::start() {
    asio::co_spawn(acceptor_.get_executor(), accept(), asio::detached);
}

asio::awaitable<void> AdminServer::accept() {
    for (;;) {
        auto [error, socket] = co_await acceptor_.async_accept(no_throw);
        if (error == asio::error::operation_aborted) co_return;
        if (!error) asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), asio::detached);
    }
}

asio::awaitable<void> AdminServer::serve(tcp::socket socket) {
    boost::beast::flat_buffer buffer;
    for (;;) {
        http::request<http::string_body> request;
        const auto [read_error, read] = co_await http::async_read(socket, buffer, request, no_throw);
        if (read_error) co_return;
        AdminReply reply = api_->handle(request.method_string(), request.target(), request.body());
        http::response<http::string_body> response(static_cast<http::status>(reply.status),
                                                   request.version());
        response.set(http::field::content_type, "application/json");
        response.keep_alive(request.keep_alive());
        response.body() = std::move(reply.body) + "\n";
        response.prepare_payload();
        const auto [write_error, written] = co_await http::async_write(socket, response, no_throw);
        if (write_error || !response.keep_alive()) co_return;
    }
}

} // namespace headroom::mock
