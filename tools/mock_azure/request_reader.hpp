// Reads one HTTP/1 request from a connection with Beast's parser: first its head, then its body.
// Bytes of a following request stay in the buffer that the connection's requests share.
#pragma once

#include "tools/mock_azure/wire.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <cstdint>
#include <string>

namespace headroom::mock {

enum class ReadResult { ok, closed, unreadable, head_too_large, body_too_large };

class RequestReader {
  public:
    using Buffer = boost::beast::flat_buffer;
    using Head = boost::beast::http::request_header<>;

    /// `hashes`: body_sha256() will be asked for.
    RequestReader(Wire* wire, Buffer* buffer, bool hashes);

    /// closed: the peer left before the first byte.
    boost::asio::awaitable<ReadResult> read_head();
    /// Keeps the first `kept_bytes_max` bytes. Answers "Expect: 100-continue" first.
    boost::asio::awaitable<ReadResult> read_body(std::int64_t bytes_max, std::int64_t kept_bytes_max);

    const Head& head() const { return parser_.get().base(); }
    bool keep_alive() const { return parser_.keep_alive(); }
    bool chunked() const { return parser_.chunked(); }
    bool upgrade() const { return parser_.upgrade(); }
    const std::string& body() const { return body_; }
    std::int64_t body_bytes() const { return body_bytes_; }
    /// In hexadecimal; of the whole body, also of what was not kept. Empty when it was not hashed.
    std::string body_sha256() const;

  private:
    boost::asio::awaitable<bool> fill();

    Wire* wire_;
    Buffer* buffer_;
    boost::beast::http::request_parser<boost::beast::http::buffer_body> parser_;
    std::string body_;
    std::int64_t body_bytes_ = 0;
    std::shared_ptr<void> hash_; // null: not wanted
};

} // namespace headroom::mock
