// Stream: plain operations go to the socket, secure ones to the TLS session.
#include "net/stream.hpp"

#include "net/tls/session.hpp"

#include <utility>

namespace headroom::net {

Stream::Stream() noexcept = default;
Stream::Stream(Socket socket) noexcept : socket_(std::move(socket)) {}
Stream::~Stream() = default;

Stream::Stream(Stream&& other) noexcept : socket_(std::move(other.socket_)), tls_(std::move(other.tls_)) {
    if (tls_ != nullptr) tls_->attach(socket_);
}

Stream& Stream::operator=(Stream&& other) noexcept {
    if (this != &other) {
        tls_.reset();
        socket_ = std::move(other.socket_);
        tls_ = std::move(other.tls_);
        if (tls_ != nullptr) tls_->attach(socket_);
    }
    return *this;
}

Task<Result<void>> Stream::accept_tls(TlsContext& context) {
    HEADROOM_ASSERT(tls_ == nullptr);
    tls_ = std::make_unique<TlsSession>(socket_, context);
    return tls_->handshake();
}

Task<Result<void>> Stream::connect_tls(TlsContext& context, std::string_view server_name,
                                       TlsSessionCache* cache) {
    HEADROOM_ASSERT(tls_ == nullptr);
    tls_ = std::make_unique<TlsSession>(socket_, context, server_name, cache);
    return tls_->handshake();
}

Stream::ReceiveAwaiter Stream::receive() noexcept {
    if (tls_ != nullptr) return ReceiveAwaiter(tls_->receive());
    return ReceiveAwaiter(socket_.receive());
}

Stream::SendAwaiter Stream::send(std::span<iovec> pieces) noexcept {
    if (tls_ != nullptr) return SendAwaiter(tls_->send(pieces));
    return SendAwaiter(socket_.send(pieces));
}

void Stream::expect(std::size_t bytes) noexcept {
    socket_.expect(bytes);
    if (tls_ != nullptr) tls_->expect(bytes);
}

bool Stream::has_input() const noexcept {
    return tls_ != nullptr ? tls_->has_input() : socket_.has_input();
}

void Stream::watch(void (*notify)(void* context, Attention attention), void* context) noexcept {
    if (tls_ != nullptr) {
        tls_->watch(notify, context);
    } else {
        socket_.watch(notify, context);
    }
}

void Stream::interrupt_receive() noexcept {
    if (tls_ != nullptr) {
        tls_->interrupt_receive();
    } else {
        socket_.interrupt_receive();
    }
}

void Stream::interrupt_send() noexcept {
    if (tls_ != nullptr) {
        tls_->interrupt_send();
    } else {
        socket_.interrupt_send();
    }
}

Task<void> Stream::finish() {
    if (tls_ != nullptr) {
        co_await tls_->finish();
    } else {
        socket_.shutdown_send();
    }
}

void Stream::close() noexcept {
    tls_.reset();
    socket_.close();
}

} // namespace headroom::net
