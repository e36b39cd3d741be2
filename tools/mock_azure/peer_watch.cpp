// Watches the socket for a hang-up with poll(2), since bytes of a next request may be waiting in front of it.
#include "tools/mock_azure/peer_watch.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <poll.h>

#include <algorithm>

namespace headroom::mock {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds blind_poll_interval{20};

bool hung_up(int fd) {
    pollfd poll_fd{fd, POLLRDHUP, 0};
    return ::poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

} // namespace

PeerWatch::PeerWatch(Wire* wire)
    : wire_(wire), state_(std::make_shared<State>(wire->socket().get_executor())) {
    const int fd = wire->socket().native_handle();
    wire->socket().async_wait(
        Wire::Socket::wait_read,
        asio::bind_cancellation_slot(stop_.slot(), [state = state_, fd](boost::system::error_code error) {
            if (state->over || error == asio::error::operation_aborted) return;
            if (error || hung_up(fd)) {
                state->gone = true;
                state->timer.cancel();
            } else {
                state->blind = true;
                state->timer.cancel();
            }
        }));
}

PeerWatch::~PeerWatch() {
    state_->over = true;
    stop_.emit(asio::cancellation_type::terminal);
}

asio::awaitable<bool> PeerWatch::sleep_until(SteadyTime at) {
    while (!state_->gone && std::chrono::steady_clock::now() < at) {
        SteadyTime next = at;
        if (state_->blind) {
            if (hung_up(wire_->socket().native_handle())) state_->gone = true;
            if (state_->gone) break;
            next = std::min(at, std::chrono::steady_clock::now() + blind_poll_interval);
        }
        state_->timer.expires_at(next);
        co_await state_->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return !state_->gone;
}

} // namespace headroom::mock
