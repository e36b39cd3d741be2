// The regular ways of sending an answer. The spoiled ones are in delivery_faults.cpp.
#include "tools/mock_azure/delivery.hpp"

#include "tools/mock_azure/sse.hpp"

namespace headroom::mock {

namespace asio = boost::asio;

namespace {

// Events that are due at the same time leave in writes of about this size.
constexpr std::size_t flush_bytes = 16 * 1024;

} // namespace

Delivery::Delivery(Wire* wire, const Backend* backend, Client client)
    : wire_(wire), backend_(backend), client_(client), watch_(wire) {}

asio::awaitable<bool> Delivery::send_plainly(std::string_view bytes) {
    if (!open_) co_return false;
    if (!co_await wire_->write(bytes)) {
        peer_left_ = true;
        open_ = false;
        co_return false;
    }
    bytes_sent_ += static_cast<std::int64_t>(bytes.size());
    co_return true;
}

asio::awaitable<bool> Delivery::flush() {
    const std::string bytes = std::exchange(pending_, {});
    if (bytes.empty()) co_return open_;
    co_return co_await send(bytes);
}

std::string Delivery::framed(std::string_view data) const {
    return chunked_ ? chunk_text(data) : std::string(data);
}

asio::awaitable<void> Delivery::whole(ReplyHead head, std::string body, Pace pace, std::int64_t tokens) {
    if (has_fault(FaultKind::slow)) pace.first_token += std::chrono::milliseconds(fault_->ms);
    if (has_fault(FaultKind::slow_tokens)) pace.per_token += std::chrono::milliseconds(fault_->ms);
    if (!co_await watch_.sleep_until(pace.start + pace.first_token + pace.per_token * tokens)) {
        peer_left_ = true;
        co_return;
    }
    head.keep_alive = head.keep_alive && client_.keep_alive;
    client_.keep_alive = head.keep_alive;
    tokens_sent_ = tokens;
    if (fault_) {
        co_await whole_spoiled(std::move(head), std::move(body));
        co_return;
    }
    head.content_length = static_cast<std::int64_t>(body.size());
    status_sent_ = head.status;
    std::string bytes = serialize(head, backend_->options()->quirks);
    if (!client_.head_only) bytes += body;
    complete_ = co_await send(bytes);
}

asio::awaitable<void> Delivery::events(ReplyHead head, std::unique_ptr<EventSource> source, Pace pace) {
    if (has_fault(FaultKind::slow)) pace.first_token += std::chrono::milliseconds(fault_->ms);
    if (has_fault(FaultKind::slow_tokens)) pace.per_token += std::chrono::milliseconds(fault_->ms);
    chunked_ = !client_.http10;
    head.content_type = "text/event-stream; charset=utf-8";
    head.streaming = true;
    head.chunked = chunked_;
    client_.keep_alive = client_.keep_alive && head.keep_alive && chunked_;
    head.keep_alive = client_.keep_alive;
    // The head and the verdict on the prompt come first, the first token takes longer.
    if (!co_await watch_.sleep_until(pace.start + pace.first_token / 2)) {
        peer_left_ = true;
        co_return;
    }
    if (!co_await send_head(std::move(head))) co_return;
    SteadyTime due = pace.start + pace.first_token;
    Event event;
    while (source->next(&event)) {
        if (stream_fault() && events_sent_ >= fault_->n && co_await spoil_stream()) co_return;
        if (has_fault(FaultKind::no_done) && (event.data == "[DONE]" || event.name == "response.completed"))
            break;
        if (event.beat == Beat::token) {
            if (std::chrono::steady_clock::now() < due) {
                if (!co_await flush()) co_return;
                if (!co_await watch_.sleep_until(due)) {
                    peer_left_ = true;
                    co_return;
                }
            }
            due += pace.per_token;
            ++tokens_sent_;
        }
        pending_ += framed(sse_text(event));
        ++events_sent_;
        if (pending_.size() >= flush_bytes && !co_await flush()) co_return;
    }
    if (stream_fault() && co_await spoil_stream()) co_return;
    complete_ = co_await finish_events();
}

asio::awaitable<bool> Delivery::finish_events() {
    if (chunked_) pending_ += "0\r\n\r\n";
    co_return co_await flush();
}

} // namespace headroom::mock
