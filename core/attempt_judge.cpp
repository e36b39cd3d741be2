// What a backend's response means: judged, settled with the lease, and relayed or given up.
#include "balance/usage_edit.hpp"
#include "core/attempt.hpp"
#include "core/exchange.hpp"
#include "core/relay.hpp"
#include "core/report.hpp"
#include "core/tunnel.hpp"

#include <algorithm>
#include <chrono>
#include <span>

namespace headroom::core {
namespace {

/// An error body longer than this is not kept for another try; it is the client's at once.
constexpr std::uint64_t error_body_bytes_max = 64U * 1024;

/// A connection that had idled away shows it within a round trip; one lost later had the request.
constexpr std::chrono::milliseconds stale_within{500};

/// A connection that takes so long to make that another backend has content meanwhile is no good one.
constexpr std::chrono::seconds connect_late_min{1};

balance::Fault fault_of(net::Error error) noexcept {
    return error.code == net::ErrorCode::timed_out ? balance::Fault::timeout : balance::Fault::reset;
}

} // namespace

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
    if (gives_up_ && !exchange_.client_failed()) {
        connection_.close();
        return Step::failed;
    }
    if (error.code == net::ErrorCode::cancelled) {
        connection_.close();
        if (connected) note_no_content();
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

net::Task<Attempt::End> Attempt::judge() {
    Shard& shard = exchange_.shard();
    const net::Head& head = reader_->head();
    status_ = head.status();
    observe_limits();
    const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(shard.loop().now() - sent_at_);
    shard.count().backend[backend_].first_byte.record(
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, waited.count())));
    exchange_.record().head_at = head_at_ = shard.loop().now();
    if (head.framing() == net::BodyFraming::tunnel) {
        verdict_ = balance::Verdict::pass;
        lease_.success(shard.loop().now());
        co_return co_await run_tunnel(this);
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
    answer.names_object = exchange_.route().names_object || exchange_.affinity().named() ||
                          exchange_.facts().previous_response_hash != 0;
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
    if (object_elsewhere(answer)) {
        lease_.success(shard.loop().now());
        lease_.settle(balance::Usage{}, shard.loop().now());
        release_connection();
        co_return End::failed;
    }
    if (verdict_ == balance::Verdict::pass || verdict_ == balance::Verdict::pass_error) {
        lease_.success(shard.loop().now());
        relay_ = std::make_unique<Relay>(*this);
        co_return co_await relay_->prepare();
    }
    settle_failure();
    release_connection();
    co_return End::failed;
}

/// As long as nobody remembers who has what the request names, each backend may only speak for itself.
bool Attempt::object_elsewhere(const balance::Answer& answer) noexcept {
    Affinity& affinity = exchange_.affinity();
    if (verdict_ != balance::Verdict::pass_error || !affinity.named()) return false;
    if (!balance::lacks_object(answer.status, answer.body)) return false;
    if (affinity.pinned()) {
        affinity.forget(exchange_.shard().pins());
        return false;
    }
    if (!body_whole_ || exchange_.body_spent()) return false;
    exchange_.record().why = "searched";
    exchange_.shard().count().searched.add();
    return true;
}

/// The client did not say what the backend complains of: the same backend is asked with the client's own
/// words.
net::Task<Attempt::End> Attempt::ask_without_usage() {
    refused_usage_ = request_.usage_key();
    release_connection();
    held_.clear();
    error_text_.clear();
    body_whole_ = sent_whole_ = false;
    status_ = 0;
    limits_ = {};
    return converse(false);
}

net::Task<net::Result<void>> Attempt::read_error_body() {
    while (!body_whole_ && held_.size() <= error_body_bytes_max) {
        net::BodyParts parts;
        const net::Result<void> read = co_await read_parts(&parts);
        if (!read) co_return read.error();
        if (!hold(parts)) co_return net::Error{net::ErrorCode::no_memory, net::Side::local, false};
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

void Attempt::note_no_content() noexcept {
    lease_.no_content(exchange_.shard().loop().now() - sent_at_);
}

void Attempt::note_first_content() noexcept {
    lease_.first_content(exchange_.shard().loop().now() - sent_at_);
}

balance::Tokens Attempt::end_overtaken() noexcept {
    if (!lease_) return balance::Tokens(0);
    const net::Time now = exchange_.shard().loop().now();
    overtaken_ = true;
    error_ = {net::ErrorCode::cancelled, net::Side::local, false};
    balance::Tokens kept;
    if (reader_.has_value()) {
        const balance::Tokens output = relay_ ? relay_->held_output() : balance::Tokens(0);
        // since its begin: that is what it was found to be late by
        kept = lease_.overtaken(output, now - begun_at_, now);
    } else if (now - begun_at_ >= connect_late_min) {
        lease_.fault(balance::Fault::connect, now);
    } else {
        lease_.cancel_unsent(now);
    }
    if (connection_) connection_.close();
    return kept;
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

} // namespace headroom::core
