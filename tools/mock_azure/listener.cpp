// Accepting, refusing, coming back.
#include "tools/mock_azure/listener.hpp"

#include "tools/mock_azure/fixed_session.hpp"
#include "tools/mock_azure/tls_context.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace headroom::mock {

namespace asio = boost::asio;
using asio::ip::tcp;

Listener::Listener(Workers* workers, Backend* backend, const FixedAnswer* fixed)
    : workers_(workers),
      backend_(backend),
      fixed_(fixed),
      acceptor_(workers->first()),
      reopen_timer_(workers->first()) {
    const auto options = backend->options();
    if (!options->tls_certificate.empty())
        tls_ = make_tls_context(options->tls_certificate, options->tls_key);
    const tcp::endpoint wanted(asio::ip::make_address_v4(options->address), options->port);
    boost::system::error_code error;
    acceptor_.open(wanted.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(wanted, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
        throw std::runtime_error(
            fmt::format("backend {}: cannot listen on {}:{}: {}; port=0 takes a free port", backend->name(),
                        options->address, options->port, error.message()));
    }
    port_ = acceptor_.local_endpoint().port();
}

std::string Listener::url() const {
    const auto options = backend_->options();
    return fmt::format("{}://{}:{}{}", tls_ ? "https" : "http", options->address, port_, options->prefix);
}

void Listener::accept() {
    acceptor_.async_accept(workers_->next(), [this](boost::system::error_code error, tcp::socket socket) {
        if (error == asio::error::operation_aborted || refusing_) return;
        if (!error) serve(std::move(socket));
        accept();
    });
}

void Listener::serve(Wire::Socket socket) {
    const std::uint64_t id = ++connections_;
    if (fixed_) {
        boost::system::error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        const auto executor = socket.get_executor();
        asio::post(executor, [this, moved = std::make_shared<Wire::Socket>(std::move(socket))] {
            start_fixed_session(std::move(*moved), tls_.get(), fixed_);
        });
        return;
    }
    if (sessions_.size() >= sessions_before_sweep_) {
        std::erase_if(sessions_, [](const auto& session) { return session.second.expired(); });
        sessions_before_sweep_ = std::max<std::size_t>(64, 2 * sessions_.size());
    }
    const auto session = std::make_shared<Session>(std::move(socket), tls_.get(), backend_, id);
    sessions_[id] = session;
    session->start();
}

void Listener::refuse(std::chrono::milliseconds length, bool reset_open) {
    asio::post(workers_->first(), [this, length, reset_open] {
        stop_listening();
        if (reset_open) reset_sessions();
        if (length.count() == 0) return;
        reopen_timer_.expires_after(length);
        reopen_timer_.async_wait([this](boost::system::error_code error) {
            if (!error) reopen();
        });
    });
}

void Listener::stop_listening() {
    if (refusing_) return;
    refusing_ = true;
    boost::system::error_code error;
    acceptor_.close(error);
    // Bound but not listening: connections are refused while the port stays ours.
    acceptor_.open(tcp::v4(), error);
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    acceptor_.bind({asio::ip::make_address_v4(backend_->options()->address), port_}, error);
}

void Listener::reset_sessions() {
    for (const auto& [id, weak] : sessions_) {
        if (const auto session = weak.lock()) session->reset();
    }
}

void Listener::reopen() {
    asio::post(workers_->first(), [this] {
        if (!refusing_) return;
        reopen_timer_.cancel();
        boost::system::error_code error;
        acceptor_.listen(asio::socket_base::max_listen_connections, error);
        refusing_ = false;
        accept();
    });
}

} // namespace headroom::mock
