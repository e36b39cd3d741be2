// Holding, committing and relaying a response.
#include "core/relay.hpp"

#include "balance/exhausted.hpp"
#include "core/exchange.hpp"
#include "core/request_id.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <utility>

namespace headroom::core {
namespace {

constexpr std::size_t head_bytes_hint = 2048;

/// The media type begins so; parameters and suffixes may follow.
bool has_type(const net::Head& head, std::string_view type) {
    const std::string_view value = head.find(net::FieldId::content_type);
    return value.size() >= type.size() && net::same_name(value.substr(0, type.size()), type);
}

bool is_event_stream(const net::Head& head) {
    return has_type(head, "text/event-stream");
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
    if (metered_ && exchange_.route().operation == balance::Operation::responses) response_id_.emplace();
    if (is_success(head) && exchange_.shard().config().backends.size() > 1) begin_learning();
    if (!stream_ || !metered_) return;
    text_ = std::make_unique<balance::StreamText>(exchange_.route().operation, &exchange_.counting());
    if (attempt.adds_usage()) hidden_.emplace();
}

/// What the backend has of what the request names, and what its response tells of.
void Relay::begin_learning() {
    const net::Head& head = attempt_.reader().head();
    Shard& shard = exchange_.shard();
    const Route& route = exchange_.route();
    const bool deletes = exchange_.head().method() == net::Method::delete_;
    exchange_.affinity().found_at(attempt_.backend(), deletes, shard.pins(), shard.loop().now());
    if (deletes || !(stream_ || has_type(head, "application/json")) ||
        !head.find(net::FieldId::content_encoding).empty())
        return;
    const bool chat = route.operation == balance::Operation::chat;
    const bool stores = exchange_.facts().store.value_or(!chat || route.names_object);
    const std::optional<balance::IdMembers> members = learned_members(route, stores);
    if (members) learner_.emplace(*members, attempt_.backend(), shard.pins());
}

net::Task<Attempt::End> Relay::prepare() {
    if (holds()) {
        const net::Result<void> held = co_await hold();
        if (!judge_held(held)) {
            if (exchange_.client_failed()) co_return client_left();
            co_return Attempt::End::failed;
        }
    }
    co_return Attempt::End::ready;
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
        read = co_await attempt_.read_parts(&parts);
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
    if (judge_.verdict() == balance::StreamVerdict::release) {
        attempt_.note_first_content();
    } else if (stream_ && !read && !attempt_.gives_up()) {
        attempt_.note_no_content(); // the time is over, or the client has left
    }
    attempt_.hold_over();
    co_return read;
}

bool Relay::judge_held(net::Result<void> held) noexcept {
    if (!held && held.error().code != net::ErrorCode::interrupted) {
        if (exchange_.client_failed() || attempt_.gives_up()) return false;
        attempt_.blame(held.error());
        return false;
    }
    if (attempt_.body_whole() && attempt_.reader().excess()) {
        // bytes behind its end: the backend's framing is wrong, so what it ends is probably cut
        attempt_.blame({net::ErrorCode::malformed, net::Side::backend, true});
        attempt_.forget_response();
        return false;
    }
    if (!stream_) return true;
    const bool silent = judge_.verdict() == balance::StreamVerdict::hold;
    if (attempt_.body_whole()) judge_.finish();
    if (judge_.verdict() != balance::StreamVerdict::error_event) return true;
    if (judge_.quota_error()) {
        attempt_.refuse_stream();
        return false;
    }
    attempt_.blame({net::ErrorCode::malformed, net::Side::backend, true});
    if (silent)
        attempt_.forget_response(); // it ended without content or error: passed on, it would look whole
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
    pieces_.reserve(attempt_.interim().size() + attempt_.held().pieces().size() + 4);
    for (const net::Slice& interim : attempt_.interim()) // while another backend was asked, too
        add_piece(interim.view());
    add_piece(head_.view());
    add_body(attempt_.held().pieces(), attempt_.body_whole());
    if (!co_await send_pieces()) co_return client_left();
    attempt_.held().clear();
    if (attempt_.body_whole()) co_return finish();
    net::BodyParts parts;
    while (!parts.last) {
        const net::Result<void> read = co_await attempt_.read_parts(&parts);
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
        case net::BodyFraming::length:
            framing_ = !hidden_ ? Framing::length : old ? Framing::close : Framing::chunked;
            break;
        case net::BodyFraming::chunked:
        case net::BodyFraming::until_close:
            if (attempt_.body_whole() && attempt_.reader().trailers().empty() && !hidden_) {
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
    add_request_id(writer, head, exchange_.record().id);
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
    const std::size_t begin = pieces_.size();
    if (framing_ == Framing::chunked) pieces_.push_back({}); // the chunk's size, once it is known
    const std::size_t bytes = add_visible(body, last);
    if (framing_ != Framing::chunked) return;
    const bool chunk = bytes > 0;
    if (chunk) {
        chunk_begin_ = net::ChunkHeader(bytes, false).view();
        pieces_[begin] = {chunk_begin_.data(), chunk_begin_.size()};
    } else {
        pieces_.pop_back();
    }
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

/// Adds what of the body's pieces the client may see, and meters them; returns how many bytes were added.
std::size_t Relay::add_visible(std::span<const net::Slice> body, bool last) {
    const std::uint64_t sent_before = sent_bytes_;
    const std::size_t begin = pieces_.size();
    for (const net::Slice& piece : body) {
        meter(piece.view());
        if (!hidden_) add_piece(piece.view());
    }
    if (hidden_) hidden_->add(body, last, pieces_);
    for (const iovec& piece : std::span(pieces_).subspan(begin))
        pass({static_cast<const char*>(piece.iov_base), piece.iov_len});
    return static_cast<std::size_t>(sent_bytes_ - sent_before);
}

void Relay::meter(std::string_view bytes) noexcept {
    if (metered_) meter_.feed(bytes);
    if (text_) text_->feed(bytes);
    if (response_id_) response_id_->feed(bytes);
    if (learner_) learner_->feed(bytes, exchange_.shard().loop().now());
}

void Relay::pass(std::string_view bytes) noexcept {
    if (bytes.empty()) return;
    sent_bytes_ += bytes.size();
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
    if (metered_ && !record.usage) exchange_.shard().count().without_usage.add();
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
        exchange_.learn(*usage, meter_.model(), response_id_ ? response_id_->hash() : 0);
    } else if (metered_) {
        exchange_.record().counted_output = output();
        attempt_.lease().abandon(*exchange_.record().counted_output, now);
    } else {
        attempt_.lease().settle(balance::Usage{}, now);
    }
}

/// Output so far, of a response that will say no more about it.
balance::Tokens Relay::output() const noexcept {
    if (const auto usage = meter_.finish()) return usage->completion;
    return text_ ? text_->tokens() : meter_.output_estimate();
}

void Relay::meter_held() noexcept {
    for (const net::Slice& piece : attempt_.held().pieces())
        meter(piece.view());
}

balance::Tokens Relay::held_output() noexcept {
    meter_held();
    return metered_ ? output() : balance::Tokens(0);
}

Attempt::End Relay::client_left() {
    exchange_.record().bytes_out = sent_bytes_;
    if (!committed_) meter_held();
    settle();
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
        settle();
        attempt_.close_connection();
    } else {
        if (metered_) record.counted_output = output();
        attempt_.blame(error, record.counted_output);
    }
    const bool can_tell = committed_ && stream_ && framing_ == Framing::chunked && at_event_boundary();
    if (!can_tell || exchange_.ending()) exchange_.close_client();
    if (can_tell) {
        const std::string event =
            balance::error_event(502, "BackendFailed",
                                 exchange_.ending() ? "The proxy is shutting down."
                                                    : "The backend failed before the stream was complete.");
        pieces_.clear();
        chunk_begin_ = net::ChunkHeader(event.size(), false).view();
        add_piece(chunk_begin_);
        add_piece(event);
        add_piece(net::last_chunk_after_chunk);
        if (!co_await send_pieces()) exchange_.close_client();
    } else if (committed_ && framing_ == Framing::close) {
        exchange_.session().end_with_reset();
    }
    co_return Attempt::End::taken;
}

} // namespace headroom::core
