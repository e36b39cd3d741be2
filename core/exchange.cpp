// An exchange's course: read, route, estimate, choose and try; the body's reading is in exchange_body.cpp.
#include "core/exchange.hpp"

#include "core/attempt.hpp"
#include "core/max_forwards.hpp"
#include "core/multipart.hpp"
#include "core/relay.hpp"
#include "core/report.hpp"
#include "core/request_id.hpp"
#include "core/waiting.hpp"

#include <utility>

namespace headroom::core {
namespace {

/// Which failed response tells a client most when no backend did better: a 5xx before a 404 or 408; of our
/// credentials and of quotas (0) it learns from our own words.
int worth_of(const Attempt& failed) noexcept {
    if (!failed.has_response()) return 0;
    if (failed.verdict() == balance::Verdict::quota || failed.verdict() == balance::Verdict::auth_fault)
        return 0;
    return failed.status() >= 500 ? 2 : 1;
}

} // namespace

Exchange::Exchange(Session& session)
    : session_(session),
      body_(session.shard().loop().buffers()),
      probe_at_(
          session.shard().loop().deadlines(),
          [](void* self) { static_cast<Exchange*>(self)->on_probe_due(); }, this) {}

Exchange::~Exchange() {
    session_.stream().watch(nullptr, nullptr);
}

net::Task<bool> Exchange::run() {
    begin();
    std::optional<Answer> own = answer_locally();
    if (own) {
        pass_over_body();
    } else {
        own = check_body();
    }
    if (!own) {
        BodyStep step = take_body();
        if (step == BodyStep::need_more) step = co_await read_body() ? BodyStep::done : BodyStep::refused;
        if (step == BodyStep::refused) {
            own = std::move(refusal_);
        } else {
            own = find_candidates();
        }
    }
    if (!own) {
        watch_client();
        co_await try_backends();
    } else if (own->status != 0) {
        co_await answer(std::move(*own));
    }
    finish();
    co_return keep_;
}

void Exchange::begin() {
    const net::Head& request = head();
    record_.started = shard().loop().now();
    record_.method = request.method_text();
    record_.path = request.path();
    record_.id = request_id_of(request.find(net::FieldId::x_request_id), shard().loop().random());
    record_.number = shard().number_request();
    keep_ = request.keep_alive();
    has_body_ = request.framing() != net::BodyFraming::none;
    route_ = route_of(request.path(), request.query());
    record_.operation = route_.operation;
    shard().count().requests.add();
}

void Exchange::finish() {
    record_.ended = shard().loop().now();
    record_.bytes_in = session_.reader().parser().body_bytes();
    if (!session_.reader().complete()) keep_ = false;
    record_end();
    settle_turn();
    report(shard(), record_);
}

void Exchange::record_end() noexcept {
    if (candidates_ == 0) return; // nothing was decided
    balance::RequestEnd end;
    end.status = record_.status;
    end.outcome = static_cast<std::uint8_t>(record_.outcome);
    end.attempts = record_.attempts;
    end.estimated = balance::Tokens(record_.estimated_tokens);
    end.metered = record_.usage.has_value();
    if (record_.usage) {
        end.prompt = record_.usage->prompt;
        end.completion = record_.usage->completion;
    } else if (record_.counted_output) {
        end.completion = *record_.counted_output;
    }
    end.lasted = record_.ended - record_.started;
    end.hedge = record_.hedge;
    shard().recorder().record(tag(), record_.ended, end);
}

net::Task<void> Exchange::answer(Answer answer, Outcome outcome) {
    if (!session_.reader().complete()) {
        // an unread body may not be taken for the next request
        if (has_body_ && !body_read_) {
            keep_ = false;
            session_.refuse_more();
        }
    }
    answer.close = answer.close || !keep_;
    answer.request_id = record_.id;
    record_.status = answer.status;
    record_.bytes_out = answer.body.size();
    record_.outcome = outcome;
    if (!co_await session_.send_answer(std::move(answer))) {
        record_.outcome = Outcome::client_gone;
        keep_ = false;
    }
}

std::optional<Answer> Exchange::answer_locally() {
    const net::Head& request = head();
    if (request.path() == "/healthz" &&
        (request.method() == net::Method::get || request.method() == net::Method::head)) {
        Answer healthy;
        healthy.body = "Healthy";
        healthy.content_type = "text/plain; charset=utf-8";
        record_.why = "health";
        return healthy;
    }
    // the server itself is asked for, or nobody behind it (RFC 9110 sections 9.3.7 and 7.6.2)
    if ((request.method() == net::Method::options && request.path() == "*") || max_forwards(request) == 0U) {
        Answer options;
        options.status = 204;
        options.allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        return options;
    }
    if (route_.shape == PathShape::unknown) {
        record_.why = "no-route";
        return error_answer(
            404, "404",
            "Resource not found. Headroom serves /openai/deployments/{deployment}/..., /openai/v1/... "
            "and /v1/... .");
    }
    return std::nullopt;
}

std::optional<Answer> Exchange::find_candidates() {
    const std::string_view named = route_.deployment;
    if (!named.empty()) {
        if (!percent_decode(named, client_name_))
            return error_answer(400, "", "The deployment name is not valid.");
    } else {
        client_name_ = scanning_ ? std::string(facts().model()) : multipart_model(body_);
    }
    record_.deployment = client_name_;
    record_.stream = facts().stream;
    name_hash_ = shard().fleet().key(client_name_).hash;
    estimate_ = shard().estimator().estimate(body_, facts(), route_.operation, client_name_, name_hash_);
    basis_ = estimate_.basis();
    record_.estimated_tokens = estimate_.cost().charge.count();
    candidates_ = able_ones();
    if (shard().config().backends.size() > 1) find_objects();
    if (candidates_ != 0) {
        prefix_ = prefix_of_body();
        return std::nullopt;
    }
    if (token_missing_) {
        record_.why = "no-token";
        Answer waiting = error_answer(503, "", "There is no managed-identity token for the backends yet.");
        waiting.retry_after = std::chrono::seconds(1);
        return waiting;
    }
    if (client_name_.empty()) {
        record_.why = "no-model";
        return error_answer(
            400, "", "The request names no deployment: neither its path nor `model` in its body does.");
    }
    record_.why = "no-deployment";
    return error_answer(404, "DeploymentNotFound",
                        "No backend serves the deployment that this request names.");
}

void Exchange::find_objects() {
    affinity_.read(route_, scanning_ ? &body_ : nullptr, shard().pins(), shard().loop().now());
    candidates_ = affinity_.narrow(candidates_);
    if (affinity_.pinned()) shard().count().pinned.add();
}

void Exchange::learn(const balance::Usage& usage, std::string_view model,
                     std::uint64_t response_id) noexcept {
    shard().estimator().learn(estimate_, name_hash_, {usage, model, response_id}, shard().count().estimates);
}

balance::TextCounting& Exchange::counting() noexcept {
    return shard().estimator().counting(client_name_, name_hash_);
}

bool Exchange::able(std::uint32_t backend) noexcept {
    const BackendConfig& config = shard().config().backends[backend];
    const bool of_no_deployment = client_name_.empty() && route_.names_object; // stored objects are
    if (config.only_listed_deployments && !of_no_deployment &&
        config.find_deployment(client_name_) == nullptr)
        return false;
    if (deployment_in_path(route_, config) && !can_be_segment(upstream_name(backend))) return false;
    const bool lacks_token =
        config.auth == BackendAuth::managed_identity && shard().backend_state(backend).bearer_token.empty();
    token_missing_ = token_missing_ || lacks_token;
    return !lacks_token;
}

std::uint64_t Exchange::able_ones() noexcept {
    std::uint64_t ones = 0;
    for (std::uint32_t i = 0; i < shard().config().backends.size(); ++i) {
        if (able(i)) ones |= std::uint64_t{1} << i;
    }
    return ones;
}

std::string_view Exchange::upstream_name(std::uint32_t backend) const noexcept {
    const BackendConfig& config = session_.shard().config().backends[backend];
    if (const DeploymentConfig* mapped = config.find_deployment(client_name_); mapped != nullptr) {
        return mapped->upstream_name;
    }
    // an override stands for every deployment, but not for requests that have none (GET /models)
    if (!config.deployment.empty() && (!client_name_.empty() || deployment_in_path(route_, config))) {
        return config.deployment;
    }
    return client_name_;
}

net::Task<void> Exchange::try_backends() {
    read_wishes();
    while (true) {
        if (client_failed_) {
            record_.outcome = Outcome::client_gone;
            co_return;
        }
        if (ending_) {
            record_.why = "shutdown";
            co_await answer(error_answer(503, "", "This proxy is shutting down."));
            co_return;
        }
        balance::Choice choice = choose_now();
        if (tries_.must_wait(choice, patience_left())) {
            if (choice.lease) choice.lease.cancel_unsent(shard().loop().now());
            choice = co_await wait_for_turn();
            if (client_failed_ || ending_) continue;
        }
        if (!may_send(choice)) {
            if (choice.lease) choice.lease.cancel_unsent(shard().loop().now());
            co_await give_up(choice.quota, choice.retry_after);
            co_return;
        }
        tries_.sent_to(choice.backend);
        if (record_.attempts++ > 0) shard().count().retries.add();
        const std::optional<net::Duration> late = hedge_after(choice.lease);
        attempt_ = std::make_unique<Attempt>(*this, choice.backend, std::move(choice.lease));
        Attempt::End end = late ? co_await run_hedged(*late) : co_await attempt_->run();
        if (end == Attempt::End::ready) end = co_await attempt_->relay();
        record_attempt(*attempt_, end);
        if (end == Attempt::End::taken) {
            attempt_.reset();
            co_return;
        }
        if (end == Attempt::End::client_gone) {
            note_failed(*attempt_);
            attempt_.reset();
            record_.outcome = Outcome::client_gone;
            keep_ = false;
            // its streaming body turned out to be broken, or did not come
            if (refusal_.status >= 400) co_await answer(std::move(refusal_));
            co_return;
        }
        put_aside(std::move(attempt_));
    }
}

void Exchange::record_attempt(Attempt& attempt, Attempt::End end) noexcept {
    if (attempt.note_recorded()) shard().recorder().record(tag(), shard().loop().now(), attempt.end_of(end));
}

void Exchange::put_aside(std::unique_ptr<Attempt> failed) noexcept {
    note_failed(*failed);
    failed->note_failure();
    const int worth = worth_of(*failed);
    if (worth > 0 && (last_failed_ == nullptr || worth >= worth_of(*last_failed_)))
        last_failed_ = std::move(failed);
}

void Exchange::tell_of(const Attempt& attempt) {
    const std::uint32_t backend = attempt.backend();
    record_.backend = backend;
    record_.head_at = attempt.head_at();
    record_.target.clear();
    append_target(record_.target, route_, shard().config().backends[backend], upstream_name(backend), false);
}

net::Task<void> Exchange::give_up(bool quota, balance::Duration retry_after) {
    if (body_streams_ && !body_read_) {
        keep_ = false;
        session_.refuse_more();
    }
    if (quota_seen_ || quota) {
        record_.why = wait_end_.empty() ? "quota" : wait_end_;
        shard().count().exhausted.add();
        const auto wait = retry_after > balance::Duration::zero()
                              ? retry_after
                              : balance::Duration(std::chrono::seconds(1));
        co_await answer(exhausted_answer(wait, shard().loop().random()), Outcome::exhausted);
        co_return;
    }
    if (last_failed_ != nullptr) {
        if (record_.why.empty()) record_.why = "all-failed";
        attempt_ = std::move(last_failed_);
        tell_of(*attempt_); // perhaps not the last one that was asked
        co_await attempt_->relay_failure();
        attempt_.reset();
        co_return;
    }
    if (record_.why.empty()) record_.why = record_.attempts == 0 ? "no-backend" : "all-failed";
    Answer failed = record_.attempts == 0
                        ? error_answer(503, "", "No backend can be asked now.")
                        : error_answer(502, "BadGateway", "No backend gave a usable answer.");
    const net::ErrorCode last =
        record_.failed_count > 0 ? record_.failed[record_.failed_count - 1].error : net::ErrorCode::none;
    if (last == net::ErrorCode::timed_out) {
        failed = error_answer(504, "GatewayTimeout", "The backends did not answer in time.");
    } else if (last == net::ErrorCode::no_descriptors || last == net::ErrorCode::no_memory) {
        failed = error_answer(503, "", "This proxy has no room for the request now.");
        failed.retry_after = std::chrono::seconds(1);
    }
    co_await answer(std::move(failed));
}

} // namespace headroom::core
