// The client's side of an exchange while backends are asked: it leaves, half-closes, or a shutdown ends it.
#include "core/attempt.hpp"
#include "core/exchange.hpp"
#include "core/hedge.hpp"
#include "core/waiting.hpp"

#include <array>

namespace headroom::core {
namespace {

/// How long after a client's FIN its response may still come before we ask whether somebody is there.
constexpr std::chrono::milliseconds probe_after{200};
constexpr unsigned probes_max = 2;

} // namespace

void Exchange::watch_client() noexcept {
    session_.stream().watch(
        [](void* self, net::Attention attention) { static_cast<Exchange*>(self)->on_client(attention); },
        this);
    if (session_.stream().socket().peer_gone()) on_client(net::Attention::ended);
}

void Exchange::on_client(net::Attention attention) noexcept {
    if (attention == net::Attention::readable) return; // pipelined: it waits
    if (attention == net::Attention::failed) {
        client_failed_ = true;
        keep_ = false;
        cancel_attempts({net::ErrorCode::cancelled, net::Side::client, false});
        if (turn_ != nullptr) turn_->attend();
        return;
    }
    if (head().version() == net::HttpVersion::http11) probe_at_.arm(shard().loop().now() + probe_after);
}

void Exchange::on_probe_due() noexcept {
    probe_due_ = true;
    attend_attempts();
    if (turn_ != nullptr) turn_->attend();
}

net::Task<bool> Exchange::probe_client() {
    probe_due_ = false;
    if (!telling_) { // else the other attempt does, and what it sends is a probe, too
        std::array<char, 32> text{"HTTP/1.1 100 Continue\r\n\r\n"};
        std::array<iovec, 1> piece{iovec{text.data(), std::string_view(text.data()).size()}};
        co_await tell_client(piece);
    }
    if (++probes_ < probes_max) probe_at_.arm(shard().loop().now() + probe_after);
    co_return !client_failed_;
}

net::Task<bool> Exchange::tell_client(std::span<iovec> pieces) {
    telling_ = true;
    session_.limit_sending(shard().loop().now() + shard().config().timeouts.idle);
    const net::Result<void> sent = co_await session_.stream().send(pieces);
    session_.lift_limit();
    telling_ = false;
    if (!sent) client_failed_ = true;
    co_return !client_failed_;
}

void Exchange::end_now() noexcept {
    ending_ = true;
    keep_ = false;
    if (attempt_ != nullptr) {
        cancel_attempts({net::ErrorCode::cancelled, net::Side::local, false});
    } else if (turn_ != nullptr) {
        turn_->attend(); // its client can still be told
    } else {
        session_.stream().cancel({net::ErrorCode::cancelled, net::Side::local, false});
    }
}

/// Ends what is awaited of whoever is in work.
void Exchange::cancel_attempts(net::Error error) noexcept {
    if (attempt_ != nullptr) attempt_->cancel(error);
    if (hedge_ != nullptr) hedge_->cancel(error);
}

void Exchange::attend_attempts() noexcept {
    if (attempt_ != nullptr) attempt_->attend();
    if (hedge_ != nullptr) hedge_->attend();
}

} // namespace headroom::core
