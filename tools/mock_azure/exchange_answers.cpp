// What a request is answered with: models, stored objects, files, and the text of a model.
#include "tools/mock_azure/exchange.hpp"
#include "tools/mock_azure/multipart.hpp"
#include "tools/mock_azure/random.hpp"
#include "tools/mock_azure/stored_objects.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace headroom::mock {

namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

bool supports(std::string_view model, Operation operation) {
    const bool embeds = contains(model, "embedding");
    const bool hears = contains(model, "whisper") || contains(model, "transcribe");
    if (operation == Operation::embeddings) return embeds;
    if (operation == Operation::audio) return hears;
    return !embeds && !hears;
}

std::string_view verb_of(Operation operation) {
    switch (operation) {
        case Operation::embeddings: return "embeddings";
        case Operation::audio: return "audio";
        case Operation::completions: return "completion";
        default: return "chatCompletion";
    }
}

std::string served_name(const std::string& model) {
    if (model == "gpt-4o") return "gpt-4o-2024-11-20";
    if (model == "gpt-4o-mini") return "gpt-4o-mini-2024-07-18";
    if (model == "gpt-4.1") return "gpt-4.1-2025-04-14";
    return model;
}

std::int64_t unix_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

} // namespace

bool Exchange::asks_model() const {
    switch (route_.operation) {
        case Operation::chat:
        case Operation::completions:
        case Operation::responses:
        case Operation::embeddings:
        case Operation::audio: return true;
        default: return false;
    }
}

void Exchange::read_question() {
    if (!ask_.model.empty() || ask_problem_ || !asks_model()) return;
    if (route_.operation == Operation::audio) {
        const auto parts = read_multipart(field(boost::beast::http::field::content_type), reader_.body());
        ask_.operation = Operation::audio;
        ask_.model = form_value(parts, "model");
        if (!form_file(parts))
            ask_problem_ =
                invalid_request("Missing required parameter: 'file'.", "file", "missing_required_parameter");
    } else {
        AskOrProblem read = read_ask(route_.operation, reader_.body(), options_->context_tokens);
        if (read.ask) ask_ = std::move(*read.ask);
        ask_problem_ = std::move(read.problem);
    }
    if (route_.deployment.empty()) route_.deployment = ask_.model;
    // Marks that the body was read, also when it names no model.
    if (ask_.model.empty()) ask_.model = route_.deployment.empty() ? "?" : route_.deployment;
}

void Exchange::learn_deployment() {
    if (deployment_) return;
    deployment_ = backend_->find_deployment(route_.deployment);
    if (deployment_) served_name_ = served_name(deployment_->model);
}

std::optional<Problem> Exchange::check_deployment() {
    learn_deployment();
    if (!deployment_ && ask_problem_ && route_.v1) return ask_problem_;
    if (!deployment_) {
        if (route_.deployment.empty())
            return invalid_request("Missing required parameter: 'model'.", "model",
                                   "missing_required_parameter");
        return deployment_not_found();
    }
    if (!supports(deployment_->model, route_.operation)) {
        return operation_not_supported(verb_of(route_.operation), deployment_->model);
    }
    if (options_->stream_options == StreamOptions::refused && ask_.has_stream_options)
        return unknown_argument("stream_options");
    if (ask_problem_) return ask_problem_;
    if (!ask_.previous_response_id.empty() && !backend_->store().get(ask_.previous_response_id)) {
        return response_not_found(ask_.previous_response_id);
    }
    return route_.operation == Operation::audio ? std::nullopt
                                                : check_references(backend_->store(), reader_.body());
}

Answer Exchange::make_answer() const {
    Answer answer;
    const std::string_view kind = route_.operation == Operation::chat          ? "chatcmpl-"
                                  : route_.operation == Operation::completions ? "cmpl-"
                                                                               : "resp_";
    answer.id = fmt::format("{}{:016x}{:016x}", kind, backend_->draw(), backend_->draw());
    answer.created = unix_now();
    answer.model = served_name_;
    answer.include_usage = ask_.include_usage && options_->stream_options != StreamOptions::ignored;
    answer.async_filter = options_->async_filter;
    answer.store = ask_.store;
    answer.tool = ask_.forced_tool;
    answer.previous_response_id = ask_.previous_response_id;
    if (ask_.encrypts_reasoning)
        answer.encrypted_reasoning =
            fmt::format("gAAAAAB{0:016x}/{1:016x}+{0:01000x}==", backend_->draw(), backend_->draw());
    answer.usage.prompt = ask_.prompt_tokens_billed();
    if (route_.operation == Operation::embeddings || route_.operation == Operation::audio) return answer;
    answer.usage.cached = std::min(answer.usage.prompt, backend_->cached_tokens(ask_.prompt));
    const std::int64_t choices = route_.operation == Operation::responses ? 1 : ask_.choices;
    for (std::int64_t i = 0; i < choices; ++i) {
        answer.choices.push_back(plan_text(
            {.seed = fnv1a(ask_.prompt) ^ options_->seed ^ ask_.seed ^ static_cast<std::uint64_t>(i),
             .mean_tokens = options_->output_tokens,
             .max_tokens = ask_.max_tokens,
             .marks = ask_.marks,
             .last_user_text = ask_.last_user_text,
             .json = ask_.json_answer || !ask_.forced_tool.empty()}));
        answer.usage.completion += static_cast<std::int64_t>(answer.choices.back().tokens.size());
    }
    return answer;
}

std::string Exchange::body_of(const Answer& answer) const {
    switch (route_.operation) {
        case Operation::chat: return chat_body(answer);
        case Operation::completions: return completion_body(answer);
        case Operation::embeddings: return embeddings_body(ask_, deployment_->model, answer.usage.prompt);
        case Operation::audio:
            return fmt::format(R"({{"text":"{} bytes of speech were heard."}})", reader_.body_bytes());
        default: return response_body(answer);
    }
}

void Exchange::store_answer(const Answer& answer) {
    ObjectStore& store = backend_->store();
    // no reader of ours looks into it: that it can be read is what is remembered
    if (!answer.encrypted_reasoning.empty()) store.put(answer.encrypted_reasoning, "{}");
    const bool keeps = route_.operation == Operation::responses || route_.operation == Operation::chat;
    if (!keeps || !answer.store) return;
    store.put(answer.id, body_of(answer));
    if (route_.operation == Operation::responses) store.put(output_item_id(answer), "{}");
}

Pace Exchange::make_pace() const {
    const ScaledClock& clock = backend_->clock();
    const std::int64_t jitter = options_->ttft_jitter_ms;
    std::int64_t ttft = options_->ttft_ms;
    if (jitter > 0)
        ttft += static_cast<std::int64_t>(
                    Random(backend_->draw()).below(static_cast<std::uint64_t>(2 * jitter + 1))) -
                jitter;
    ttft = ask_.marks.ttft_ms.value_or(std::max<std::int64_t>(0, ttft));
    const std::int64_t per_token = ask_.marks.token_ms.value_or(options_->token_ms);
    return {start_, clock.real_length(std::chrono::milliseconds(ttft)),
            clock.real_length(std::chrono::milliseconds(per_token))};
}

std::optional<Problem> Exchange::answer_resource(std::string* body) {
    if (route_.operation == Operation::files) return answer_files(body);
    if (route_.operation == Operation::stored_responses) return answer_stored(body);
    if (route_.operation == Operation::objects) {
        return answer_object(backend_->store(),
                             {method_, route_.id, reader_.body(), backend_->draw(), unix_now()}, body);
    }
    if (route_.id.empty()) {
        *body = models_json();
        return std::nullopt;
    }
    if (!backend_->find_deployment(route_.id)) return deployment_not_found();
    *body = fmt::format(R"({{"id":{},"object":"model","created":1715367049,"owned_by":"system"}})",
                        json_quoted(route_.id));
    return std::nullopt;
}

std::string Exchange::models_json() const {
    std::string all;
    for (const DeploymentOptions& one : options_->deployments) {
        if (!all.empty()) all += ',';
        all += fmt::format(
            R"({{"id":{},"object":"model","created":1715367049,"owned_by":"system","status":"succeeded"}})",
            json_quoted(one.name));
    }
    return fmt::format(R"({{"object":"list","data":[{}]}})", all);
}

std::optional<Problem> Exchange::answer_files(std::string* body) {
    ObjectStore& store = backend_->store();
    if (method_ == "POST" && route_.id.empty()) {
        const auto parts = read_multipart(field(boost::beast::http::field::content_type), reader_.body());
        const FormPart* file = form_file(parts);
        if (!file)
            return invalid_request("Missing required parameter: 'file'.", "file",
                                   "missing_required_parameter");
        const std::string_view purpose = form_value(parts, "purpose");
        const bool kept_whole = static_cast<std::int64_t>(reader_.body().size()) == reader_.body_bytes();
        const std::string id = fmt::format("file-{:016x}{:08x}", backend_->draw(), backend_->draw() >> 32U);
        *body = fmt::format(
            R"({{"id":"{}","object":"file","bytes":{},"created_at":{},"filename":{},"purpose":{},"status":"processed"}})",
            id, kept_whole ? static_cast<std::int64_t>(file->content.size()) : reader_.body_bytes(),
            unix_now(), json_quoted(file->filename), json_quoted(purpose.empty() ? "assistants" : purpose));
        store.put(id, *body);
        return std::nullopt;
    }
    if (method_ == "GET" && route_.id.empty()) {
        *body = fmt::format(R"({{"object":"list","data":[{}],"has_more":false}})", store.list("file-"));
        return std::nullopt;
    }
    const auto object = store.get(route_.id);
    if (!object) return gateway_problem(404, "NotFound", fmt::format("No such File object: {}", route_.id));
    *body = *object;
    if (method_ == "DELETE") {
        store.erase(route_.id);
        *body = fmt::format(R"({{"id":{},"object":"file","deleted":true}})", json_quoted(route_.id));
    }
    return std::nullopt;
}

std::optional<Problem> Exchange::answer_stored(std::string* body) {
    const std::string id = route_.id.substr(0, route_.id.find('/'));
    const std::string_view rest = std::string_view(route_.id).substr(id.size());
    const auto object = backend_->store().get(id);
    if (!object) {
        Problem problem = invalid_request(fmt::format("Response with id '{}' not found.", id), "", "");
        problem.status = 404;
        return problem;
    }
    *body = *object;
    if (rest == "/input_items") {
        *body = R"({"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false})";
    } else if (rest == "/cancel") {
        return invalid_request("Cannot cancel a completed response.", "", "");
    } else if (!rest.empty()) {
        return resource_not_found();
    } else if (method_ == "DELETE") {
        backend_->store().erase(id);
        *body = fmt::format(R"({{"id":{},"object":"response","deleted":true}})", json_quoted(id));
    }
    return std::nullopt;
}

ReplyHead Exchange::make_head(int status) const {
    ReplyHead head;
    head.status = status;
    head.region = options_->region;
    head.quota = quota_;
    head.request_id = request_id_.empty() ? uuid(backend_->draw(), backend_->draw()) : request_id_;
    head.client_request_id = field("x-ms-client-request-id");
    if (deployment_) {
        head.deployment = deployment_->name;
        head.model = served_name_;
    }
    return head;
}

QuotaView Exchange::real_view(QuotaView view) const {
    view.reset_tokens = backend_->clock().real_length(view.reset_tokens);
    view.reset_requests = backend_->clock().real_length(view.reset_requests);
    return view;
}

} // namespace headroom::mock
