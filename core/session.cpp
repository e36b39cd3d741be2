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

net::Task<void> Session::serve(Shard* shard, net::Socket socket) {
    Session session(*shard, std::move(socket));
    co_await session.run();
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

net::Task<void> Session::run() {
    if (shard_.client_tls() != nullptr && !co_await handshake()) co_return;
    reader_.parser().limit_body(shard_.config().limits.streamed_body_bytes_max);
    while (co_await next_request()) {
        const bool keep = co_await serve_request();
        reader_.finish_message();
        if (!keep || shard_.draining()) break;
    }
    co_await close_in_order();
}

// A frame of its own: an idle connection then holds none of what a request needs.
net::Task<bool> Session::serve_request() {
    Exchange exchange(*this);
    exchange_ = &exchange;
    const bool keep = co_await exchange.run();
    exchange_ = nullptr;
    co_return keep;
}

net::Task<bool> Session::handshake() {
    limit_sending(shard_.loop().now() + shard_.config().timeouts.handshake);
    const net::Result<void> shaken = co_await stream_.accept_tls(*shard_.client_tls());
    lift_limit();
    if (!shaken) shard_.count().tls_handshakes_failed.add();
    co_return shaken.ok();
}

net::Task<bool> Session::next_request() {
    const TimeoutConfig& timeouts = shard_.config().timeouts;
    if (!reader_.head_begun()) {
        if (shard_.draining()) co_return false;
        limit_reading(shard_.loop().now() + timeouts.keepalive);
        net::Result<net::Slice> first = co_await stream_.receive();
        lift_limit();
        if (!first || first->empty()) co_return false;
        reader_.push(std::move(*first));
    }
    if (!reader_.try_read_head()) {
        limit_reading(shard_.loop().now() + timeouts.head);
        const net::Result<void> read = co_await reader_.read_head();
        lift_limit();
        if (!read && expired_) {
            if (!reader_.parser().begun()) co_return false; // nobody has asked anything
            linger_ = true;
            Answer answer = error_answer(408, "", "The request head did not arrive in time.");
            answer.close = true;
            co_await send_answer(std::move(answer));
            co_return false;
        }
    }
    if (reader_.failed()) co_return co_await refuse_malformed();
    co_return true;
}

net::Task<bool> Session::refuse_malformed() {
    const net::ParseFailure& bad = reader_.bad();
    if (bad.status == 0) co_return false; // the client left, nothing to say
    shard_.count().malformed.add();
    report_malformed(shard_, *this, bad);
    linger_ = true;
    Answer answer = error_answer(bad.status, "", bad.reason);
    answer.close = true;
    co_await send_answer(std::move(answer));
    co_return false;
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
