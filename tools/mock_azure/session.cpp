// The loop of a connection.
#include "tools/mock_azure/session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace headroom::mock {

namespace asio = boost::asio;

Session::Session(Wire::Socket socket, asio::ssl::context* tls, Backend* backend, std::uint64_t id)
    : wire_(std::move(socket), tls), backend_(backend), id_(id), idle_timer_(wire_.socket().get_executor()) {
    boost::system::error_code ignored;
    wire_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    backend_->count([](BackendStats& stats) {
        ++stats.connections_accepted;
        stats.connections_open_max = std::max(stats.connections_open_max, ++stats.connections_open);
    });
}

Session::~Session() {
    backend_->count([](BackendStats& stats) { --stats.connections_open; });
}

void Session::start() {
    asio::co_spawn(wire_.socket().get_executor(), run(),
                   [self = shared_from_this()](const std::exception_ptr&) {});
}

void Session::reset() {
    asio::post(wire_.socket().get_executor(), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->wire_.reset();
    });
}

asio::awaitable<bool> Session::accept_fault() {
    const auto fault = backend_->strike({.stage = FaultStage::connection, .deployment = {}, .target = {}});
    if (!fault) co_return false;
    if (fault->kind == FaultKind::reset_accept) {
        wire_.reset();
    } else {
        PeerWatch watch(&wire_);
        co_await watch.sleep_until(std::chrono::steady_clock::now() + std::chrono::hours(24));
        wire_.drop();
    }
    co_return true;
}

asio::awaitable<bool> Session::handshake() {
    const bool done = co_await wire_.handshake();
    if (!wire_.tls()) co_return done;
    const bool resumed = done && SSL_session_reused(wire_.tls()->native_handle()) == 1;
    backend_->count([done, resumed](BackendStats& stats) {
        ++(done ? stats.tls_handshakes : stats.tls_failed);
        if (resumed) ++stats.tls_resumed;
    });
    if (!done) wire_.drop();
    co_return done;
}

void Session::arm_idle_timer() {
    const std::int64_t idle_ms = backend_->options()->idle_ms;
    if (idle_ms == 0) return;
    idle_timer_.expires_after(std::chrono::milliseconds(idle_ms));
    idle_timer_.async_wait([weak = weak_from_this()](boost::system::error_code error) {
        const auto self = weak.lock();
        if (!error && self && self->current_ && !self->current_->begun()) self->wire_.drop();
    });
}

asio::awaitable<void> Session::run() {
    if (co_await accept_fault()) co_return;
    if (!co_await handshake()) co_return;
    std::optional<std::chrono::milliseconds> close_after;
    for (std::int64_t nth = 1;; ++nth) {
        Exchange exchange(&wire_, &buffer_, backend_, {id_, nth});
        current_ = &exchange;
        arm_idle_timer();
        const bool again = co_await exchange.run();
        current_ = nullptr;
        if (!again) break;
        if ((close_after = exchange.close_after())) break;
    }
    if (close_after) {
        idle_timer_.expires_after(*close_after);
        co_await idle_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
        wire_.drop();
    }
    co_await wire_.close();
}

} // namespace headroom::mock
