// Records of a TLS session: from the socket to plain bytes, from plain bytes to the socket.
#include "net/tls/failure.hpp"
#include "net/tls/session.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace headroom::net {
namespace {

/// Plain bytes in one record (RFC 8446 §5.1).
constexpr std::size_t record_bytes_max = 16 * 1024;
/// Header, explicit nonce, content type and tag of every cipher we allow, rounded up.
constexpr std::size_t record_overhead_bytes = 64;
/// Records of one send: a large block, so that a slow peer holds no more.
constexpr std::size_t batch_bytes_max = BufferPool::large_bytes;
/// A batch with less room than this is sent before another record is begun.
constexpr std::size_t record_room_least_bytes = 1024;
/// Pieces below this are put together, so that a head and the first bytes of its body share a record.
constexpr std::size_t gather_below_bytes = BufferPool::small_bytes;
/// Rests of blocks below this are not worth keeping.
constexpr std::size_t tail_least_bytes = 1024;
/// Answers to KeyUpdates wait for the next send; over the first bound they are sent alone, over the second
/// the peer is taken for hostile.
constexpr std::size_t answers_bytes_kept = 4 * 1024;
constexpr std::size_t answers_bytes_max = 16 * 1024;

/// Marks one of the two operations as awaited, until its coroutine ends.
struct Active {
    explicit Active(bool& flag) noexcept : active(flag) {
        HEADROOM_ASSERT(!active);
        active = true;
    }
    Active(const Active&) = delete;
    Active& operator=(const Active&) = delete;
    ~Active() { active = false; }
    bool& active;
};

/// Suspends until woken through `slot`.
struct Parked {
    std::coroutine_handle<>& slot;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) const noexcept {
        HEADROOM_ASSERT(!slot);
        slot = waiter;
    }
    void await_resume() const noexcept {}
};

void drop_front(std::span<iovec>& pieces, std::size_t bytes) noexcept {
    while (!pieces.empty() && bytes >= pieces.front().iov_len) {
        bytes -= pieces.front().iov_len;
        pieces = pieces.subspan(1);
    }
    if (bytes == 0) return;
    iovec& first = pieces.front();
    first.iov_base = static_cast<char*>(first.iov_base) + bytes;
    first.iov_len -= bytes;
}

} // namespace

// ---- the socket's two directions ----

/// Waits for more input, or for the other role when that is waiting already: then the caller looks again.
Task<Result<void>> TlsSession::fill(Role role) {
    if (filling_ != Role::none) {
        co_await Parked{role == Role::receiver ? receiver_waits_ : sender_waits_};
        co_return Result<void>();
    }
    filling_ = role;
    Result<Slice> received = co_await socket_->receive();
    filling_ = Role::none;
    wake(receiver_waits_);
    wake(sender_waits_);
    if (!received && received.error().code == ErrorCode::interrupted) co_return received.error();
    take_input(std::move(received));
    co_return Result<void>();
}

/// Sends what is in the wire, and waits for what the other role is sending.
Task<Result<void>> TlsSession::flush(Role role) {
    while (flushing_ != Role::none || !wire_.output.empty()) {
        if (unsent_.code != ErrorCode::none) co_return unsent_;
        if (wire_.overflowed) {
            unsent_ = fault(ErrorCode::no_memory);
            co_return unsent_;
        }
        if (role == Role::sender && send_interrupted_) {
            unsent_ = interrupted();
            wire_.output.clear();
            co_return unsent_;
        }
        if (flushing_ != Role::none) {
            co_await Parked{sender_waits_}; // only the sender comes here: the receiver looks before
            continue;
        }
        flushing_ = role;
        in_flight_ = std::move(wire_.output);
        std::array<iovec, RecordQueue::blocks_max> pieces;
        const std::size_t count = in_flight_.gather(pieces);
        const Result<void> sent = co_await socket_->send(std::span(pieces).first(count));
        in_flight_.clear();
        flushing_ = Role::none;
        if (!sent) {
            unsent_ = sent.error();
            wire_.output.clear(); // whatever came behind the lost records is worth nothing
        }
        wake(sender_waits_);
    }
    if (unsent_.code != ErrorCode::none) co_return unsent_;
    co_return Result<void>();
}

/// Takes what the socket has without waiting for it; whether there are bytes now.
bool TlsSession::pull() noexcept {
    const bool over = fin_ || lost_.code != ErrorCode::none;
    if (over || filling_ != Role::none || !socket_->has_input()) return false;
    Socket::ReceiveAwaiter awaiter = socket_->receive();
    if (!awaiter.await_ready()) return false;
    take_input(awaiter.await_resume());
    return !wire_.input.empty();
}

void TlsSession::take_input(Result<Slice> received) noexcept {
    if (!received) {
        lost_ = received.error();
    } else if (received->empty()) {
        fin_ = true;
    } else {
        HEADROOM_ASSERT(wire_.input.empty());
        wire_.input = std::move(*received);
        if (!established_ && opening_[0] == 0) {
            std::memcpy(opening_.data(), wire_.input.data(), std::min(opening_.size(), wire_.input.size()));
        }
    }
}

void TlsSession::wake(std::coroutine_handle<>& waiter) noexcept {
    if (waiter) socket_->loop().resume_soon(std::exchange(waiter, {}));
}

// ---- reading ----

Task<Result<Slice>> TlsSession::receive() {
    const Active active(receiving_);
    receive_interrupted_ = false;
    for (;;) {
        Result<Slice> plain = decrypt();
        if (!plain || !plain->empty()) co_return plain;
        if (must_flush()) {
            (void)co_await flush(Role::receiver); // a failure shows where it matters: at the next send
            continue;
        }
        if (is_broken()) co_return broken_;
        if (ended_) co_return Slice();
        if (receive_interrupted_) co_return interrupted();
        if (const Result<void> filled = co_await fill(Role::receiver); !filled) co_return filled.error();
    }
}

/// What OpenSSL wrote while it read leaves with the next send: answers to KeyUpdates are due only before our
/// next bytes (RFC 8446 §4.6.3), and a receive that waits for a send could wait for a peer that waits for us.
/// Alerts have no later, nor have the answers of TLS 1.2.
bool TlsSession::must_flush() const noexcept {
    if (wire_.output.empty() || flushing_ != Role::none || unsent_.code != ErrorCode::none) return false;
    return is_broken() || SSL_version(ssl_) < TLS1_3_VERSION || wire_.output.bytes() > answers_bytes_kept;
}

/// Plain bytes of the records that are here; an empty slice when there are none yet or no more.
Result<Slice> TlsSession::decrypt() noexcept {
    if (ended_ || is_broken()) return Slice();
    if (wire_.input.empty() && SSL_has_pending(ssl_) == 0) {
        note_end();
        return Slice();
    }
    Slice block = room_for_plain();
    if (block.block() == nullptr) return fault(ErrorCode::no_memory);
    char* at = block.mutable_data();
    const std::size_t room = block.spare_bytes();
    std::size_t total = 0;
    while (total < room) {
        std::size_t read = 0;
        const int outcome = SSL_read_ex(ssl_, at + total, room - total, &read);
        if (outcome == 1) {
            total += read;
        } else if (!wants_input(outcome) || total == 0 || !pull()) {
            // Without plain bytes so far the socket is awaited, so that a flood of records that carry none
            // leaves the others their turn.
            break;
        }
    }
    if (wire_.input.empty()) note_end();
    return cut(std::move(block), total);
}

/// After a read or peek that gave nothing: whether more input would help; notes the end when not.
/// The usual answer does not come from the error queue, so that the queue need not be cleared before every
/// record (which costs as much as a small record).
bool TlsSession::wants_input(int outcome) noexcept {
    if (SSL_want_read(ssl_)) {
        if (wire_.output.bytes() <= answers_bytes_max) return true;
        broken_ = fault(ErrorCode::tls_protocol);
        failure_ = "the peer asks for too many key updates";
    } else if (SSL_get_error(ssl_, outcome) == SSL_ERROR_ZERO_RETURN) {
        ended_ = true;
    } else {
        broken_ = fault(wire_.overflowed ? ErrorCode::no_memory : ErrorCode::tls_protocol);
        failure_ = take_tls_errors();
    }
    return false;
}

/// Body bytes that are held are packed: the next ones go into the same block, behind the last ones. Heads and
/// event chunks get a block of their own, which their owner may append to.
Slice TlsSession::room_for_plain() noexcept {
    if (tail_.block() != nullptr && expected_bytes_ > 0) return std::move(tail_);
    tail_.reset();
    const bool large = expected_bytes_ > BufferPool::small_bytes;
    return wire_.pool->acquire_slice(large ? BlockSize::large : BlockSize::small);
}

/// The first `bytes` of what was acquired as room; the rest is kept for the next read when it is worth it.
Slice TlsSession::cut(Slice block, std::size_t bytes) noexcept {
    if (bytes == 0) {
        if (!block.sole_owner()) tail_ = std::move(block);
        return Slice();
    }
    expected_bytes_ -= std::min(expected_bytes_, bytes);
    char* at = block.mutable_data();
    if (expected_bytes_ > 0 && block.spare_bytes() >= bytes + tail_least_bytes) {
        ++block.block()->references;
        tail_ = Slice(block.block(), at + bytes, 0);
    }
    ++block.block()->references;
    return Slice(block.block(), at, bytes);
}

/// Called when every byte that came has been read.
void TlsSession::note_end() noexcept {
    if (ended_ || is_broken()) return;
    if (lost_.code != ErrorCode::none) {
        broken_ = lost_;
    } else if (fin_) {
        broken_ = fault(ErrorCode::tls_protocol);
        failure_ = "the peer closed the connection without close_notify";
    }
}

// ---- writing ----

Task<Result<void>> TlsSession::send(std::span<iovec> pieces) {
    const Active active(sending_);
    send_interrupted_ = false;
    for (;;) {
        if (unsent_.code != ErrorCode::none) co_return unsent_;
        if (is_broken()) co_return broken_;
        const Encrypted encrypted = encrypt(pieces);
        if (encrypted == Encrypted::failed) co_return unsent_;
        if (encrypted == Encrypted::wants_input) {
            // A message of the handshake's kind (a ticket, say) is half read: it must be whole before we may
            // write.
            if (lost_.code != ErrorCode::none || fin_)
                co_return lost_.code != ErrorCode::none ? lost_ : fault(ErrorCode::reset);
            if (send_interrupted_) co_return interrupted();
            if (const Result<void> filled = co_await fill(Role::sender); !filled) co_return filled.error();
            continue;
        }
        if (const Result<void> sent = co_await flush(Role::sender); !sent) co_return sent.error();
        if (encrypted == Encrypted::done) co_return Result<void>();
    }
}

/// Encrypts from the front of `pieces`, which it advances, until they end or the batch is full.
TlsSession::Encrypted TlsSession::encrypt(std::span<iovec>& pieces) noexcept {
    for (;;) {
        drop_front(pieces, 0);
        if (pieces.empty()) return Encrypted::done;
        const std::size_t used = wire_.output.bytes() + record_overhead_bytes;
        if (used + record_room_least_bytes > batch_bytes_max) return Encrypted::batch_full;
        Slice gathered;
        const std::string_view record = next_record(pieces, batch_bytes_max - used, gathered);
        if (record.empty() || !wire_.output.reserve(*wire_.pool, record.size() + record_overhead_bytes)) {
            unsent_ = fault(ErrorCode::no_memory);
            return Encrypted::failed;
        }
        std::size_t written = 0;
        if (SSL_write_ex(ssl_, record.data(), record.size(), &written) != 1) {
            if (SSL_want_read(ssl_)) return Encrypted::wants_input;
            broken_ = fault(wire_.overflowed ? ErrorCode::no_memory : ErrorCode::tls_protocol);
            unsent_ = broken_;
            failure_ = take_tls_errors();
            return Encrypted::failed;
        }
        drop_front(pieces, written);
    }
}

/// Plain bytes for the next record: the first piece itself when it is large or the last one, else a copy of
/// several in `gathered`. Empty without memory for that.
std::string_view TlsSession::next_record(std::span<const iovec> pieces, std::size_t room,
                                         Slice& gathered) noexcept {
    const iovec& first = pieces.front();
    const std::size_t most = std::min(room, record_bytes_max);
    if (pieces.size() == 1 || first.iov_len >= std::min(most, gather_below_bytes)) {
        return {static_cast<const char*>(first.iov_base), std::min(first.iov_len, most)};
    }
    gathered = wire_.pool->acquire_slice(BlockSize::small);
    for (const iovec& piece : pieces) {
        const std::size_t space = std::min(gathered.spare_bytes(), most - gathered.size());
        if (space == 0) break;
        gathered.append({static_cast<const char*>(piece.iov_base), std::min(piece.iov_len, space)});
    }
    return gathered.view();
}

// ---- the end ----

Task<void> TlsSession::finish() {
    if (established_ && !is_broken() && unsent_.code == ErrorCode::none) {
        send_interrupted_ = false;
        ERR_clear_error();
        if (SSL_shutdown(ssl_) < 0) ERR_clear_error();
        (void)co_await flush(Role::sender); // a peer that is gone needs no goodbye
    }
    socket_->shutdown_send();
}

} // namespace headroom::net
