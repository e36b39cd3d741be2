// Holding, committing and relaying a response.
#include "core/relay.hpp"

#include "balance/exhausted.hpp"
#include "core/exchange.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <utility>

namespace headroom::core {
namespace {

constexpr std::size_t head_bytes_hint = 2048;

bool is_event_stream(const net::Head& head) {
    constexpr std::string_view type = "text/event-stream";
    const std::string_view value = head.find(net::FieldId::content_type);
    return value.size() >= type.size() && net::same_name(value.substr(0, type.size()), type);
}

bool is_success(const net::Head& head) {
    return head.status() >= 200 && head.status() < 300;
}

} // namespace

Relay::Relay(Attempt& attempt)
    : attempt_(attempt),
      exchange_(attempt.exchange()),
      meter_(is_event_stream(attempt.reader().head()) ? balance::UsageSource::sse
                                                      : balance::UsageSource::json),
      judge_(exchange_.shard().config().hold.bytes_max) {
    const net::Head& head = attempt.reader().head();
    stream_ = is_success(head) && is_event_stream(head);
    metered_ = is_success(head) && balance::charges_tokens(exchange_.route().operation) &&
               head.find(net::FieldId::content_encoding).empty();
}

net::Task<Attempt::End> Relay::run() {
    if (holds()) {
        const net::Result<void> held = co_await hold();
        if (!judge_held(held)) {
            if (exchange_.client_failed()) co_return client_left();
            co_return Attempt::End::failed;
        }
    }
    co_return co_await commit();
}

net::Task<Attempt::End> Relay::run_held() {
    co_return co_await commit();
}

// Holding

bool Relay::holds() const noexcept {
    if (attempt_.body_whole()) return false;
    return is_success(attempt_.reader().head()) && !exchange_.body_spent();
}

net::Task<net::Result<void>> Relay::hold() {
    const HoldConfig& limits = exchange_.shard().config().hold;
    if (stream_) attempt_.hold_until(exchange_.shard().loop().now() + limits.time_max);
    net::Result<void> read;
    while (read && !attempt_.body_whole() && attempt_.held_bytes() <= limits.bytes_max &&
           !exchange_.shard().memory_short()) {
        net::BodyParts parts;
        read = co_await attempt_.read_parts(parts);
        if (!read) break;
        if (stream_) {
            for (std::size_t i = 0; i < parts.count; ++i)
                judge_.feed(parts.pieces[i].view());
        }
        if (!attempt_.hold(parts)) {
            read = net::Error{net::ErrorCode::no_memory, net::Side::local, false};
            break;
        }
        if (stream_ && judge_.verdict() != balance::StreamVerdict::hold) break;
    }
    attempt_.hold_over();
    co_return read;
}

bool Relay::judge_held(net::Result<void> held) noexcept {
    if (!held && held.error().code != net::ErrorCode::interrupted) {
        if (exchange_.client_failed()) return false;
        attempt_.blame(held.error());
        return false;
    }
    if (attempt_.body_whole() && attempt_.reader().excess()) {
        // bytes behind its end: the backend's framing is wrong, so what it ends is probably cut
        attempt_.blame({net::ErrorCode::malformed, net::Side::backend, true});
        return false;
    }
    if (!stream_) return true;
    if (attempt_.body_whole()) judge_.finish();
    if (judge_.verdict() != balance::StreamVerdict::error_event) return true;
    attempt_.blame({net::ErrorCode::malformed, net::Side::backend, true});
    return false;
}

// Committing

net::Task<Attempt::End> Relay::commit() {
    if (!exchange_.session().reader().complete()) {
        // the backend answered before it had the whole body; what is left of it is not a request
        exchange_.close_client();
        exchange_.session().refuse_more();
    }
    choose_framing();
    if (!write_head()) co_return co_await break_off({net::ErrorCode::no_memory, net::Side::local, false});
    committed_ = true;
    exchange_.record().status = attempt_.reader().head().status();
    pieces_.reserve(attempt_.held().pieces().size() + 4);
    add_piece(head_.view());
    add_body(attempt_.held().pieces(), attempt_.body_whole());
    if (!co_await send_pieces()) co_return client_left();
    attempt_.held().clear();
    if (attempt_.body_whole()) co_return finish();
    net::BodyParts parts;
    while (!parts.last) {
        const net::Result<void> read = co_await attempt_.read_parts(parts);
        if (!read) {
            if (exchange_.client_failed()) co_return client_left();
            co_return co_await break_off(read.error());
        }
        pieces_.clear();
        add_body(std::span(parts.pieces).first(parts.count), parts.last);
        if (!pieces_.empty() && !co_await send_pieces()) co_return client_left();
    }
    co_return finish();
}

void Relay::choose_framing() noexcept {
    const net::Head& head = attempt_.reader().head();
    const bool old = exchange_.head().version() == net::HttpVersion::http10;
    switch (head.framing()) {
        case net::BodyFraming::none:
        case net::BodyFraming::tunnel: framing_ = Framing::none; break;
        case net::BodyFraming::length: framing_ = Framing::length; break;
        case net::BodyFraming::chunked:
        case net::BodyFraming::until_close:
            if (attempt_.body_whole() && attempt_.reader().trailers().empty()) {
                framing_ = Framing::length; // all of it is here: its length is known after all
            } else {
                framing_ = old ? Framing::close : Framing::chunked;
            }
            break;
    }
    if (framing_ == Framing::close) exchange_.close_client();
}

bool Relay::write_head() {
    const net::Head& head = attempt_.reader().head();
    const std::size_t bytes_max = exchange_.shard().config().limits.head_bytes_max + head_bytes_hint;
    net::HeadWriter writer(exchange_.shard().loop().buffers(), head_bytes_hint, bytes_max);
    writer.status_line(head.status(), head.reason()).copy_end_to_end(head);
    const bool dated = head.has(net::FieldId::date) && !head.nominated("date");
    if (!dated) writer.field("Date", http_date(exchange_.shard().loop().wall_now()));
    switch (framing_) {
        case Framing::none:
            // what a HEAD or a 304 says about the body it does not have
            if (head.content_length()) writer.field("Content-Length", *head.content_length());
            break;
        case Framing::length:
            writer.field("Content-Length",
                         attempt_.body_whole() ? attempt_.held_bytes() : head.content_length().value_or(0));
            break;
        case Framing::chunked: writer.field("Transfer-Encoding", "chunked"); break;
        case Framing::close: break;
    }
    if (!exchange_.keeps_client()) {
        exchange_.close_client();
        writer.field("Connection", "close");
    } else if (exchange_.head().version() == net::HttpVersion::http10) {
        writer.field("Connection", "keep-alive");
    }
    writer.end();
    head_ = writer.take();
    return !head_.empty();
}

void Relay::add_piece(std::string_view bytes) {
    if (!bytes.empty()) pieces_.push_back({const_cast<char*>(bytes.data()), bytes.size()});
}

/// Body pieces, and after the last ones what ends the body.
void Relay::add_body(std::span<const net::Slice> body, bool last) {
    std::size_t bytes = 0;
    for (const net::Slice& piece : body)
        bytes += piece.size();
    const bool chunk = framing_ == Framing::chunked && bytes > 0;
    if (chunk) {
        chunk_begin_ = net::ChunkHeader(bytes, false).view();
        add_piece(chunk_begin_);
    }
    for (const net::Slice& piece : body) {
        add_piece(piece.view());
        pass(piece.view());
    }
    if (framing_ != Framing::chunked) return;
    if (!last) {
        if (chunk) add_piece("\r\n");
        return;
    }
    const net::Trailers& trailers = attempt_.reader().trailers();
    if (trailers.empty()) {
        add_piece(chunk ? net::last_chunk_after_chunk : net::last_chunk);
        return;
    }
    net::HeadWriter writer(exchange_.shard().loop().buffers(), head_bytes_hint, net::BufferPool::large_bytes);
    net::write_last_chunk(writer, trailers, chunk);
    trailers_ = writer.take();
    const std::string_view bare = chunk ? net::last_chunk_after_chunk : net::last_chunk;
    add_piece(trailers_.empty() ? bare : trailers_.view());
}

void Relay::pass(std::string_view bytes) noexcept {
    if (bytes.empty()) return;
    sent_bytes_ += bytes.size();
    if (metered_) meter_.feed(bytes);
    const std::size_t kept = std::min(bytes.size(), sizeof tail_);
    std::memmove(tail_, tail_ + kept, sizeof tail_ - kept);
    std::memcpy(tail_ + sizeof tail_ - kept, bytes.data() + bytes.size() - kept, kept);
}

net::Task<bool> Relay::send_pieces() {
    constexpr std::size_t batch_max = 512;
    Session& session = exchange_.session();
    session.limit_sending(exchange_.shard().loop().now() + exchange_.shard().config().timeouts.idle);
    for (std::size_t at = 0; at < pieces_.size(); at += batch_max) {
        const auto batch = std::span(pieces_).subspan(at, std::min(batch_max, pieces_.size() - at));
        const net::Result<void> sent = co_await session.stream().send(batch);
        if (!sent) co_return false;
    }
    session.lift_limit();
    co_return true;
}

// Ending

Attempt::End Relay::finish() {
    settle();
    AccessRecord& record = exchange_.record();
    record.outcome = Outcome::relayed;
    record.bytes_out = sent_bytes_;
    exchange_.shard().count().backend[attempt_.backend()].won.add();
    attempt_.release_connection();
    return Attempt::End::taken;
}

void Relay::settle() {
    const net::Time now = exchange_.shard().loop().now();
    const std::optional<balance::Usage> usage = metered_ ? meter_.finish() : std::nullopt;
    BackendCounters& counters = exchange_.shard().count().backend[attempt_.backend()];
    if (usage) {
        exchange_.record().usage = usage;
        counters.prompt_tokens.add(
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, usage->prompt.count())));
        counters.completion_tokens.add(
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, usage->completion.count())));
        counters.cached_tokens.add(
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, usage->cached.count())));
        attempt_.lease().settle(*usage, now);
    } else if (metered_) {
        exchange_.shard().count().without_usage.add();
        attempt_.lease().abandon(sent_bytes_, now);
    } else {
        attempt_.lease().settle(balance::Usage{}, now);
    }
}

Attempt::End Relay::client_left() {
    exchange_.record().bytes_out = sent_bytes_;
    attempt_.lease().abandon(sent_bytes_, exchange_.shard().loop().now());
    attempt_.close_connection(); // at once: nobody wants what the backend still computes
    return Attempt::End::client_gone;
}

bool Relay::at_event_boundary() const noexcept {
    const std::string_view tail(tail_, sizeof tail_);
    return sent_bytes_ == 0 || tail.ends_with("\n\n") || tail == "\r\n\r\n" || tail.ends_with("\r\r");
}

/// The backend has failed after the client saw a part. A stream between two events can say so and end in
/// order; everything else ends so that its framing shows the cut.
net::Task<Attempt::End> Relay::break_off(net::Error error) {
    AccessRecord& record = exchange_.record();
    record.outcome = Outcome::broken;
    record.why = exchange_.ending() ? "shutdown" : net::name_of(error.code);
    record.bytes_out = sent_bytes_;
    exchange_.shard().count().streams_broken.add();
    if (exchange_.ending() || error.side == net::Side::local) {
        attempt_.lease().abandon(sent_bytes_, exchange_.shard().loop().now());
        attempt_.close_connection();
    } else {
        attempt_.blame(error);
    }
    exchange_.close_client();
    if (committed_ && stream_ && framing_ == Framing::chunked && at_event_boundary()) {
        const std::string event =
            balance::error_event(502, "BackendFailed",
                                 exchange_.ending() ? "The proxy is shutting down."
                                                    : "The backend failed before the stream was complete.");
        pieces_.clear();
        chunk_begin_ = net::ChunkHeader(event.size(), false).view();
        add_piece(chunk_begin_);
        add_piece(event);
        add_piece(net::last_chunk_after_chunk);
        co_await send_pieces();
    } else if (committed_ && framing_ == Framing::close) {
        exchange_.session().end_with_reset();
    }
    co_return Attempt::End::taken;
}

} // namespace headroom::core
