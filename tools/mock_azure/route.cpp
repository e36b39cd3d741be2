// The path shapes: classic with a deployment, v1, and OpenAI's own.
#include "tools/mock_azure/route.hpp"

#include "tools/mock_azure/stored_objects.hpp"

#include <algorithm>

namespace headroom::mock {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
            hex_value(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// Takes `prefix` from the front of `text` if it is there.
bool take(std::string_view* text, std::string_view prefix) {
    if (!text->starts_with(prefix)) return false;
    text->remove_prefix(prefix.size());
    return true;
}

Operation post_operation(std::string_view rest) {
    if (rest == "chat/completions") return Operation::chat;
    if (rest == "completions") return Operation::completions;
    if (rest == "embeddings") return Operation::embeddings;
    if (rest == "responses") return Operation::responses;
    if (rest == "audio/transcriptions" || rest == "audio/translations") return Operation::audio;
    if (rest == "files") return Operation::files;
    return Operation::unknown;
}

/// Everything that is not below a deployment: `rest` is what follows /openai/ or /openai/v1/.
void route_resource(std::string_view method, std::string_view rest, bool upgrade, Route* route) {
    if (upgrade) {
        if (rest == "realtime") route->operation = Operation::realtime;
        if (rest == "responses" && route->v1) route->operation = Operation::responses_socket;
        return;
    }
    if (rest.starts_with("responses/")) {
        route->operation = Operation::stored_responses;
        route->id = rest.substr(10);
        return;
    }
    if (rest == "files" || rest.starts_with("files/")) {
        route->operation = Operation::files;
        route->id = rest.size() > 6 ? rest.substr(6) : std::string_view{};
        return;
    }
    const bool asks_chat = rest == "chat/completions" && method == "POST";
    if (is_stored_kind(rest) && !asks_chat) {
        route->operation = Operation::objects;
        route->id = rest;
        return;
    }
    if ((rest == "models" || rest.starts_with("models/")) && method == "GET") {
        route->operation = Operation::models;
        route->id = rest.size() > 7 ? rest.substr(7) : std::string_view{};
        return;
    }
    // Without a deployment in the path the body must name one: all of v1, and only /responses of the classic
    // shape.
    if (method == "POST" && (route->v1 || rest == "responses")) route->operation = post_operation(rest);
}

void route_deployment(std::string_view method, std::string_view rest, Route* route) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos || slash == 0) return;
    route->deployment = percent_decoded(rest.substr(0, slash));
    const Operation operation = post_operation(rest.substr(slash + 1));
    if (method == "POST" && operation != Operation::files && operation != Operation::responses)
        route->operation = operation;
}

bool key_known(const std::vector<std::string>& keys, std::string_view key) {
    return !key.empty() && (keys.empty() || std::find(keys.begin(), keys.end(), key) != keys.end());
}

/// Classic paths know versions by their date only: with "v1" or "preview" there is no such resource.
bool is_dated(std::string_view version) {
    return !version.empty() && version.front() >= '0' && version.front() <= '9';
}

} // namespace

std::string query_value(std::string_view target, std::string_view name) {
    const std::size_t question = target.find('?');
    if (question == std::string_view::npos) return {};
    for (const std::string_view pair : split(target.substr(question + 1), '&')) {
        const std::size_t equals = pair.find('=');
        if (pair.substr(0, equals) == name && equals != std::string_view::npos)
            return percent_decoded(pair.substr(equals + 1));
    }
    return {};
}

RouteOrProblem find_route(const BackendOptions& options, std::string_view method, std::string_view target,
                          bool upgrade) {
    RouteOrProblem result;
    Route& route = result.route;
    std::string_view path = target.substr(0, target.find('?'));
    route.api_version = query_value(target, "api-version");
    const bool ours = take(&path, options.prefix);
    if (ours && options.flavour == Flavour::openai && take(&path, "/v1/")) {
        route.v1 = true;
        route_resource(method, path, upgrade, &route);
    } else if (ours && options.flavour != Flavour::openai && take(&path, "/openai/")) {
        if (take(&path, "v1/")) {
            route.v1 = options.flavour != Flavour::classic;
            if (route.v1) route_resource(method, path, upgrade, &route);
        } else if (options.flavour != Flavour::v1 && is_dated(route.api_version)) {
            if (take(&path, "deployments/")) {
                route_deployment(method, path, &route);
            } else {
                route_resource(method, path, upgrade, &route);
            }
            if (route.operation == Operation::realtime) route.deployment = query_value(target, "deployment");
        }
    }
    if (route.v1) {
        if (route.api_version.empty()) route.api_version = "v1";
        if (route.operation == Operation::realtime) route.deployment = query_value(target, "model");
    }
    if (route.operation == Operation::unknown) result.problem = resource_not_found();
    return result;
}

std::optional<Problem> check_credentials(const BackendOptions& options, const Credentials& credentials,
                                         bool v1) {
    if (options.open) return std::nullopt;
    const std::string_view key = credentials.api_key.empty() ? credentials.query_key : credentials.api_key;
    std::string_view bearer = credentials.authorization;
    const bool is_bearer = take(&bearer, "Bearer ") || take(&bearer, "bearer ");
    if (key.empty() && !is_bearer) return missing_key();
    if (!key.empty() && key_known(options.keys, key)) return std::nullopt;
    if (is_bearer) {
        if (!options.tokens.empty() && key_known(options.tokens, bearer)) return std::nullopt;
        if ((v1 || options.tokens.empty()) && key_known(options.keys, bearer)) return std::nullopt;
    }
    return wrong_key();
}

std::string_view operation_name(Operation operation) {
    switch (operation) {
        case Operation::completions: return "Completions_Create";
        case Operation::embeddings: return "Embeddings_Create";
        case Operation::responses:
        case Operation::responses_socket: return "Responses_Create";
        case Operation::audio: return "Transcriptions_Create";
        default: return "ChatCompletions_Create";
    }
}

} // namespace headroom::mock
