// WebSocket protocols on Beast.
#include "tools/mock_azure/socket_session.hpp"

#include "tools/mock_azure/answer.hpp"
#include "tools/mock_azure/random.hpp"
#include "tools/mock_azure/reply_head.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

namespace headroom::mock {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;
namespace websocket = boost::beast::websocket;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t message_bytes_max = 16U << 20U;

std::string error_json(std::string_view code, std::string_view message) {
    return fmt::format(
        R"("error":{{"type":"invalid_request_error","code":"{}","message":{},"param":null,"event_id":null}})",
        code, json_quoted(message));
}

std::string text_of(const json::object& item) {
    const json::value* content = item.if_contains("content");
    if (!content || !content->is_array()) return {};
    std::string all;
    for (const json::value& part : content->get_array()) {
        const json::value* text = part.is_object() ? part.get_object().if_contains("text") : nullptr;
        if (text && text->is_string()) all += std::string_view(text->get_string());
    }
    return all;
}

} // namespace

SocketSession::SocketSession(Wire* wire, Backend* backend, Route route,
                             std::optional<DeploymentOptions> deployment)
    : wire_(wire), backend_(backend), route_(std::move(route)), deployment_(std::move(deployment)) {}

asio::awaitable<void> SocketSession::run(http::request_header<> head) {
    if (wire_->tls()) {
        websocket::stream<Wire::TlsStream&> stream(*wire_->tls());
        co_await serve(&stream, std::move(head));
    } else {
        websocket::stream<Wire::Socket&> stream(wire_->socket());
        co_await serve(&stream, std::move(head));
    }
    wire_->drop();
}

template <class Stream>
asio::awaitable<void> SocketSession::serve(Stream* stream, http::request_header<> head) {
    stream->read_message_max(message_bytes_max);
    const std::string request_id = uuid(backend_->draw(), backend_->draw());
    const std::string region = backend_->options()->region;
    stream->set_option(
        websocket::stream_base::decorator([request_id, region](websocket::response_type& response) {
            response.set("apim-request-id", request_id);
            response.set("x-ms-region", region);
        }));
    http::request<http::empty_body> request(std::move(head));
    if (const auto [error] = co_await stream->async_accept(request, no_throw); error) co_return;
    if (route_.operation == Operation::realtime) {
        std::vector<std::string> greeting{event(
            "session.created",
            fmt::format(
                R"("session":{{"id":"sess_{:016x}","object":"realtime.session","model":{},"modalities":["text","audio"],)"
                R"("voice":"alloy","turn_detection":null}})",
                backend_->draw(), json_quoted(deployment_->model)))};
        if (!co_await send_all(stream, std::move(greeting))) co_return;
    }
    boost::beast::flat_buffer buffer;
    for (;;) {
        const auto [error, bytes] = co_await stream->async_read(buffer, no_throw);
        if (error) co_return;
        const std::string message = boost::beast::buffers_to_string(buffer.data());
        buffer.consume(buffer.size());
        if (stream->got_binary()) {
            // Binary frames are not part of the protocol; they come back as they are, so that a tunnel can be
            // tested.
            stream->binary(true);
            const auto [write_error, sent] = co_await stream->async_write(asio::buffer(message), no_throw);
            if (write_error) co_return;
        } else if (!co_await send_all(stream, reply_to(message))) {
            co_return;
        }
    }
}

template <class Stream>
asio::awaitable<bool> SocketSession::send_all(Stream* stream, std::vector<std::string> messages) {
    stream->text(true);
    for (const std::string& message : messages) {
        const auto [error, sent] = co_await stream->async_write(asio::buffer(message), no_throw);
        if (error) co_return false;
    }
    co_return true;
}

std::string SocketSession::event(std::string_view type, std::string_view members) {
    return fmt::format(R"({{"type":"{}","event_id":"event_{:08x}",{}}})", type, ++events_, members);
}

std::vector<std::string> SocketSession::reply_to(std::string_view message) {
    boost::system::error_code error;
    const json::value document = json::parse(message, error);
    const json::value* type =
        !error && document.is_object() ? document.get_object().if_contains("type") : nullptr;
    if (!type || !type->is_string()) {
        return {event("error", error_json("invalid_json", "The message is not a JSON object with a type."))};
    }
    const std::string_view name = type->get_string();
    if (name == "mock.echo") return {std::string(message)};
    return route_.operation == Operation::realtime ? realtime_reply(name, message) : response_reply(message);
}

std::vector<std::string> SocketSession::realtime_reply(std::string_view type, std::string_view message) {
    const json::value parsed = json::parse(message);
    const json::object& document = parsed.get_object();
    if (type == "session.update") {
        const json::value* session = document.if_contains("session");
        return {event("session.updated", R"("session":)" + (session ? json::serialize(*session) : "{}"))};
    }
    if (type == "conversation.item.create") {
        const json::value* item = document.if_contains("item");
        if (item && item->is_object()) last_text_ = text_of(item->get_object());
        return {event("conversation.item.created",
                      R"("previous_item_id":null,"item":)" + (item ? json::serialize(*item) : "{}"))};
    }
    if (type == "input_audio_buffer.append") return {};
    if (type == "input_audio_buffer.commit")
        return {event("input_audio_buffer.committed", R"("previous_item_id":null)")};
    if (type == "response.create") return realtime_response();
    return {event("error", error_json("invalid_value", fmt::format("Invalid value: '{}'.", type)))};
}

std::vector<std::string> SocketSession::realtime_response() {
    const auto options = backend_->options();
    const TextPlan plan = plan_text({.seed = fnv1a(last_text_) ^ options->seed,
                                     .mean_tokens = std::min<std::int64_t>(options->output_tokens, 50),
                                     .max_tokens = {},
                                     .marks = find_marks(last_text_),
                                     .last_user_text = last_text_});
    const std::string id = fmt::format("resp_{:016x}", backend_->draw());
    std::vector<std::string> all{
        event("response.created", fmt::format(R"("response":{{"id":"{}","status":"in_progress"}})", id))};
    for (const std::string& token : plan.tokens) {
        all.push_back(event("response.text.delta",
                            fmt::format(R"("response_id":"{}","delta":{})", id, json_quoted(token))));
    }
    all.push_back(event("response.text.done",
                        fmt::format(R"("response_id":"{}","text":{})", id, json_quoted(plan.text()))));
    const std::size_t input = last_text_.size() / 4 + 3;
    all.push_back(event(
        "response.done",
        fmt::format(
            R"("response":{{"id":"{}","status":"completed","usage":{{"total_tokens":{},"input_tokens":{},)"
            R"("output_tokens":{}}}}})",
            id, input + plan.tokens.size(), input, plan.tokens.size())));
    return all;
}

std::vector<std::string> SocketSession::response_reply(std::string_view message) {
    const auto options = backend_->options();
    AskOrProblem read = read_ask(Operation::responses, message, options->context_tokens);
    if (read.problem)
        return {fmt::format(R"({{"type":"error","status":{},{})", read.problem->status,
                            read.problem->body.substr(1))};
    Ask& ask = *read.ask;
    const auto deployment = backend_->find_deployment(ask.model);
    std::optional<Problem> problem;
    if (!deployment) {
        problem = deployment_not_found();
    } else if (!ask.previous_response_id.empty() && !backend_->store().get(ask.previous_response_id)) {
        problem = response_not_found(ask.previous_response_id);
    }
    if (problem)
        return {fmt::format(R"({{"type":"error","status":{},{})", problem->status, problem->body.substr(1))};
    Answer answer;
    answer.id = fmt::format("resp_{:016x}{:016x}", backend_->draw(), backend_->draw());
    answer.model = deployment->model;
    answer.previous_response_id = ask.previous_response_id;
    answer.usage.prompt = ask.prompt_tokens_billed();
    answer.choices.push_back(plan_text({.seed = fnv1a(ask.prompt) ^ options->seed,
                                        .mean_tokens = options->output_tokens,
                                        .max_tokens = ask.max_tokens,
                                        .marks = ask.marks,
                                        .last_user_text = ask.last_user_text}));
    answer.usage.completion = static_cast<std::int64_t>(answer.choices.front().tokens.size());
    // Even an answer that is not stored can be continued while its connection lasts.
    backend_->store().put(answer.id, response_body(answer));
    std::vector<std::string> all;
    const auto source = response_events(std::move(answer));
    for (Event one; source->next(&one);)
        all.push_back(one.data);
    return all;
}

} // namespace headroom::mock
