// Waits that end early when the peer leaves: how a client's disconnect is seen while an answer is being made.
// Lives as long as one request; nothing else reads from the connection meanwhile.
#pragma once

#include "tools/mock_azure/mock_time.hpp"
#include "tools/mock_azure/wire.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

namespace headroom::mock {

class PeerWatch {
  public:
    explicit PeerWatch(Wire* wire);
    PeerWatch(const PeerWatch&) = delete;
    PeerWatch& operator=(const PeerWatch&) = delete;
    ~PeerWatch();

    /// False when the peer has closed its side or reset the connection.
    boost::asio::awaitable<bool> sleep_until(SteadyTime at);
    bool peer_gone() const { return state_->gone; }

  private:
    struct State {
        explicit State(const Wire::Socket::executor_type& executor) : timer(executor) {}
        boost::asio::steady_timer timer;
        bool gone = false;
        bool blind = false; // unread bytes are waiting, so readability says nothing more
        bool over = false;
    };

    Wire* wire_;
    std::shared_ptr<State> state_;
    boost::asio::cancellation_signal stop_;
};

} // namespace headroom::mock
