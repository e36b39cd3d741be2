// The life of a client connection.
#include "core/session.hpp"

#include "core/exchange.hpp"
#include "core/report.hpp"

#include <array>
#include <utility>

namespace headroom::core {
namespace {

/// How long and how much is still read from a client whose request was refused midway: its bytes in flight
/// would otherwise turn our answer into a reset (RFC 9112 section 9.6). A body just over the limit is read
/// whole, as many clients look for an answer only once they have sent all.
constexpr std::chrono::seconds linger_for{5};
constexpr std::size_t linger_bytes_max = std::size_t{64} << 20U;

} // namespace

// An idle connection waits here, so that this frame is all it has.
net::Task<void> Session::serve(Shard* shard, net::Socket socket) {
    Session session(*shard, std::move(socket));
    if (shard->client_tls() != nullptr && !co_await session.handshake()) co_return;
    session.reader_.parser().limit_body(shard->config().limits.streamed_body_bytes_max);
    do {
        if (!session.reader_.head_begun()) {
            if (shard->draining()) break;
            session.limit_reading(shard->loop().now() + shard->config().timeouts.keepalive);
            if (!session.begin_head(co_await session.stream_.receive())) break;
        }
        if (!session.reader_.try_read_head() && !co_await session.read_head()) break;
        if (session.reader_.failed()) {
            co_await session.refuse_malformed();
            break;
        }
    } while (co_await session.serve_request());
    co_await session.close_in_order();
}

Session::Session(Shard& shard, net::Socket socket) noexcept
    : shard_(shard),
      stream_(std::move(socket)),
      reader_(stream_, shard.loop().buffers()),
      deadline_(
          shard.loop().deadlines(), [](void* self) { static_cast<Session*>(self)->on_deadline(); }, this) {
    shard_.link(*this);
}

Session::~Session() {
    shard_.unlink(*this);
}

net::Task<bool> Session::serve_request() {
    bool keep = false;
    {
        Exchange exchange(*this);
        exchange_ = &exchange;
        keep = co_await exchange.run();
        exchange_ = nullptr;
    }
    reader_.finish_message();
    co_return keep && !shard_.draining();
}

net::Task<bool> Session::handshake() {
    limit_sending(shard_.loop().now() + shard_.config().timeouts.handshake);
    const net::Result<void> shaken = co_await stream_.accept_tls(*shard_.client_tls());
    lift_limit();
    if (!shaken) shard_.count().tls_handshakes_failed.add();
    co_return shaken.ok();
}

bool Session::begin_head(net::Result<net::Slice> first) noexcept {
    lift_limit();
    if (!first || first->empty()) return false;
    reader_.push(std::move(*first));
    return true;
}

net::Task<bool> Session::read_head() {
    limit_reading(shard_.loop().now() + shard_.config().timeouts.head);
    const net::Result<void> read = co_await reader_.read_head();
    lift_limit();
    if (read || !expired_) co_return true;
    if (!reader_.parser().begun()) co_return false; // nobody has asked anything
    linger_ = true;
    Answer answer = error_answer(408, "", "The request head did not arrive in time.");
    answer.close = true;
    co_await send_answer(std::move(answer));
    co_return false;
}

net::Task<void> Session::refuse_malformed() {
    const net::ParseFailure& bad = reader_.bad();
    if (bad.status == 0) co_return; // the client left, nothing to say
    shard_.count().malformed.add();
    report_malformed(shard_, *this, bad);
    linger_ = true;
    Answer answer = error_answer(bad.status, "", bad.reason);
    answer.close = true;
    co_await send_answer(std::move(answer));
}

net::Task<bool> Session::send_answer(Answer answer) {
    answer.close = answer.close || shard_.draining();
    net::Slice bytes = serialize(answer, reader_.head(), shard_.loop().buffers(), shard_.loop().wall_now());
    if (bytes.empty()) co_return false;
    std::array<iovec, 1> piece{iovec{bytes.mutable_data(), bytes.size()}};
    limit_sending(shard_.loop().now() + shard_.config().timeouts.idle);
    const net::Result<void> sent = co_await stream_.send(piece);
    lift_limit();
    if (sent) shard_.count().client_bytes_out.add(bytes.size());
    co_return sent.ok();
}

net::Task<void> Session::close_in_order() {
    if (!stream_.open()) co_return;
    if (reset_) stream_.socket().reset_on_close();
    // bytes that nobody has read make a close a reset, also behind the client's own end
    const bool linger = linger_ || stream_.has_input();
    if (reset_ || (stream_.socket().peer_gone() && !linger)) co_return;
    limit_sending(shard_.loop().now() + linger_for);
    co_await stream_.finish();
    std::size_t drained = 0;
    while (linger && drained < linger_bytes_max) {
        const net::Result<net::Slice> more = co_await stream_.receive();
        if (!more || more.value().empty()) break;
        drained += more.value().size();
    }
    lift_limit();
}

void Session::limit_reading(net::Time at) noexcept {
    sending_ = false;
    expired_ = false;
    deadline_.arm(at);
}

void Session::limit_sending(net::Time at) noexcept {
    sending_ = true;
    deadline_.arm(at);
}

void Session::on_deadline() noexcept {
    expired_ = true;
    if (sending_) {
        stream_.cancel({net::ErrorCode::timed_out, net::Side::client, false});
    } else {
        stream_.interrupt_receive();
    }
}

void Session::begin_drain() noexcept {
    if (exchange_ == nullptr && !reader_.head_begun()) stream_.interrupt_receive();
}

void Session::end_now() noexcept {
    if (exchange_ != nullptr) {
        exchange_->end_now();
    } else {
        stream_.cancel({net::ErrorCode::cancelled, net::Side::local, false});
    }
}

} // namespace headroom::core
