// One try on one backend: its conversation, and what interrupts it.
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
constexpr net::Error interrupted{net::ErrorCode::interrupted, net::Side::local, false};
constexpr net::Error client_left{net::ErrorCode::cancelled, net::Side::client, false};
constexpr net::Error no_memory{net::ErrorCode::no_memory, net::Side::local, false};

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
          [](void* self) { static_cast<Attempt*>(self)->on_hold_deadline(); }, this),
      listen_at_(
          exchange.shard().loop().deadlines(),
          [](void* self) { static_cast<Attempt*>(self)->begin_listening(); }, this) {}

Attempt::~Attempt() = default;

net::Task<Attempt::End> Attempt::run() {
    exchange_.shard().count().backend[backend_].attempts.add();
    begun_at_ = exchange_.shard().loop().now();
    return converse(true);
}

net::Task<Attempt::End> Attempt::relay() {
    return relay_->commit();
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
    if (cancelled_.code != net::ErrorCode::none) co_return failed_by(cancelled_, fresh);
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
    reader_->report_interim(true);
    interim_.clear();
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
        co_return client_left;
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
            co_return client_left;
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
    net::Loop& loop = exchange_.shard().loop();
    net::Time until = loop.now() + exchange_.shard().config().timeouts.first_byte;
    while (true) {
        if (!interim_.empty() && !exchange_.races()) {
            deadline_.disarm();
            const net::Time since = loop.now();
            if (!co_await pass_interim()) co_return client_left;
            until += loop.now() - since; // the time that the client took is not the backend's
        }
        deadline_.arm(until);
        net::Result<void> read;
        if (!reader_->try_read_head()) {
            read = co_await reader_->read_head();
        } else if (reader_->failed()) {
            read = reader_->error();
        }
        if (read && reader_->head().interim()) {
            take_interim();
            continue;
        }
        if (read || read.error().code != net::ErrorCode::interrupted) co_return read;
        if (exchange_.probe_due() && !co_await exchange_.probe_client()) co_return client_left;
    }
}

net::Task<net::Result<void>> Attempt::read_parts(net::BodyParts* parts) {
    if (reader_->try_read_body(*parts)) {
        if (reader_->failed()) co_return reader_->error();
        co_return net::Result<void>();
    }
    while (true) {
        deadline_.arm(exchange_.shard().loop().now() + exchange_.shard().config().timeouts.idle);
        net::Result<net::BodyParts> read = co_await reader_->read_body();
        deadline_.disarm();
        if (read) {
            *parts = std::move(*read);
            co_return net::Result<void>();
        }
        if (read.error().code != net::ErrorCode::interrupted) co_return read.error();
        if (std::exchange(hold_ended_, false)) co_return interrupted;
        if (exchange_.races() && exchange_.probe_due() && !co_await exchange_.probe_client())
            co_return client_left;
    }
}

bool Attempt::hold(net::BodyParts& parts) {
    for (std::size_t i = 0; i < parts.count; ++i) {
        if (!held_.append(std::move(parts.pieces[i]))) return false;
    }
    body_whole_ = body_whole_ || parts.last;
    return true;
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
    co_await relay.commit();
}

void Attempt::note_failure() noexcept {
    exchange_.record().add_failed({backend_, status_, error_.code, verdict_});
    if (verdict_ == balance::Verdict::quota) exchange_.shard().count().quota_absorbed.add();
}

balance::AttemptEnd Attempt::end_of(End end) const noexcept {
    return {backend_,
            status_,
            static_cast<std::uint8_t>(verdict_),
            static_cast<std::uint8_t>(error_.code),
            end == End::taken,
            hedge_,
            overtaken_};
}

void Attempt::cancel(net::Error error) noexcept {
    if (connection_) connection_.cancel(error);
    if (cancelled_.code == net::ErrorCode::none) cancelled_ = error;
    if (sending_) exchange_.session().stream().interrupt_receive();
}

void Attempt::attend() noexcept {
    if (connection_ && reader_.has_value()) connection_.stream().interrupt_receive();
}

void Attempt::give_up() noexcept {
    gives_up_ = true;
    cancel({net::ErrorCode::cancelled, net::Side::local, false});
}

void Attempt::hold_alone() noexcept {
    if (hold_overdue_) on_hold_deadline();
    if (!interim_.empty()) attend();
}

void Attempt::hold_over() noexcept {
    hold_deadline_.disarm();
    hold_ended_ = hold_overdue_ = false;
}

/// Of two, the one with content is the client's: the time is not up while there are two.
void Attempt::on_hold_deadline() noexcept {
    hold_overdue_ = exchange_.races();
    if (hold_overdue_) return;
    hold_ended_ = true;
    attend();
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

/// Only a final response makes the rest of the request useless; an interim one waits until all is sent, since
/// until then the client may be told to continue.
net::Task<void> Attempt::listen() {
    while (sending_) {
        const net::Result<void> read = co_await reader_->read_head();
        if (read && reader_->head().interim()) {
            take_interim();
        } else if (read || read.error().code != net::ErrorCode::interrupted) {
            break;
        }
    }
    if (!sending_) co_return;
    answered_early_ = true;
    connection_.stream().interrupt_send();
    exchange_.session().stream().interrupt_receive();
}

} // namespace headroom::core
