// A client for tests of the mock that shows what came over the wire: every byte, and how the connection
// ended. Blocking, with a receive timeout so that a broken test fails and does not hang. Not for use outside
// tests.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/time.h>

#include <string>
#include <string_view>

namespace headroom::mock {

class RawClient {
  public:
    enum class End { closed, reset, timed_out };
    using Response = boost::beast::http::response<boost::beast::http::string_body>;

    /// `url`: http://127.0.0.1:PORT. Fails the test when nothing listens there.
    explicit RawClient(std::string_view url) : socket_(context_) { EXPECT_TRUE(connect(url)); }
    RawClient() : socket_(context_) {}

    bool connect(std::string_view url) {
        const auto port = static_cast<unsigned short>(std::stoi(std::string(url.substr(url.rfind(':') + 1))));
        boost::system::error_code error;
        socket_.connect({boost::asio::ip::address_v4::loopback(), port}, error);
        const timeval timeout{20, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        return !error;
    }

    void send(std::string_view bytes) {
        boost::system::error_code error;
        boost::asio::write(socket_, boost::asio::buffer(bytes), error);
        // The kernel tells of a reset only once; when the send has been told, the receive sees a plain end.
        if (error) reset_seen_ = true;
    }

    /// A whole response, parsed; status 0 when there was none.
    Response response() {
        Response message;
        message.result(0U);
        boost::system::error_code error;
        boost::beast::http::response_parser<boost::beast::http::string_body> parser;
        parser.header_limit(1 << 20);
        read_blocking(&parser, &error);
        if (error || !parser.is_done()) return message;
        return parser.release();
    }

    /// Everything until the connection ends.
    std::string rest(End* end) {
        std::string all(static_cast<const char*>(buffer_.data().data()), buffer_.size());
        buffer_.consume(buffer_.size());
        char piece[4096];
        for (;;) {
            const ssize_t got = ::recv(socket_.native_handle(), piece, sizeof piece, 0);
            if (got > 0) {
                all.append(piece, static_cast<std::size_t>(got));
                continue;
            }
            *end = reset_seen_ || (got < 0 && errno == ECONNRESET) ? End::reset
                   : got == 0                                      ? End::closed
                                                                   : End::timed_out;
            return all;
        }
    }

    /// Bytes until `mark` has been seen, or until the connection ends.
    std::string until(std::string_view mark) {
        std::string all;
        char one = 0;
        while (all.find(mark) == std::string::npos && ::recv(socket_.native_handle(), &one, 1, 0) == 1)
            all += one;
        return all;
    }

    void close() { socket_.close(); }

  private:
    // Asio would turn the socket non-blocking and lose the timeout, so the bytes are received by hand.
    template <class Parser>
    void read_blocking(Parser* parser, boost::system::error_code* error) {
        while (!parser->is_done()) {
            if (buffer_.size() > 0) {
                parser->eager(true);
                buffer_.consume(parser->put(buffer_.data(), *error));
                if (*error && *error != boost::beast::http::error::need_more) return;
                *error = {};
                if (parser->is_done()) return;
            }
            const auto room = buffer_.prepare(64 * 1024);
            const ssize_t got = ::recv(socket_.native_handle(), room.data(), room.size(), 0);
            if (got <= 0) {
                parser->put_eof(*error);
                if (!*error && !parser->is_done()) *error = boost::asio::error::eof;
                return;
            }
            buffer_.commit(static_cast<std::size_t>(got));
        }
    }

    boost::asio::io_context context_;
    boost::asio::ip::tcp::socket socket_;
    boost::beast::flat_buffer buffer_;
    bool reset_seen_ = false;
};

inline std::string post(std::string_view target, std::string_view body,
                        std::string_view fields = "api-key: k1\r\n") {
    return "POST " + std::string(target) + " HTTP/1.1\r\nHost: mock\r\n" + std::string(fields) +
           "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
}

} // namespace headroom::mock
