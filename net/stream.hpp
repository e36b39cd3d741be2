// Stream: a connected byte stream over a Socket, plain or TLS, with one interface for both.
// Plain costs nothing over the socket: receive() and send() are the socket's own operations.
// TLS is OpenSSL over the same receive blocks (net/tls/session.hpp). Owned by one connection.
#pragma once

#include "net/loop.hpp"
#include "net/task.hpp"

#include <sys/uio.h>

#include <coroutine>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace headroom::net {

class TlsContext;
class TlsSession;
class TlsSessionCache;

class Stream {
  public:
    Stream() noexcept;
    /// Plain until a handshake is awaited.
    explicit Stream(Socket socket) noexcept;
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream();

    bool open() const noexcept { return socket_.open(); }
    bool secure() const noexcept { return tls_ != nullptr; }
    Socket& socket() noexcept { return socket_; }
    /// Null while plain; after a failed handshake it says why (TlsSession::failure).
    const TlsSession* tls() const noexcept { return tls_.get(); }

    /// Server side of TLS (RFC 8446); errors: tls_handshake, tls_protocol, closed, reset, timed_out,
    /// cancelled.
    Task<Result<void>> accept_tls(TlsContext& context);
    /// Client side: SNI and host name check against `server_name` (an IP literal is checked as an address).
    /// `cache` holds sessions of the same destination to resume and keeps new ones; it outlives the stream.
    Task<Result<void>> connect_tls(TlsContext& context, std::string_view server_name,
                                   TlsSessionCache* cache = nullptr);

    class ReceiveAwaiter;
    class SendAwaiter;
    /// The next bytes of the application; an empty Slice is an orderly end (FIN, or close_notify under TLS).
    /// Under TLS a FIN without close_notify is Error tls_protocol, so that a cut message cannot look whole.
    ReceiveAwaiter receive() noexcept;
    /// Sends all bytes; `pieces` and what they point to must live until the end. Result<void>.
    SendAwaiter send(std::span<iovec> pieces) noexcept;

    /// As Socket::expect.
    void expect(std::size_t bytes) noexcept;
    /// Application bytes, an end or an error are waiting for the next receive().
    bool has_input() const noexcept;
    /// As Socket::watch, about application bytes: TLS records that carry none (session tickets) are consumed
    /// silently.
    void watch(void (*notify)(void* context, Attention attention), void* context) noexcept;
    /// As Socket::interrupt_receive and interrupt_send.
    void interrupt_receive() noexcept;
    void interrupt_send() noexcept;
    void cancel(Error error) noexcept { socket_.cancel(error); }

    /// Ends our direction in order: close_notify under TLS, then FIN.
    Task<void> finish();
    /// Closes now, without a goodbye; nothing may be awaited. tls() is null after it.
    void close() noexcept;

  private:
    Socket socket_;
    std::unique_ptr<TlsSession> tls_;
};

/// Plain: the socket's operation. TLS: a task that pumps records.
class [[nodiscard]] Stream::ReceiveAwaiter {
  public:
    explicit ReceiveAwaiter(Socket::ReceiveAwaiter plain) noexcept : plain_(plain) {}
    explicit ReceiveAwaiter(Task<Result<Slice>> secure) noexcept : secure_(std::move(secure)) {}
    bool await_ready() noexcept { return plain_.has_value() && plain_->await_ready(); }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
        if (!plain_.has_value()) return secure_.await_suspend(waiter);
        plain_->await_suspend(waiter);
        return std::noop_coroutine();
    }
    Result<Slice> await_resume() noexcept {
        return plain_.has_value() ? plain_->await_resume() : secure_.await_resume();
    }

  private:
    std::optional<Socket::ReceiveAwaiter> plain_;
    Task<Result<Slice>> secure_;
};

class [[nodiscard]] Stream::SendAwaiter {
  public:
    explicit SendAwaiter(Socket::SendAwaiter plain) noexcept : plain_(plain) {}
    explicit SendAwaiter(Task<Result<void>> secure) noexcept : secure_(std::move(secure)) {}
    bool await_ready() noexcept { return plain_.has_value() && plain_->await_ready(); }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
        if (!plain_.has_value()) return secure_.await_suspend(waiter);
        plain_->await_suspend(waiter);
        return std::noop_coroutine();
    }
    Result<void> await_resume() noexcept {
        return plain_.has_value() ? plain_->await_resume() : secure_.await_resume();
    }

  private:
    std::optional<Socket::SendAwaiter> plain_;
    Task<Result<void>> secure_;
};

} // namespace headroom::net
