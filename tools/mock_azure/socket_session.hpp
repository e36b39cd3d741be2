// A WebSocket: the realtime protocol in small (session.created, items, responses, echo) or the Responses
// API's socket mode. Owns the connection until it is closed.
#pragma once

#include "tools/mock_azure/backend.hpp"
#include "tools/mock_azure/route.hpp"
#include "tools/mock_azure/wire.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http.hpp>

#include <optional>
#include <string>

namespace headroom::mock {

class SocketSession {
  public:
    SocketSession(Wire* wire, Backend* backend, Route route, std::optional<DeploymentOptions> deployment);

    /// Accepts the upgrade and serves until either side closes.
    boost::asio::awaitable<void> run(boost::beast::http::request_header<> head);

  private:
    template <class Stream>
    boost::asio::awaitable<void> serve(Stream* stream, boost::beast::http::request_header<> head);
    template <class Stream>
    boost::asio::awaitable<bool> send_all(Stream* stream, std::vector<std::string> messages);

    /// What a client's message is answered with.
    std::vector<std::string> reply_to(std::string_view message);
    std::vector<std::string> realtime_reply(std::string_view type, std::string_view message);
    std::vector<std::string> response_reply(std::string_view message);
    std::vector<std::string> realtime_response();
    std::string event(std::string_view type, std::string_view members);

    Wire* wire_;
    Backend* backend_;
    Route route_;
    std::optional<DeploymentOptions> deployment_;
    std::string last_text_;
    std::uint64_t events_ = 0;
};

} // namespace headroom::mock
