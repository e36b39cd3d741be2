// TlsSession: one TLS connection over a Socket: handshake, records in both directions, orderly end.
// Owned by its Stream; one thread. receive() and send() may be awaited at the same time by two coroutines:
// whoever is first owns the socket's direction, the other one waits for it, so there is never a second
// Socket::send or Socket::receive.
// Promises: received bytes are copied once (decryption), sent ones once (encryption); a send holds at most
// one large block of records; an idle session holds no block; OpenSSL's error queue is empty
// between calls.
#pragma once

#include "net/loop.hpp"
#include "net/task.hpp"
#include "net/tls/wire.hpp"

#include <sys/uio.h>

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_session_st;
struct x509_store_ctx_st;

namespace headroom::net {

class TlsContext;
class TlsSessionCache;

class TlsSession {
  public:
    /// Server side.
    TlsSession(Socket& socket, TlsContext& context);
    /// Client side. `server_name` goes into SNI and must be what the certificate is for (RFC 9110 §4.3.4); an
    /// IP literal is checked as an address. `cache` may be null, else it must outlive the session.
    TlsSession(Socket& socket, TlsContext& context, std::string_view server_name, TlsSessionCache* cache);
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;
    ~TlsSession();

    /// The socket has moved to another place.
    void attach(Socket& socket) noexcept { socket_ = &socket; }

    /// To be awaited once, before everything else. Errors: tls_handshake, tls_certificate, closed (by the
    /// peer, in between), no_memory, and those of the socket.
    Task<Result<void>> handshake();
    /// As Stream::receive.
    Task<Result<Slice>> receive();
    /// As Stream::send. After an error nothing more can be sent.
    Task<Result<void>> send(std::span<iovec> pieces);
    /// Sends close_notify when that is still possible, then FIN.
    Task<void> finish();

    /// As Socket::expect, for plain bytes.
    void expect(std::size_t bytes) noexcept { expected_bytes_ = bytes; }
    /// As Stream::has_input: reads waiting records to find out. False while a receive() is awaited.
    bool has_input() noexcept;
    /// As Stream::watch: told of what comes from now on, not of what has_input() knows already.
    void watch(void (*notify)(void* context, Attention attention), void* context) noexcept;
    void interrupt_receive() noexcept;
    void interrupt_send() noexcept;

    /// Whether the handshake was a short one, on an earlier session.
    bool resumed() const noexcept;
    /// "TLSv1.3" or "TLSv1.2".
    std::string_view protocol() const noexcept;
    /// Why the session failed, for the log, such as "certificate has expired (not after ...)"; empty when it
    /// has not.
    const std::string& failure() const noexcept { return failure_; }
    ssl_st* native() const noexcept { return ssl_; }

    /// OpenSSL's callback of a client context: a session to resume has come.
    static int on_new_session(ssl_st* ssl, ssl_session_st* session) noexcept;

  private:
    enum class Role : std::uint8_t { none, receiver, sender };
    enum class Encrypted : std::uint8_t { done, batch_full, wants_input, failed };

    bool prepare(TlsContext& context);
    bool aim_at(std::string_view server_name);
    static int on_verify(int verified, x509_store_ctx_st* certificates) noexcept;

    // What the handshake and both directions share.
    Task<Result<void>> fill(Role role);
    Task<Result<void>> flush(Role role);
    bool pull() noexcept;
    void take_input(Result<Slice> received) noexcept;
    void wake(std::coroutine_handle<>& waiter) noexcept;
    Error fault(ErrorCode code) const noexcept;
    Error interrupted() const noexcept;

    void fail_handshake(Error by_default);
    bool alpn_agreed() noexcept;

    // Reading.
    Result<Slice> decrypt() noexcept;
    bool wants_input(int outcome) noexcept;
    Slice room_for_plain() noexcept;
    Slice cut(Slice block, std::size_t bytes) noexcept;
    void note_end() noexcept;
    bool must_flush() const noexcept;
    std::optional<Attention> examine() noexcept;
    void on_attention(Attention attention) noexcept;

    // Writing.
    Encrypted encrypt(std::span<iovec>& pieces) noexcept;
    std::string_view next_record(std::span<const iovec> pieces, std::size_t room, Slice& gathered) noexcept;

    bool is_broken() const noexcept { return broken_.code != ErrorCode::none; }

    Socket* socket_;
    ssl_st* ssl_ = nullptr;
    TlsSessionCache* cache_ = nullptr;
    TlsWire wire_;
    RecordQueue in_flight_; ///< with the kernel
    Slice tail_;            ///< rest of the block that the last plain bytes are in
    std::size_t expected_bytes_ = 0;

    void (*notify_)(void* context, Attention attention) = nullptr;
    void* notify_context_ = nullptr;
    std::coroutine_handle<> receiver_waits_; ///< for the sender's fill()
    std::coroutine_handle<> sender_waits_;   ///< for the receiver's fill() or flush()
    std::string failure_;
    std::array<char, 8> opening_{}; ///< the first bytes of the peer, to name what is not TLS

    Error broken_; ///< no record can be read or written any more
    Error lost_;   ///< the socket's end, told once everything before it is read
    Error unsent_; ///< records were lost on their way: nothing can be sent any more
    Role filling_ = Role::none;
    Role flushing_ = Role::none;
    bool client_ = false;
    bool prepared_ = false;
    bool established_ = false;
    bool certificate_refused_ = false;
    bool ended_ = false; ///< close_notify received
    bool fin_ = false;   ///< FIN received
    bool end_told_ = false;
    bool receiving_ = false;
    bool sending_ = false;
    bool receive_interrupted_ = false;
    bool send_interrupted_ = false;
};

} // namespace headroom::net
