// The socket side of a connection, plain or TLS, on Asio callbacks.
// Promises: one read is always pending, so that a close by the server is seen between requests; a new
// connection is only opened once nothing of the old one is pending, so no handler ever meets another stream
// than its own.
#pragma once

#include "tools/load/connection.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <optional>
#include <type_traits>

namespace headroom::load {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using PlainStream = asio::basic_stream_socket<Tcp, asio::io_context::executor_type>;
using TlsStream = asio::ssl::stream<PlainStream>;

/// Where to connect, and as whom to verify the server; shared by all connections.
struct Route {
    Tcp::endpoint endpoint;
    std::string host; ///< For SNI and verification.
    bool verify = true;
    asio::ssl::context* tls = nullptr; ///< Null for plain TCP.
};

template <class Stream>
class StreamConnection final : public Connection {
  public:
    StreamConnection(asio::io_context& io, const Route& route, Shift& shift, ConnectionOwner& owner)
        : Connection(shift, owner), io_(&io), route_(&route) {}

  private:
    static constexpr bool is_tls = std::is_same_v<Stream, TlsStream>;
    using Code = boost::system::error_code;

    void start_open() override {
        make_stream();
        ++pending_;
        stream_->lowest_layer().async_connect(route_->endpoint, [this](Code code) {
            --pending_;
            if (code || is_closing_) return over(code);
            stream_->lowest_layer().set_option(Tcp::no_delay(true), code);
            if constexpr (is_tls)
                start_handshake();
            else
                ready();
        });
    }

    void make_stream() {
        is_closing_ = false;
        is_writing_ = false;
        if constexpr (is_tls) {
            stream_.emplace(*io_, *route_->tls);
            Code not_an_address;
            asio::ip::make_address(route_->host, not_an_address);
            if (not_an_address) SSL_set_tlsext_host_name(stream_->native_handle(), route_->host.c_str());
            if (route_->verify) stream_->set_verify_callback(asio::ssl::host_name_verification(route_->host));
        } else {
            stream_.emplace(*io_);
        }
    }

    void start_handshake() {
        ++pending_;
        stream_->async_handshake(asio::ssl::stream_base::client, [this](Code code) {
            --pending_;
            if (code || is_closing_) return over(code);
            ready();
        });
    }

    void ready() {
        if constexpr (!is_tls) {
            Code ignored;
            stream_->non_blocking(true, ignored);
        }
        opened();
        if (!is_closing_) start_read();
        settle();
    }

    void start_read() {
        ++pending_;
        stream_->async_read_some(asio::buffer(buffer_), [this](Code code, std::size_t size) {
            --pending_;
            if (code || is_closing_) return over(code);
            received({buffer_.data(), size});
            if (!is_closing_) start_read();
            settle();
        });
    }

    void start_write(std::string_view bytes) override {
        if constexpr (!is_tls) { // nearly always all of it at once, and without a trip through the loop
            Code code;
            bytes.remove_prefix(stream_->write_some(asio::buffer(bytes), code));
            if (bytes.empty()) return;
        }
        ++pending_;
        is_writing_ = true;
        asio::async_write(*stream_, asio::buffer(bytes), [this](Code code, std::size_t) {
            --pending_;
            is_writing_ = false;
            // A server may answer and close before it has read everything: the answer is still read, then the
            // end is seen.
            if (is_closing_) return over(code);
        });
    }

    void start_close() override {
        is_closing_ = true;
        Code ignored;
        stream_->lowest_layer().close(ignored);
    }

    [[nodiscard]] bool is_writing() const noexcept override { return is_writing_; }

    void over(const Code& code) {
        if (!is_closing_) ended(code ? code.message() : std::string{});
        settle();
    }

    // Tells the owner once the last handler of a closing stream has run; from handlers only, never from
    // inside a call.
    void settle() {
        if (is_closing_ && pending_ == 0 && stream_) {
            stream_.reset();
            closed();
        }
    }

    asio::io_context* io_;
    const Route* route_;
    std::optional<Stream> stream_;
    unsigned pending_ = 0;
    bool is_closing_ = false;
    bool is_writing_ = false;
    std::array<char, 16384> buffer_{};
};

} // namespace headroom::load
