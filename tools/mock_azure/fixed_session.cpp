// Callback style on purpose: no coroutine frame, no timer and no allocation per request.
#include "tools/mock_azure/fixed_session.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <strings.h>

#include <charconv>
#include <cstring>
#include <memory>
#include <vector>

namespace headroom::mock {

namespace asio = boost::asio;

namespace {

constexpr std::size_t first_buffer_bytes = 16 * 1024;

/// The value of a field in a raw head, by lower-case name with "\r\n" in front and ':' behind.
std::string_view raw_field(std::string_view head, std::string_view pattern) {
    for (std::size_t at = head.find('\r'); at != std::string_view::npos; at = head.find('\r', at + 1)) {
        const std::string_view rest = head.substr(at);
        if (rest.size() > pattern.size() && ::strncasecmp(rest.data(), pattern.data(), pattern.size()) == 0) {
            std::string_view value = rest.substr(pattern.size());
            value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
            return value.substr(0, value.find('\r'));
        }
    }
    return {};
}

template <class Stream>
class FixedSession : public std::enable_shared_from_this<FixedSession<Stream>> {
  public:
    FixedSession(Stream stream, const FixedAnswer* answer)
        : stream_(std::move(stream)),
          timer_(stream_.get_executor()),
          answer_(answer),
          buffer_(first_buffer_bytes) {}

    Stream& stream() { return stream_; }

    void read() {
        if (filled_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
        stream_.async_read_some(
            asio::buffer(buffer_.data() + filled_, buffer_.size() - filled_),
            [self = this->shared_from_this()](boost::system::error_code error, std::size_t bytes) {
                if (error) return;
                self->filled_ += bytes;
                self->serve();
            });
    }

  private:
    void serve() {
        const std::string_view bytes(buffer_.data(), filled_);
        const std::size_t end = request_end(bytes);
        if (end == 0) {
            read();
            return;
        }
        const bool stream = answer_->sse && (!answer_->json || wants_stream(bytes.substr(0, end)));
        filled_ -= end;
        if (filled_ > 0) std::memmove(buffer_.data(), buffer_.data() + end, filled_);
        if (!stream) {
            write(answer_->json_reply, &FixedSession::next);
            return;
        }
        chunks_left_ = answer_->sse_chunks;
        due_ = std::chrono::steady_clock::now();
        if (answer_->sse_step.count() > 0) due_ -= due_.time_since_epoch() % answer_->sse_step;
        write(answer_->sse_head, &FixedSession::wait);
    }

    static bool wants_stream(std::string_view request) {
        const std::size_t at = request.find("\"stream\":");
        return at != std::string_view::npos &&
               request.substr(at + 9).substr(0, 5).find('t') != std::string_view::npos;
    }

    void write(std::string_view bytes, void (FixedSession::*then)()) {
        asio::async_write(
            stream_, asio::buffer(bytes),
            [self = this->shared_from_this(), then](boost::system::error_code error, std::size_t) {
                if (!error) (self.get()->*then)();
            });
    }

    void next() { filled_ > 0 ? serve() : read(); }

    void wait() {
        if (chunks_left_-- == 0) {
            write(answer_->sse_tail, &FixedSession::next);
            return;
        }
        if (answer_->sse_interval.count() == 0) {
            write(answer_->sse_chunk, &FixedSession::wait);
            return;
        }
        due_ += answer_->sse_interval;
        timer_.expires_at(due_);
        timer_.async_wait([self = this->shared_from_this()](boost::system::error_code error) {
            if (!error) self->write(self->answer_->sse_chunk, &FixedSession::wait);
        });
    }

    Stream stream_;
    asio::steady_timer timer_;
    const FixedAnswer* answer_;
    std::vector<char> buffer_;
    std::size_t filled_ = 0;
    std::int64_t chunks_left_ = 0;
    std::chrono::steady_clock::time_point due_;
};

/// The end of a chunked body that starts at `at`; 0 while it is incomplete.
std::size_t chunked_end(std::string_view bytes, std::size_t at) {
    for (;;) {
        const std::size_t line = bytes.find("\r\n", at);
        if (line == std::string_view::npos) return 0;
        std::size_t size = 0;
        std::from_chars(bytes.data() + at, bytes.data() + line, size, 16);
        at = line + 2 + size + (size > 0 ? 2 : 0);
        if (at > bytes.size()) return 0;
        if (size > 0) continue;
        // Trailer fields, then an empty line.
        for (;;) {
            const std::size_t end = bytes.find("\r\n", at);
            if (end == std::string_view::npos) return 0;
            const bool empty_line = end == at;
            at = end + 2;
            if (empty_line) return at;
        }
    }
}

} // namespace

std::size_t request_end(std::string_view bytes) {
    const std::size_t blank = bytes.find("\r\n\r\n");
    if (blank == std::string_view::npos) return 0;
    const std::string_view head = bytes.substr(0, blank + 2);
    const std::size_t body = blank + 4;
    if (const std::string_view length = raw_field(head, "\r\ncontent-length:"); !length.empty()) {
        std::size_t size = 0;
        std::from_chars(length.data(), length.data() + length.size(), size);
        return body + size <= bytes.size() ? body + size : 0;
    }
    if (!raw_field(head, "\r\ntransfer-encoding:").empty()) return chunked_end(bytes, body);
    return body;
}

void start_fixed_session(Wire::Socket socket, asio::ssl::context* tls, const FixedAnswer* answer) {
    if (!tls) {
        std::make_shared<FixedSession<Wire::Socket>>(std::move(socket), answer)->read();
        return;
    }
    auto session =
        std::make_shared<FixedSession<Wire::TlsStream>>(Wire::TlsStream(std::move(socket), *tls), answer);
    session->stream().async_handshake(asio::ssl::stream_base::server,
                                      [session](boost::system::error_code error) {
                                          if (!error) session->read();
                                      });
}

} // namespace headroom::mock
