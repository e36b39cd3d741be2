// Asio calls of a connection.
#include "tools/mock_azure/wire.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>

namespace headroom::mock {

namespace asio = boost::asio;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds linger_max{500};

} // namespace

Wire::Wire(Socket socket, asio::ssl::context* tls) {
    if (tls) {
        tls_ = std::make_unique<TlsStream>(std::move(socket), *tls);
    } else {
        plain_ = std::make_unique<Socket>(std::move(socket));
    }
}

asio::awaitable<bool> Wire::handshake() {
    if (!tls_) co_return true;
    const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, no_throw);
    co_return !error;
}

asio::awaitable<std::size_t> Wire::read_some(asio::mutable_buffer into) {
    if (tls_) {
        const auto [error, bytes] = co_await tls_->async_read_some(into, no_throw);
        co_return error ? 0 : bytes;
    }
    const auto [error, bytes] = co_await plain_->async_read_some(into, no_throw);
    co_return error ? 0 : bytes;
}

asio::awaitable<bool> Wire::write(std::string_view bytes) {
    if (tls_) {
        const auto [error, sent] = co_await asio::async_write(*tls_, asio::buffer(bytes), no_throw);
        co_return !error;
    }
    const auto [error, sent] = co_await asio::async_write(*plain_, asio::buffer(bytes), no_throw);
    co_return !error;
}

asio::awaitable<void> Wire::close() {
    boost::system::error_code ignored;
    if (!socket().is_open()) co_return;
    if (tls_) {
        // One direction is enough; waiting for the peer's close_notify could take for ever.
        SSL_set_shutdown(tls_->native_handle(), SSL_RECEIVED_SHUTDOWN);
        co_await tls_->async_shutdown(no_throw);
    }
    socket().shutdown(Socket::shutdown_send, ignored);
    asio::steady_timer timer(socket().get_executor(), linger_max);
    auto alive = std::make_shared<bool>(true);
    timer.async_wait([this, alive](boost::system::error_code error) {
        boost::system::error_code also_ignored;
        if (!error && *alive) socket().close(also_ignored);
    });
    std::array<char, 4096> rest{};
    for (;;) {
        const auto [error, bytes] = co_await socket().async_read_some(asio::buffer(rest), no_throw);
        if (error) break;
    }
    *alive = false;
    socket().close(ignored);
}

void Wire::reset() {
    boost::system::error_code ignored;
    socket().set_option(asio::socket_base::linger(true, 0), ignored);
    socket().close(ignored);
}

void Wire::drop() {
    boost::system::error_code ignored;
    socket().close(ignored);
}

} // namespace headroom::mock
