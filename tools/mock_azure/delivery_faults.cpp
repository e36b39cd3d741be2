// The spoiled ways of sending an answer: cuts, lies about lengths, broken framing, dribbles.
#include "tools/mock_azure/delivery.hpp"
#include "tools/mock_azure/sse.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace headroom::mock {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::hours for_ever{24 * 365};
constexpr std::string_view error_event =
    R"({"error":{"message":"The server had an error while processing your request. Sorry about that!","type":"server_error",)"
    R"("param":null,"code":"InternalServerError"}})";

std::string padding_fields(std::int64_t bytes) {
    std::string fields;
    for (std::int64_t i = 0; bytes > 0; ++i, bytes -= 4'096) {
        fields +=
            fmt::format("x-padding-{}: {}\r\n", i,
                        std::string(static_cast<std::size_t>(std::min<std::int64_t>(bytes, 4'080)), 'p'));
    }
    return fields;
}

std::string early_hints(std::int64_t count) {
    std::string all;
    for (std::int64_t i = 0; i < count; ++i)
        all += "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
    return all;
}

std::int64_t or_default(std::int64_t n, std::int64_t fallback) {
    return n > 0 ? n : fallback;
}

} // namespace

asio::awaitable<void> Delivery::hang() {
    if (!co_await watch_.sleep_until(std::chrono::steady_clock::now() + for_ever)) peer_left_ = true;
    open_ = false;
}

void Delivery::reset() {
    wire_->reset();
    open_ = false;
}

asio::awaitable<void> Delivery::close() {
    if (open_) co_await wire_->close();
    open_ = false;
}

asio::awaitable<bool> Delivery::send(std::string_view bytes) {
    if (has_fault(FaultKind::reset_bytes)) {
        const auto room = static_cast<std::size_t>(std::max<std::int64_t>(0, fault_->n - bytes_sent_));
        const bool sent = co_await send_plainly(bytes.substr(0, room));
        if (sent && bytes.size() <= room) co_return true;
        if (sent) reset();
        co_return false;
    }
    if (has_fault(FaultKind::trickle)) {
        const auto piece = static_cast<std::size_t>(or_default(fault_->n, 1));
        while (!bytes.empty()) {
            if (!co_await send_plainly(bytes.substr(0, piece))) co_return false;
            bytes.remove_prefix(std::min(piece, bytes.size()));
            if (!co_await watch_.sleep_until(std::chrono::steady_clock::now() +
                                             std::chrono::milliseconds(fault_->ms))) {
                peer_left_ = true;
                co_return false;
            }
        }
        co_return true;
    }
    co_return co_await send_plainly(bytes);
}

asio::awaitable<bool> Delivery::send_head(ReplyHead head) {
    status_sent_ = head.status;
    if (has_fault(FaultKind::huge_head)) head.extra += padding_fields(or_default(fault_->n, 256 * 1024));
    if (has_fault(FaultKind::both_framings)) head.content_length = 20;
    if (has_fault(FaultKind::length_long) || has_fault(FaultKind::length_short)) {
        head.chunked = chunked_ = false;
        head.content_length = has_fault(FaultKind::length_long) ? 100'000'000 : or_default(fault_->n, 20);
        client_.keep_alive = false;
    }
    if (has_fault(FaultKind::connection_close)) client_.keep_alive = head.keep_alive = false;
    std::string text = serialize(head, backend_->options()->quirks);
    if (has_fault(FaultKind::bad_status)) {
        text.replace(0, text.find('\r'), "HTTP/1.1 2x0 Fine");
        client_.keep_alive = false;
    }
    if (has_fault(FaultKind::info_flood)) text.insert(0, early_hints(or_default(fault_->n, 100)));
    co_return co_await send(text);
}

bool Delivery::stream_fault() const {
    if (!fault_) return false;
    switch (fault_->kind) {
        case FaultKind::hang_stream:
        case FaultKind::reset_stream:
        case FaultKind::close_stream:
        case FaultKind::bad_chunk:
        case FaultKind::sse_error: return true;
        default: return false;
    }
}

asio::awaitable<bool> Delivery::spoil_stream() {
    if (!co_await flush()) co_return true;
    switch (fault_->kind) {
        case FaultKind::hang_stream: co_await hang(); co_return true;
        case FaultKind::reset_stream: reset(); co_return true;
        case FaultKind::close_stream: co_await close(); co_return true;
        case FaultKind::bad_chunk:
            co_await send("ZZ\r\nnot a chunk\r\n");
            co_await close();
            co_return true;
        default: break;
    }
    pending_ += framed(sse_text({.name = {}, .data = std::string(error_event)}));
    complete_ = co_await finish_events();
    co_return true;
}

asio::awaitable<void> Delivery::whole_spoiled(ReplyHead head, std::string body) {
    const auto true_length = static_cast<std::int64_t>(body.size());
    head.content_length = true_length;
    if (has_fault(FaultKind::empty)) {
        body.clear();
        head.content_length = 0;
    }
    const bool lies = has_fault(FaultKind::length_long) || has_fault(FaultKind::length_short);
    if (has_fault(FaultKind::bad_chunk)) {
        head.content_length.reset();
        head.chunked = chunked_ = true;
    }
    if (has_fault(FaultKind::both_framings)) {
        head.chunked = true;
        body = chunk_text(body) + "0\r\n\r\n";
    }
    if (lies) {
        const std::int64_t lie = or_default(fault_->n, 20);
        head.content_length =
            std::max<std::int64_t>(0, true_length + (has_fault(FaultKind::length_long) ? lie : -lie));
        status_sent_ = head.status;
        // What is too short leaves surplus bytes on a connection that claims to be reusable: that is its
        // point.
        const bool sent = co_await send(serialize(head, backend_->options()->quirks));
        client_.keep_alive = client_.keep_alive && sent && has_fault(FaultKind::length_short);
    } else if (!co_await send_head(std::move(head))) {
        co_return;
    }
    if (stream_fault() && !has_fault(FaultKind::sse_error)) {
        pending_ = framed(std::string_view(body).substr(0, body.size() / 2));
        co_await spoil_stream();
        complete_ = false;
        co_return;
    }
    complete_ = co_await send(body);
}

} // namespace headroom::mock
