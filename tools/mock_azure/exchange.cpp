// The course of a request. What the answers contain is in exchange_answers.cpp.
#include "tools/mock_azure/exchange.hpp"

#include "tools/mock_azure/socket_session.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace headroom::mock {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::int64_t audio_bytes_max = 25LL << 20;
constexpr std::int64_t file_bytes_max = 512LL << 20;
constexpr std::int64_t file_bytes_kept = 1LL << 20;
constexpr std::size_t logged_body_bytes = 16 * 1024;

std::int64_t body_limit(Operation operation, const BackendOptions& options) {
    if (operation == Operation::audio) return audio_bytes_max;
    if (operation == Operation::files) return file_bytes_max;
    return options.body_bytes_max;
}

bool is_custom(std::string_view name) {
    constexpr std::string_view known[] = {"host",          "content-length",  "content-type",     "accept",
                                          "api-key",       "user-agent",      "connection",       "expect",
                                          "authorization", "accept-encoding", "transfer-encoding"};
    return std::none_of(std::begin(known), std::end(known),
                        [name](std::string_view one) { return boost::beast::iequals(one, name); });
}

} // namespace

Exchange::Exchange(Wire* wire, RequestReader::Buffer* buffer, Backend* backend, Place place)
    : wire_(wire),
      backend_(backend),
      options_(backend->options()),
      place_(place),
      reader_(wire, buffer, backend->log().enabled()) {}

std::string_view Exchange::field(http::field name) const {
    return reader_.head()[name];
}
std::string_view Exchange::field(std::string_view name) const {
    return reader_.head()[name];
}

asio::awaitable<bool> Exchange::run() {
    const ReadResult head = co_await reader_.read_head();
    if (head == ReadResult::closed) co_return false;
    begun_ = true;
    options_ = backend_->options();
    start_ = std::chrono::steady_clock::now();
    if (head != ReadResult::ok) co_return co_await unreadable(head);
    method_ = reader_.head().method_string();
    target_ = reader_.head().target();
    request_id_ = uuid(backend_->draw(), backend_->draw());
    RouteOrProblem found = find_route(*options_, method_, target_, reader_.upgrade());
    route_ = std::move(found.route);
    route_problem_ = std::move(found.problem);
    seq_ = backend_->log().next_seq();
    backend_->request_begins();
    if (auto fault = backend_->strike({FaultStage::head, route_.deployment, target_, place_.nth > 1})) {
        begin_record();
        co_return co_await head_fault(std::move(*fault));
    }
    const bool upload = route_.operation == Operation::files;
    const ReadResult body = co_await reader_.read_body(body_limit(route_.operation, *options_),
                                                       upload ? file_bytes_kept : std::int64_t{1} << 40);
    begin_record();
    if (body == ReadResult::closed) {
        outcome_.aborted = true;
        co_return co_await finish();
    }
    if (body != ReadResult::ok) co_return co_await unreadable(body);
    delivery_.emplace(
        wire_, backend_,
        Client{.http10 = reader_.head().version() < 11,
               .head_only = reader_.head().method() == http::verb::head,
               .keep_alive = reader_.keep_alive() && (options_->requests_per_connection == 0 ||
                                                      place_.nth < options_->requests_per_connection)});
    co_await answer();
    co_return co_await finish();
}

asio::awaitable<bool> Exchange::unreadable(ReadResult result) {
    backend_->count([](BackendStats& stats) { ++stats.unreadable_requests; });
    int status = 400;
    std::string_view words = "Bad Request";
    if (result == ReadResult::head_too_large) {
        status = 431;
        words = "Request Header Fields Too Large";
    } else if (result == ReadResult::body_too_large) {
        status = 413;
        words = "Maximum request body size exceeded";
    }
    ReplyHead head = make_head(status);
    head.keep_alive = false;
    const std::string body = gateway_problem(status, std::to_string(status), words).body;
    head.content_length = static_cast<std::int64_t>(body.size());
    outcome_.status = status;
    if (co_await wire_->write(serialize(head, {}) + body)) co_await wire_->close();
    if (seq_ == 0) co_return false;
    co_return co_await finish();
}

asio::awaitable<bool> Exchange::head_fault(Fault fault) {
    outcome_.fault = to_string(fault.kind);
    if (fault.kind != FaultKind::early) {
        wire_->reset();
        co_return co_await finish();
    }
    const Problem problem = plain_status(fault.status);
    const std::string& body = fault.body.empty() ? problem.body : fault.body;
    ReplyHead head = make_head(fault.status);
    head.keep_alive = false;
    head.content_length = static_cast<std::int64_t>(body.size());
    outcome_.status = fault.status;
    if (co_await wire_->write(serialize(head, options_->quirks) + body) && fault.n == 0)
        co_await wire_->close();
    wire_->drop();
    co_return co_await finish();
}

asio::awaitable<bool> Exchange::finish() {
    if (delivery_) {
        outcome_.status = delivery_->status_sent();
        outcome_.aborted = delivery_->peer_left();
        outcome_.events_sent = delivery_->events_sent();
        outcome_.bytes_sent = delivery_->bytes_sent();
    }
    backend_->request_ends(deployment_ ? deployment_->name : std::string(), seq_, outcome_);
    co_return delivery_ && delivery_->reusable();
}

void Exchange::begin_record() {
    RequestLog& log = backend_->log();
    if (!log.enabled()) return;
    RequestRecord record;
    record.seq = seq_;
    record.at = backend_->clock().mock(start_);
    record.backend = backend_->name();
    record.connection = place_.connection;
    record.nth = place_.nth;
    record.method = method_;
    record.target = target_;
    record.version = static_cast<int>(reader_.head().version());
    for (const auto& one : reader_.head())
        record.headers.emplace_back(one.name_string(), one.value());
    record.body_bytes = reader_.body_bytes();
    record.body_sha256 = reader_.body_sha256();
    record.body = reader_.body().substr(0, logged_body_bytes);
    record.body_chunked = reader_.chunked();
    record.operation = to_string(route_.operation);
    read_question();
    record.deployment = route_.deployment;
    record.api_key = field("api-key");
    record.authorization = field(http::field::authorization);
    log.begin(std::move(record));
}

asio::awaitable<void> Exchange::answer() {
    if (route_problem_) {
        co_await refuse(*route_problem_, std::nullopt);
        co_return;
    }
    if (auto problem = check_caller()) {
        co_await refuse(*problem, std::nullopt);
        co_return;
    }
    read_question();
    if (co_await request_fault()) co_return;
    if (route_.operation == Operation::realtime || route_.operation == Operation::responses_socket) {
        co_await run_socket();
    } else if (asks_model()) {
        co_await answer_model();
    } else {
        std::string body;
        const auto problem = answer_resource(&body);
        if (problem) {
            co_await refuse(*problem, std::nullopt);
        } else {
            co_await delivery_->whole(make_head(200), std::move(body), make_pace(), 0);
        }
    }
}

std::optional<Problem> Exchange::check_caller() const {
    const std::string query_key = query_value(target_, "api-key");
    if (auto problem = check_credentials(
            *options_, {field("api-key"), field(http::field::authorization), query_key}, route_.v1)) {
        return problem;
    }
    if (options_->custom_headers_max == 0) return std::nullopt;
    const auto count = std::count_if(reader_.head().begin(), reader_.head().end(),
                                     [](const auto& one) { return is_custom(one.name_string()); });
    if (count <= options_->custom_headers_max) return std::nullopt;
    return gateway_problem(431, "431",
                           fmt::format("{} custom headers were sent, at most {} are allowed.", count,
                                       options_->custom_headers_max));
}

asio::awaitable<bool> Exchange::request_fault() {
    auto fault = backend_->strike({FaultStage::request, route_.deployment, target_, place_.nth > 1});
    if (!fault) co_return false;
    outcome_.fault = to_string(fault->kind);
    switch (fault->kind) {
        case FaultKind::reset: delivery_->reset(); co_return true;
        case FaultKind::close: co_await delivery_->close(); co_return true;
        case FaultKind::hang: co_await delivery_->hang(); co_return true;
        case FaultKind::status:
        case FaultKind::high_demand: {
            Problem problem = fault->kind == FaultKind::status ? plain_status(fault->status) : high_demand();
            if (!fault->body.empty()) problem.body = fault->body;
            learn_deployment();
            if (deployment_ && fault->kind == FaultKind::status)
                quota_ = real_view(backend_->count_failed(deployment_->name));
            std::optional<std::chrono::nanoseconds> wait;
            if (fault->retry_after_ms >= 0) wait = std::chrono::milliseconds(fault->retry_after_ms);
            co_await refuse(std::move(problem), wait);
            co_return true;
        }
        case FaultKind::idle_close: close_after_ = std::chrono::milliseconds(fault->ms); co_return false;
        default: delivery_->set_fault(*fault); co_return false;
    }
}

asio::awaitable<void> Exchange::refuse(Problem problem, std::optional<std::chrono::nanoseconds> retry_after) {
    ReplyHead head = make_head(problem.status);
    head.retry_after = retry_after;
    co_await delivery_->whole(std::move(head), std::move(problem.body), Pace{.start = start_}, 0);
}

asio::awaitable<void> Exchange::answer_model() {
    if (auto problem = check_deployment()) {
        if (deployment_) quota_ = real_view(backend_->count_failed(deployment_->name));
        co_await refuse(std::move(*problem), std::nullopt);
        co_return;
    }
    const Demand demand{.prompt_tokens = ask_.prompt_tokens_estimate(),
                        .max_tokens = ask_.max_tokens,
                        .choices = ask_.choices,
                        .context_tokens = options_->context_tokens,
                        .embedding = route_.operation == Operation::embeddings};
    const Admission admission = backend_->admit(deployment_->name, demand);
    quota_ = real_view(admission.quota);
    outcome_.tokens_charged = admission.verdict.charged;
    if (admission.verdict.admitted()) {
        co_await generate(admission.verdict);
        co_return;
    }
    const auto wait = backend_->clock().real_length(admission.verdict.retry_after);
    co_await refuse(rate_limited({.operation_name = operation_name(route_.operation),
                                  .api_version = route_.api_version,
                                  .deployment = deployment_->name,
                                  .model = deployment_->model,
                                  .region = options_->region,
                                  .retry_after_s = ceil_count<std::chrono::seconds>(wait),
                                  .tokens = admission.verdict.exceeded == Exceeded::tokens,
                                  .new_words = options_->quirks.new_words}),
                    wait);
}

asio::awaitable<void> Exchange::generate(Verdict verdict) {
    Answer answer = make_answer();
    Usage usage = answer.usage;
    if (ask_.stream && route_.operation != Operation::embeddings) {
        backend_->stream_begins(deployment_->name);
        store_answer(answer);
        auto source = route_.operation == Operation::chat          ? chat_events(std::move(answer))
                      : route_.operation == Operation::completions ? completion_events(std::move(answer))
                                                                   : response_events(std::move(answer));
        co_await delivery_->events(make_head(200), std::move(source), make_pace());
    } else {
        store_answer(answer);
        co_await delivery_->whole(make_head(200), body_of(answer), make_pace(), usage.completion);
    }
    if (!delivery_->complete()) usage.completion = std::min(usage.completion, delivery_->tokens_sent());
    outcome_.tokens_billed = usage.total();
    backend_->settle(deployment_->name, verdict, usage, delivery_->complete());
}

asio::awaitable<void> Exchange::run_socket() {
    learn_deployment();
    if (!deployment_ && route_.operation == Operation::realtime) {
        co_await refuse(deployment_not_found(), std::nullopt);
        co_return;
    }
    // The watch of the delivery reads from the connection's readiness; the WebSocket has it alone from here.
    delivery_.reset();
    backend_->count([](BackendStats& stats) { ++stats.websockets; });
    outcome_.status = 101;
    SocketSession session(wire_, backend_, route_, deployment_);
    co_await session.run(reader_.head());
}

} // namespace headroom::mock
