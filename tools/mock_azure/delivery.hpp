// Sends one answer: paced like a model, framed as the version of HTTP asks, and spoiled as a fault orders.
// Lives as long as one request. Not here: what the answer is (exchange.hpp).
#pragma once

#include "tools/mock_azure/answer.hpp"
#include "tools/mock_azure/backend.hpp"
#include "tools/mock_azure/faults.hpp"
#include "tools/mock_azure/peer_watch.hpp"
#include "tools/mock_azure/reply_head.hpp"
#include "tools/mock_azure/wire.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>

namespace headroom::mock {

/// Real time.
struct Pace {
    SteadyTime start;
    std::chrono::nanoseconds first_token{0};
    std::chrono::nanoseconds per_token{0};
};

/// What the request allows.
struct Client {
    bool http10 = false;
    bool head_only = false;
    bool keep_alive = true;
};

class Delivery {
  public:
    Delivery(Wire* wire, const Backend* backend, Client client);

    void set_fault(const Fault& fault) { fault_ = fault; }
    bool has_fault(FaultKind kind) const { return fault_ && fault_->kind == kind; }

    /// An answer in one piece, after the time that `tokens` take.
    boost::asio::awaitable<void> whole(ReplyHead head, std::string body, Pace pace, std::int64_t tokens);
    /// A stream of events.
    boost::asio::awaitable<void> events(ReplyHead head, std::unique_ptr<EventSource> source, Pace pace);

    /// The three ways to answer nothing.
    boost::asio::awaitable<void> hang();
    void reset();
    boost::asio::awaitable<void> close();
    /// Raw bytes, such as interim responses.
    boost::asio::awaitable<bool> send(std::string_view bytes);

    bool peer_left() const { return peer_left_; }
    /// Everything was sent and the framing is intact.
    bool complete() const { return complete_; }
    /// The connection can take another request.
    bool reusable() const { return complete_ && client_.keep_alive && open_; }
    int status_sent() const { return status_sent_; }
    std::int64_t events_sent() const { return events_sent_; }
    std::int64_t bytes_sent() const { return bytes_sent_; }
    std::int64_t tokens_sent() const { return tokens_sent_; }

  private:
    boost::asio::awaitable<bool> send_head(ReplyHead head);
    boost::asio::awaitable<bool> send_plainly(std::string_view bytes);
    boost::asio::awaitable<void> whole_spoiled(ReplyHead head, std::string body);
    boost::asio::awaitable<bool> finish_events();
    boost::asio::awaitable<bool> flush();
    /// Carries out a fault that strikes after a number of events; true when it ended the stream.
    boost::asio::awaitable<bool> spoil_stream();
    std::string framed(std::string_view data) const;
    bool stream_fault() const;

    Wire* wire_;
    const Backend* backend_;
    Client client_;
    std::optional<Fault> fault_;
    PeerWatch watch_;
    std::string pending_;
    bool peer_left_ = false;
    bool complete_ = false;
    bool open_ = true;
    bool chunked_ = false;
    int status_sent_ = 0;
    std::int64_t events_sent_ = 0;
    std::int64_t bytes_sent_ = 0;
    std::int64_t tokens_sent_ = 0;
};

} // namespace headroom::mock
