// One connection, plain or TLS: reads, writes, an orderly close, and a hard reset. Owned by one session on
// one thread. Errors are not told apart: a connection works or it is gone. Not here: HTTP.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include <memory>
#include <string_view>

namespace headroom::mock {

class Wire {
  public:
    using Socket = boost::asio::ip::tcp::socket;
    using TlsStream = boost::asio::ssl::stream<Socket>;

    /// `tls` null: plain.
    Wire(Socket socket, boost::asio::ssl::context* tls);

    /// True at once when plain.
    boost::asio::awaitable<bool> handshake();
    /// Bytes read; 0 when the peer has closed or the connection is broken.
    boost::asio::awaitable<std::size_t> read_some(boost::asio::mutable_buffer into);
    boost::asio::awaitable<bool> write(std::string_view bytes);
    /// close_notify if TLS, FIN, then what still comes is read for a moment so that the peer gets all that
    /// was sent.
    boost::asio::awaitable<void> close();
    /// RST.
    void reset();
    /// Closes at once; RST if unread bytes are waiting.
    void drop();

    Socket& socket() { return tls_ ? tls_->next_layer() : *plain_; }
    /// Null when plain.
    TlsStream* tls() { return tls_.get(); }

  private:
    std::unique_ptr<Socket> plain_;
    std::unique_ptr<TlsStream> tls_;
};

} // namespace headroom::mock
