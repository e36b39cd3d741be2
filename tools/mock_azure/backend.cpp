// A backend's bookkeeping.
#include "tools/mock_azure/backend.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace headroom::mock {

namespace json = boost::json;

namespace {

constexpr std::size_t aborts_max = 200;

LimiterSettings limits_of(const BackendOptions& options, std::string_view deployment) {
    LimiterSettings limits = options.limits;
    for (const DeploymentOptions& one : options.deployments) {
        if (one.name != deployment) continue;
        if (one.tpm) limits.tpm = *one.tpm;
        if (one.tpm) limits.rpm = (*one.tpm * 6 + 999) / 1'000;
        if (one.rpm) limits.rpm = *one.rpm;
    }
    return limits;
}

json::object deployment_json(const DeploymentStats& stats, Limiter* limiter, MockTime now) {
    json::object out{{"requests", stats.requests},
                     {"completed", stats.completed},
                     {"throttled", stats.throttled_tokens + stats.throttled_requests},
                     {"throttled_tokens", stats.throttled_tokens},
                     {"throttled_requests", stats.throttled_requests},
                     {"tokens_charged", stats.tokens_charged},
                     {"tokens_billed", stats.tokens_billed},
                     {"tokens_prompt", stats.tokens_prompt},
                     {"tokens_completion", stats.tokens_completion},
                     {"tokens_cached", stats.tokens_cached},
                     {"in_flight", stats.in_flight},
                     {"in_flight_max", stats.in_flight_max},
                     {"streams", stats.streams},
                     {"aborted_by_peer", stats.aborted_by_peer}};
    if (!limiter) return out;
    const QuotaView view = limiter->view(now);
    const Peaks peaks = limiter->peaks();
    out["limit_tokens"] = view.limit_tokens;
    out["remaining_tokens"] = view.remaining_tokens;
    out["limit_requests"] = view.limit_requests;
    out["remaining_requests"] = view.remaining_requests;
    out["tokens_window_max"] = peaks.tokens_window;
    out["tokens_second_max"] = peaks.tokens_second;
    out["requests_slice_max"] = peaks.requests_slice;
    out["requests_second_max"] = peaks.requests_second;
    return out;
}

json::object backend_json(const BackendStats& stats) {
    json::object statuses;
    for (const auto& [status, count] : stats.statuses)
        statuses[std::to_string(status)] = count;
    json::array aborts;
    for (const Abort& abort : stats.aborts) {
        aborts.emplace_back(json::object{{"request_seq", abort.request_seq},
                                         {"seq", abort.seq},
                                         {"at_ms", static_cast<double>(abort.at.count()) / 1e6},
                                         {"events_sent", abort.events_sent},
                                         {"bytes_sent", abort.bytes_sent}});
    }
    return {{"requests", stats.requests},
            {"statuses", std::move(statuses)},
            {"in_flight", stats.in_flight},
            {"in_flight_max", stats.in_flight_max},
            {"connections_accepted", stats.connections_accepted},
            {"connections_open", stats.connections_open},
            {"connections_open_max", stats.connections_open_max},
            {"tls_handshakes", stats.tls_handshakes},
            {"tls_resumed", stats.tls_resumed},
            {"tls_failed", stats.tls_failed},
            {"faults_struck", stats.faults_struck},
            {"unreadable_requests", stats.unreadable_requests},
            {"websockets", stats.websockets},
            {"aborted_by_peer", stats.aborted_by_peer},
            {"aborts", std::move(aborts)}};
}

} // namespace

Backend::Backend(const BackendOptions& options, const ScaledClock* clock, RequestLog* log)
    : name_(options.name),
      clock_(clock),
      log_(log),
      options_(std::make_shared<const BackendOptions>(options)),
      faults_(options.seed) {}

Backend::Options Backend::options() const {
    const std::lock_guard lock(mutex_);
    return options_;
}

void Backend::set_options(const BackendOptions& options) {
    const std::lock_guard lock(mutex_);
    options_ = std::make_shared<const BackendOptions>(options);
    const MockTime now = clock_->now();
    for (auto& [deployment, limiter] : limiters_)
        limiter.set_settings(limits_of(options, deployment), now);
}

std::optional<DeploymentOptions> Backend::find_deployment(std::string_view name) const {
    const Options options = this->options();
    for (const DeploymentOptions& one : options->deployments) {
        if (one.name == name || (options->flavour == Flavour::openai && one.model == name)) return one;
    }
    return std::nullopt;
}

Limiter& Backend::limiter(const std::string& deployment) {
    return limiters_.try_emplace(deployment, limits_of(*options_, deployment)).first->second;
}

Admission Backend::admit(const std::string& deployment, const Demand& demand) {
    const std::lock_guard lock(mutex_);
    // Read under the lock, so that time never runs backwards for the meters.
    const MockTime now = clock_->now();
    Limiter& quota = limiter(deployment);
    Admission admission;
    admission.verdict = quota.admit(demand, now);
    admission.quota = quota.view(now);
    DeploymentStats& stats = stats_.deployments[deployment];
    ++stats.requests;
    stats.tokens_charged += admission.verdict.charged;
    if (admission.verdict.exceeded == Exceeded::tokens) ++stats.throttled_tokens;
    if (admission.verdict.exceeded == Exceeded::requests) ++stats.throttled_requests;
    if (admission.verdict.admitted()) stats.in_flight_max = std::max(stats.in_flight_max, ++stats.in_flight);
    return admission;
}

QuotaView Backend::count_failed(const std::string& deployment) {
    const std::lock_guard lock(mutex_);
    const MockTime now = clock_->now();
    Limiter& quota = limiter(deployment);
    quota.count_failed(now);
    ++stats_.deployments[deployment].requests;
    return quota.view(now);
}

void Backend::settle(const std::string& deployment, const Verdict& verdict, const Usage& usage,
                     bool completed) {
    const std::lock_guard lock(mutex_);
    limiter(deployment).settle(verdict, usage.total(), clock_->now());
    DeploymentStats& stats = stats_.deployments[deployment];
    stats.tokens_billed += usage.total();
    stats.tokens_prompt += usage.prompt;
    stats.tokens_completion += usage.completion;
    stats.tokens_cached += usage.cached;
    --stats.in_flight;
    if (completed) ++stats.completed;
}

void Backend::request_begins() {
    const std::lock_guard lock(mutex_);
    ++stats_.requests;
    stats_.in_flight_max = std::max(stats_.in_flight_max, ++stats_.in_flight);
}

void Backend::request_ends(const std::string& deployment, std::uint64_t seq, RequestOutcome outcome) {
    outcome.ended = clock_->now();
    outcome.end_seq = log_->end(seq, outcome);
    const std::lock_guard lock(mutex_);
    --stats_.in_flight;
    ++stats_.statuses[outcome.status];
    if (!outcome.aborted) return;
    ++stats_.aborted_by_peer;
    if (!deployment.empty()) ++stats_.deployments[deployment].aborted_by_peer;
    if (stats_.aborts.size() >= aborts_max) stats_.aborts.pop_front();
    stats_.aborts.push_back({seq, outcome.end_seq, outcome.ended, outcome.events_sent, outcome.bytes_sent});
}

void Backend::stream_begins(const std::string& deployment) {
    const std::lock_guard lock(mutex_);
    ++stats_.deployments[deployment].streams;
}

std::int64_t Backend::cached_tokens(std::string_view prompt) {
    const std::lock_guard lock(mutex_);
    return cache_.lookup(prompt, clock_->now());
}

std::uint64_t Backend::add_fault(const Fault& fault) {
    const std::lock_guard lock(mutex_);
    return faults_.add(fault);
}

void Backend::clear_faults() {
    const std::lock_guard lock(mutex_);
    faults_.clear();
}

std::optional<Fault> Backend::strike(const FaultPlan::Moment& moment) {
    const std::lock_guard lock(mutex_);
    auto fault = faults_.strike(moment);
    if (fault) ++stats_.faults_struck;
    return fault;
}

std::uint64_t Backend::draw() {
    const std::lock_guard lock(mutex_);
    Random random(options_->seed ^ fnv1a(name_) ^ (++draws_ << 20U));
    return random.next();
}

void Backend::reset() {
    store_.clear();
    const std::lock_guard lock(mutex_);
    BackendStats fresh;
    fresh.in_flight = stats_.in_flight;
    fresh.connections_open = stats_.connections_open;
    for (const auto& [deployment, stats] : stats_.deployments)
        fresh.deployments[deployment].in_flight = stats.in_flight;
    stats_ = std::move(fresh);
    limiters_.clear();
    faults_.clear();
    cache_ = PromptCache();
}

std::string Backend::stats_json() const {
    const std::lock_guard lock(mutex_);
    const MockTime now = clock_->now();
    json::object out = backend_json(stats_);
    json::object deployments;
    for (const DeploymentOptions& one : options_->deployments) {
        const auto stats = stats_.deployments.find(one.name);
        const auto quota = limiters_.find(one.name);
        deployments[one.name] =
            deployment_json(stats == stats_.deployments.end() ? DeploymentStats{} : stats->second,
                            quota == limiters_.end() ? nullptr : &quota->second, now);
    }
    out["name"] = name_;
    out["deployments"] = std::move(deployments);
    return json::serialize(out);
}

std::string Backend::faults_json() const {
    const std::lock_guard lock(mutex_);
    json::array all;
    for (const Fault& fault : faults_.faults()) {
        all.emplace_back(json::object{{"id", fault.id},
                                      {"backend", name_},
                                      {"kind", to_string(fault.kind)},
                                      {"left", fault.count},
                                      {"after", fault.after},
                                      {"struck", fault.struck}});
    }
    return json::serialize(all);
}

} // namespace headroom::mock
