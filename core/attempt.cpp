// One try on one backend.
#include "core/attempt.hpp"

#include "balance/usage_edit.hpp"
#include "core/exchange.hpp"
#include "core/relay.hpp"
#include "core/report.hpp"
#include "core/tunnel.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <utility>

namespace headroom::core {
namespace {

/// Pieces handed to the kernel at once (IOV_MAX is 1,024).
constexpr std::size_t pieces_max = 512;
/// An error body longer than this is not kept for another try; it is the client's at once.
constexpr std::uint64_t error_body_bytes_max = 64U * 1024;

/// A connection that had idled away shows it within a round trip; one lost later had the request.
constexpr std::chrono::milliseconds stale_within{500};

constexpr net::Error interrupted{net::ErrorCode::interrupted, net::Side::local, false};
constexpr net::Error no_memory{net::ErrorCode::no_memory, net::Side::local, false};

balance::Fault fault_of(net::Error error) noexcept {
    return error.code == net::ErrorCode::timed_out ? balance::Fault::timeout : balance::Fault::reset;
}

} // namespace

Attempt::Attempt(Exchange& exchange, std::uint32_t backend, balance::Lease lease)
    : exchange_(exchange),
      backend_(backend),
      lease_(std::move(lease)),
      held_(exchange.shard().loop().buffers()),
      deadline_(
          exchange.shard().loop().deadlines(), [](void* self) { static_cast<Attempt*>(self)->on_deadline(); },
          this),
      hold_deadline_(
          exchange.shard().loop().deadlines(),
          [](void* self) {
              static_cast<Attempt*>(self)->hold_ended_ = true;
              static_cast<Attempt*>(self)->attend();
          },
          this),
      listen_at_(
          exchange.shard().loop().deadlines(),
          [](void* self) { static_cast<Attempt*>(self)->begin_listening(); }, this) {}

Attempt::~Attempt() = default;

net::Task<Attempt::End> Attempt::run() {
    exchange_.shard().count().backend[backend_].attempts.add();
    return converse(true);
}

net::Task<Attempt::End> Attempt::converse(bool may_add_usage) {
    if (!request_.build(exchange_, backend_, may_add_usage)) {
        error_ = no_memory;
        lease_.cancel_unsent(exchange_.shard().loop().now());
        co_return End::failed;
    }
    exchange_.record().backend = backend_;
    Step step = co_await ask(false);
    // sending has used the pieces up: a second time needs them anew
    if (step == Step::again) {
        const bool built = request_.build(exchange_, backend_, may_add_usage);
        step = built ? co_await ask(true) : Step::failed;
    }
    if (step == Step::client_gone) co_return End::client_gone;
    if (step != Step::go_on) co_return End::failed;
    co_return co_await judge();
}

// 7 acquire, 8 send, and the head of 9

net::Task<Attempt::Step> Attempt::ask(bool fresh) {
    Shard& shard = exchange_.shard();
    net::ConnectionPool& pool = shard.pool(backend_);
    reader_.reset();
    answered_early_ = false;
    connection_ = fresh ? net::ConnectionPool::Handle() : pool.take_idle();
    if (!connection_) {
        connection_ = pool.fresh();
        const net::Result<void> connected = co_await connection_.connect();
        if (!connected) co_return failed_by(connected.error(), fresh);
    }
    connection_.stream().watch(
        [](void* self, net::Attention attention) { static_cast<Attempt*>(self)->on_backend(attention); },
        this);
    reader_.emplace(connection_.stream(), shard.loop().buffers());
    reader_->parser().expect(exchange_.head().method(),
                             exchange_.head().upgrade().empty() ? "" : "websocket");
    sent_at_ = shard.loop().now();
    const auto first_byte = shard.config().timeouts.first_byte;
    deadline_.arm(sent_at_ + first_byte);
    sending_ = true;
    net::Result<void> step = co_await send();
    sending_ = false;
    listen_at_.disarm();
    if (listening_) {
        connection_.stream().interrupt_receive();
        co_await listening_->close();
        listening_.reset();
    }
    // A backend that answers early may stop reading, or close: its answer counts, not our unsent rest.
    const net::ErrorCode ended = step ? net::ErrorCode::none : step.error().code;
    if (step || ended == net::ErrorCode::interrupted || ended == net::ErrorCode::reset) {
        deadline_.arm(shard.loop().now() + first_byte);
        step = co_await read_head();
    }
    deadline_.disarm();
    if (!step) co_return failed_by(step.error(), fresh);
    co_return Step::go_on;
}

net::Task<net::Result<void>> Attempt::send() {
    std::vector<iovec>& pieces = request_.pieces();
    for (std::size_t at = 0; at < pieces.size(); at += pieces_max) {
        const auto batch = std::span(pieces).subspan(at, std::min(pieces_max, pieces.size() - at));
        const net::Result<void> sent = co_await connection_.stream().send(batch);
        if (!sent) co_return sent.error();
    }
    if (exchange_.body_streams()) co_return co_await stream_body();
    sent_whole_ = true;
    co_return net::Result<void>();
}

/// Passes a body on that was too large to hold. The backend may answer before it has all of it.
net::Task<net::Result<void>> Attempt::stream_body() {
    Session& session = exchange_.session();
    if (exchange_.head().expects_continue() && exchange_.body().size() == 0 &&
        !co_await exchange_.send_continue()) {
        co_return net::Error{net::ErrorCode::cancelled, net::Side::client, false};
    }
    exchange_.spend_body();
    const TimeoutConfig& timeouts = exchange_.shard().config().timeouts;
    net::BodyParts parts;
    std::vector<iovec> pieces;
    while (!parts.last) {
        if (cancelled_.code != net::ErrorCode::none) co_return cancelled_;
        if (answered_early_) co_return interrupted;
        deadline_.disarm(); // while it is the client that is awaited
        session.limit_reading(exchange_.shard().loop().now() + timeouts.body);
        net::Result<net::BodyParts> read = co_await session.reader().read_body();
        session.lift_limit();
        if (!read) {
            if (read.error().code == net::ErrorCode::interrupted && !session.expired()) continue;
            exchange_.read_failed(read.error());
            co_return net::Error{net::ErrorCode::cancelled, net::Side::client, false};
        }
        parts = std::move(*read);
        pieces.clear();
        const net::ChunkHeader header(std::max<std::size_t>(1, parts.bytes()), false);
        const bool framed = request_.chunked() && parts.bytes() > 0;
        if (framed) pieces.push_back({const_cast<char*>(header.view().data()), header.view().size()});
        for (std::size_t i = 0; i < parts.count; ++i) {
            pieces.push_back({parts.pieces[i].mutable_data(), parts.pieces[i].size()});
        }
        std::string_view end = framed ? "\r\n" : "";
        if (request_.chunked() && parts.last) end = framed ? net::last_chunk_after_chunk : net::last_chunk;
        if (!end.empty()) pieces.push_back({const_cast<char*>(end.data()), end.size()});
        deadline_.arm(exchange_.shard().loop().now() + timeouts.first_byte);
        if (pieces.empty()) continue;
        const net::Result<void> sent = co_await connection_.stream().send(pieces);
        if (!sent) co_return sent.error();
    }
    exchange_.end_body();
    sent_whole_ = true;
    co_return net::Result<void>();
}

net::Task<net::Result<void>> Attempt::read_head() {
    if (reader_->try_read_head()) {
        if (reader_->failed()) co_return reader_->error();
        co_return net::Result<void>();
    }
    while (true) {
        net::Result<void> read = co_await reader_->read_head();
        if (read || read.error().code != net::ErrorCode::interrupted) co_return read;
        if (exchange_.probe_due() && !co_await exchange_.probe_client()) {
            co_return net::Error{net::ErrorCode::cancelled, net::Side::client, false};
        }
    }
}

Attempt::Step Attempt::failed_by(net::Error error, bool fresh) noexcept {
    const net::Time now = exchange_.shard().loop().now();
    error_ = error;
    const bool connected = reader_.has_value();
    const bool silent = !connected || reader_->received_bytes() == 0;
    const bool lost = error.code == net::ErrorCode::closed || error.code == net::ErrorCode::reset;
    const bool stale =
        connected && connection_.reused() && silent && lost && !fresh && now - sent_at_ <= stale_within;
    if (!connected && error.code != net::ErrorCode::cancelled) {
        report_unusable(exchange_.shard(), backend_, error, connection_.failure());
    }
    if (error.code == net::ErrorCode::cancelled) {
        connection_.close();
        connected ? lease_.abandon(balance::Tokens(0), now) : lease_.cancel_unsent(now);
        return exchange_.ending() ? Step::failed : Step::client_gone;
    }
    connection_.close();
    // the connection had idled away, which says nothing about the backend
    if (stale && !(exchange_.body_streams() && exchange_.body_spent())) return Step::again;
    BackendCounters& counters = exchange_.shard().count().backend[backend_];
    if (error.code == net::ErrorCode::no_descriptors || error.code == net::ErrorCode::no_memory) {
        // what we lack says nothing about the backend
        connected ? lease_.abandon(balance::Tokens(0), now) : lease_.cancel_unsent(now);
    } else if (!connected) {
        counters.connect_failures.add();
        const bool tls = error.code == net::ErrorCode::tls_handshake ||
                         error.code == net::ErrorCode::tls_certificate ||
                         error.code == net::ErrorCode::tls_protocol;
        lease_.fault(tls ? balance::Fault::tls : balance::Fault::connect, now);
    } else {
        counters.broken.add();
        lease_.fault(fault_of(error), now);
    }
    return Step::failed;
}

// 9 judge

net::Task<Attempt::End> Attempt::judge() {
    Shard& shard = exchange_.shard();
    const net::Head& head = reader_->head();
    status_ = head.status();
    observe_limits();
    const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(shard.loop().now() - sent_at_);
    shard.count().backend[backend_].first_byte.record(
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, waited.count())));
    exchange_.record().head_at = shard.loop().now();
    if (head.framing() == net::BodyFraming::tunnel) {
        verdict_ = balance::Verdict::pass;
        lease_.success(shard.loop().now());
        co_return co_await run_tunnel(*this);
    }
    if (status_ >= 400 || balance::wants_body(status_)) {
        const net::Result<void> read = co_await read_error_body();
        if (!read) {
            status_ = 0;
            const Step step = failed_by(read.error(), true);
            co_return step == Step::client_gone ? End::client_gone : End::failed;
        }
    }
    balance::Answer answer;
    answer.status = status_;
    answer.body = error_text();
    answer.operation = exchange_.route().operation;
    answer.own_credentials = shard.config().backends[backend_].auth != BackendAuth::passthrough;
    answer.names_object = exchange_.route().names_object || exchange_.facts().previous_response_hash != 0;
    verdict_ = balance::classify(answer);
    if (request_.adds_usage() && balance::refuses_usage(status_, answer.body)) {
        co_return co_await ask_without_usage();
    }
    // no backend says that it lacks a deployment at such length: what is asked for is not there, and long
    if (verdict_ == balance::Verdict::deployment_missing && !body_whole_)
        verdict_ = balance::Verdict::pass_error;
    shard.count().backend[backend_].answers[static_cast<std::size_t>(verdict_)].add();
    if (verdict_ == balance::Verdict::pass && refused_usage_) {
        shard.usage_refusals().note(*refused_usage_, shard.loop().now());
        report_usage_refused(shard, backend_);
    }
    if (verdict_ == balance::Verdict::pass || verdict_ == balance::Verdict::pass_error) {
        lease_.success(shard.loop().now());
        Relay relay(*this);
        co_return co_await relay.run();
    }
    settle_failure();
    release_connection();
    co_return End::failed;
}

/// The client did not say what the backend complains of: the same backend is asked with the client's own
/// words.
net::Task<Attempt::End> Attempt::ask_without_usage() {
    refused_usage_ = request_.usage_key();
    release_connection();
    held_.clear();
    body_whole_ = sent_whole_ = false;
    status_ = 0;
    limits_ = {};
    return converse(false);
}

net::Task<net::Result<void>> Attempt::read_error_body() {
    while (!body_whole_ && held_.size() <= error_body_bytes_max) {
        net::BodyParts parts;
        const net::Result<void> read = co_await read_parts(parts);
        if (!read) co_return read.error();
        if (!hold(parts)) co_return no_memory;
    }
    co_return net::Result<void>();
}

/// What is judged may not depend on how it was cut on its way.
std::string_view Attempt::error_text() {
    constexpr std::size_t most = balance::classify_body_bytes_max;
    const std::span<const net::Slice> pieces = held_.pieces();
    if (pieces.size() == 1) return pieces.front().view().substr(0, most);
    for (std::size_t i = 0; error_text_.size() < most && i < pieces.size(); ++i)
        error_text_ += pieces[i].view().substr(0, most - error_text_.size());
    return error_text_;
}

net::Task<net::Result<void>> Attempt::read_parts(net::BodyParts& parts) {
    if (reader_->try_read_body(parts)) {
        if (reader_->failed()) co_return reader_->error();
        co_return net::Result<void>();
    }
    while (true) {
        deadline_.arm(exchange_.shard().loop().now() + exchange_.shard().config().timeouts.idle);
        net::Result<net::BodyParts> read = co_await reader_->read_body();
        deadline_.disarm();
        if (read) {
            parts = std::move(*read);
            co_return net::Result<void>();
        }
        if (read.error().code != net::ErrorCode::interrupted) co_return read.error();
        if (std::exchange(hold_ended_, false)) co_return interrupted;
    }
}

bool Attempt::hold(net::BodyParts& parts) {
    for (std::size_t i = 0; i < parts.count; ++i) {
        if (!held_.append(std::move(parts.pieces[i]))) return false;
    }
    body_whole_ = body_whole_ || parts.last;
    return true;
}

void Attempt::observe_limits() noexcept {
    for (const net::Head::Field field : reader_->head()) {
        if (field.id == net::FieldId::x_ratelimit || field.id == net::FieldId::retry_after ||
            field.id == net::FieldId::retry_after_ms) {
            limits_.on_field(field.name, field.value);
        }
    }
    lease_.observe(limits_, exchange_.shard().loop().now());
}

void Attempt::settle_failure() {
    net::Loop& loop = exchange_.shard().loop();
    switch (verdict_) {
        case balance::Verdict::quota:
            lease_.refused(balance::refusal_from(status_, limits_, error_text(), loop.wall_now()),
                           loop.now());
            break;
        case balance::Verdict::auth_fault: lease_.fault(balance::Fault::auth, loop.now()); break;
        case balance::Verdict::deployment_missing:
            lease_.fault(balance::Fault::deployment_missing, loop.now());
            break;
        default: lease_.fault(balance::Fault::server_error, loop.now()); break;
    }
}

void Attempt::blame(net::Error error, std::optional<balance::Tokens> output) noexcept {
    error_ = error;
    const net::Time now = exchange_.shard().loop().now();
    if (error.side == net::Side::local) {
        lease_.abandon(output.value_or(balance::Tokens(0)), now);
    } else {
        exchange_.shard().count().backend[backend_].broken.add();
        lease_.fault(fault_of(error), now, output);
    }
    connection_.close();
}

void Attempt::refuse_stream() noexcept {
    verdict_ = balance::Verdict::quota;
    status_ = 429;
    settle_failure();
    connection_.close();
}

void Attempt::release_connection() noexcept {
    deadline_.disarm();
    hold_deadline_.disarm();
    if (!connection_) return;
    connection_.stream().watch(nullptr, nullptr);
    const bool clean =
        sent_whole_ && reader_->complete() && reader_->head().keep_alive() && !reader_->excess();
    if (clean) connection_.keep();
    connection_ = net::ConnectionPool::Handle();
}

net::Task<void> Attempt::relay_failure() {
    Relay relay(*this);
    co_await relay.run_held();
}

void Attempt::note_failure() noexcept {
    exchange_.record().add_failed({backend_, status_, error_.code, verdict_});
    if (verdict_ == balance::Verdict::quota) exchange_.shard().count().quota_absorbed.add();
}

void Attempt::cancel(net::Error error) noexcept {
    if (connection_) connection_.cancel(error);
    if (cancelled_.code == net::ErrorCode::none) cancelled_ = error;
    if (sending_) exchange_.session().stream().interrupt_receive();
}

void Attempt::attend() noexcept {
    if (connection_ && reader_.has_value()) connection_.stream().interrupt_receive();
}

void Attempt::on_deadline() noexcept {
    cancel({net::ErrorCode::timed_out, net::Side::backend, true});
}

// The backend says something, or goes, before it has the whole request.

void Attempt::on_backend(net::Attention) noexcept {
    if (sending_ && !listening_) listen_at_.arm(exchange_.shard().loop().now());
}

void Attempt::begin_listening() {
    listening_.emplace();
    listening_->spawn(listen());
}

/// Only a final response makes the rest of the request useless; an interim one changes nothing.
net::Task<void> Attempt::listen() {
    net::Result<void> read = interrupted;
    while (sending_ && !read && read.error().code == net::ErrorCode::interrupted)
        read = co_await reader_->read_head();
    if (!sending_) co_return;
    answered_early_ = true;
    connection_.stream().interrupt_send();
    exchange_.session().stream().interrupt_receive();
}

} // namespace headroom::core
