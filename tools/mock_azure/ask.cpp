// Validation of JSON requests in the order and with the words of the service.
#include "tools/mock_azure/ask.hpp"

#include "tools/mock_azure/random.hpp"
#include "tools/mock_azure/text_plan.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace headroom::mock {

namespace json = boost::json;

namespace {

// Documented limits of the service.
constexpr std::size_t messages_max = 2'048;
constexpr std::size_t embedding_inputs_max = 2'048;
constexpr std::size_t tools_max = 128;
constexpr std::size_t message_characters_max = 1'048'576;
constexpr std::int64_t output_tokens_max = 1'000'000;

using MaybeProblem = std::optional<Problem>;

Problem missing(std::string_view name) {
    return invalid_request(fmt::format("Missing required parameter: '{}'.", name), name,
                           "missing_required_parameter");
}

Problem wrong_type(std::string_view name, std::string_view expected) {
    return invalid_request(fmt::format("Invalid type for '{}': expected {}.", name, expected), name,
                           "invalid_type");
}

std::string_view view(const json::string& text) {
    return {text.data(), text.size()};
}

/// Text of one content: a string, or an array of parts of which the ones with "text" count.
std::string content_text(const json::value& content) {
    if (const auto* text = content.if_string()) return std::string(view(*text));
    std::string all;
    if (const auto* parts = content.if_array()) {
        for (const json::value& part : *parts) {
            const auto* object = part.if_object();
            const json::value* text = object ? object->if_contains("text") : nullptr;
            if (text && text->is_string()) all += view(text->get_string());
        }
    }
    return all;
}

MaybeProblem read_integer(const json::object& body, std::string_view name, std::int64_t least,
                          std::optional<std::int64_t>* out) {
    const json::value* value = body.if_contains(name);
    if (!value || value->is_null()) return std::nullopt;
    boost::system::error_code error;
    const auto number = value->to_number<std::int64_t>(error);
    if (error || !value->is_number()) return wrong_type(name, "an integer");
    if (number < least) {
        return invalid_request(
            fmt::format("Invalid '{}': integer below minimum value. Expected a value >= {}, but got {} "
                        "instead.",
                        name, least, number),
            name, "integer_below_min_value");
    }
    *out = std::min(number, output_tokens_max);
    return std::nullopt;
}

bool is_true(const json::object& body, std::string_view name) {
    const json::value* value = body.if_contains(name);
    return value && value->is_bool() && value->get_bool();
}

void add_message(Ask* ask, std::string_view role, std::string text) {
    ++ask->messages;
    ask->prompt_characters += count_characters(text);
    ask->prompt += text;
    if (role == "user" || role.empty()) ask->last_user_text = std::move(text);
}

MaybeProblem read_messages(const json::array& messages, std::string_view name, Ask* ask) {
    if (messages.empty()) {
        return invalid_request(
            fmt::format(
                "Invalid '{}': empty array. Expected an array with minimum length 1, but got an empty "
                "array instead.",
                name),
            name, "empty_array");
    }
    if (messages.size() > messages_max) {
        return invalid_request(
            fmt::format("Invalid '{}': array too long. Expected an array with maximum length {}, but got an "
                        "array with length {} instead.",
                        name, messages_max, messages.size()),
            name, "array_above_max_length");
    }
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const std::string where = fmt::format("{}[{}]", name, i);
        const auto* message = messages[i].if_object();
        if (!message) return wrong_type(where, "an object");
        const json::value* role = message->if_contains("role");
        const json::value* content = message->if_contains("content");
        if (name == "messages" && !(role && role->is_string())) return missing(where + ".role");
        std::string text = content ? content_text(*content) : std::string();
        if (text.size() > message_characters_max) {
            return invalid_request(
                fmt::format(
                    "Invalid '{}.content': string too long. Expected a string with maximum length {}, but "
                    "got a string with length {} instead.",
                    where, message_characters_max, text.size()),
                where + ".content", "string_above_max_length");
        }
        add_message(ask, role && role->is_string() ? view(role->get_string()) : std::string_view{},
                    std::move(text));
    }
    return std::nullopt;
}

MaybeProblem read_tools(const json::object& body, Ask* ask) {
    const json::value* tools = body.if_contains("tools");
    if (!tools || !tools->is_array()) return std::nullopt;
    if (tools->get_array().size() > tools_max) {
        return invalid_request(
            fmt::format("Invalid 'tools': array too long. Expected an array with maximum length {}.",
                        tools_max),
            "tools", "array_above_max_length");
    }
    const json::value* choice = body.if_contains("tool_choice");
    if (!choice) return std::nullopt;
    const auto name_of = [](const json::value& tool) {
        const auto* object = tool.if_object();
        const json::value* function = object ? object->if_contains("function") : nullptr;
        const auto* holder = function && function->is_object() ? function->if_object() : object;
        const json::value* name = holder ? holder->if_contains("name") : nullptr;
        return name && name->is_string() ? std::string(view(name->get_string())) : std::string();
    };
    if (choice->is_object()) ask->forced_tool = name_of(*choice);
    if (choice->is_string() && choice->get_string() == "required" && !tools->get_array().empty()) {
        ask->forced_tool = name_of(tools->get_array().front());
    }
    return std::nullopt;
}

MaybeProblem read_chat(const json::object& body, Ask* ask) {
    const json::value* messages = body.if_contains("messages");
    if (!messages) return missing("messages");
    if (!messages->is_array()) return wrong_type("messages", "an array of objects");
    if (auto problem = read_messages(messages->get_array(), "messages", ask)) return problem;
    ask->store = is_true(body, "store");
    if (auto problem = read_integer(body, "max_tokens", 0, &ask->max_tokens)) return problem;
    const bool has_old_cap = ask->max_tokens.has_value();
    if (auto problem = read_integer(body, "max_completion_tokens", 0, &ask->max_tokens)) return problem;
    const std::string_view model = ask->model;
    const bool reasoning = model.starts_with("o1") || model.starts_with("o3") || model.starts_with("o4") ||
                           model.starts_with("gpt-5");
    if (has_old_cap && reasoning) {
        return invalid_request(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "max_tokens", "unsupported_parameter");
    }
    if (const json::value* format = body.if_contains("response_format"); format && format->is_object()) {
        const json::value* type = format->get_object().if_contains("type");
        ask->json_answer = type && type->is_string() && type->get_string() != "text";
    }
    return std::nullopt;
}

MaybeProblem read_completion(const json::object& body, Ask* ask) {
    const json::value* prompt = body.if_contains("prompt");
    if (prompt && prompt->is_string()) {
        add_message(ask, "user", std::string(view(prompt->get_string())));
    } else if (prompt && prompt->is_array()) {
        for (const json::value& one : prompt->get_array())
            add_message(ask, "user", content_text(one));
    } else {
        return missing("prompt");
    }
    return read_integer(body, "max_tokens", 0, &ask->max_tokens);
}

MaybeProblem read_response(const json::object& body, Ask* ask) {
    const json::value* input = body.if_contains("input");
    if (!input) return missing("input");
    if (const json::value* instructions = body.if_contains("instructions");
        instructions && instructions->is_string()) {
        add_message(ask, "system", std::string(view(instructions->get_string())));
    }
    if (input->is_string()) {
        add_message(ask, "user", std::string(view(input->get_string())));
    } else if (!input->is_array()) {
        return wrong_type("input", "a string or an array of items");
    } else if (auto problem = read_messages(input->get_array(), "input", ask)) {
        return problem;
    }
    if (const json::value* store = body.if_contains("store"); store && store->is_bool())
        ask->store = store->get_bool();
    if (const json::value* include = body.if_contains("include"); include && include->is_array()) {
        const json::array& parts = include->get_array();
        ask->encrypts_reasoning =
            std::find(parts.begin(), parts.end(), json::value("reasoning.encrypted_content")) != parts.end();
    }
    if (const json::value* id = body.if_contains("previous_response_id"); id && id->is_string()) {
        ask->previous_response_id = view(id->get_string());
    }
    return read_integer(body, "max_output_tokens", 16, &ask->max_tokens);
}

void add_input(Ask* ask, std::string text, std::int64_t tokens) {
    ask->prompt += text;
    ask->inputs.push_back(std::move(text));
    ask->input_tokens.push_back(tokens);
}

std::int64_t text_tokens(std::string_view text) {
    return (count_characters(text) + 3) / 4;
}

MaybeProblem read_embedding(const json::object& body, Ask* ask) {
    const json::value* input = body.if_contains("input");
    if (!input) return missing("input");
    if (const auto* text = input->if_string()) {
        add_input(ask, std::string(view(*text)), text_tokens(view(*text)));
    } else if (const auto* many = input->if_array(); many && !many->empty()) {
        if (many->front().is_number()) {
            add_input(ask, json::serialize(*many), static_cast<std::int64_t>(many->size()));
        } else {
            for (const json::value& one : *many) {
                const auto* list = one.if_array();
                if (!list && !one.is_string())
                    return wrong_type("input", "a string, an array of strings or of token arrays");
                std::string item = list ? json::serialize(*list) : std::string(view(one.get_string()));
                const std::int64_t tokens =
                    list ? static_cast<std::int64_t>(list->size()) : text_tokens(item);
                add_input(ask, std::move(item), tokens);
            }
        }
    } else {
        return wrong_type("input", "a non-empty string, an array of strings or of token arrays");
    }
    if (ask->inputs.size() > embedding_inputs_max) {
        return invalid_request(
            fmt::format(
                "Invalid 'input': array too long. Expected an array with maximum length {}, but got an "
                "array with length {} instead.",
                embedding_inputs_max, ask->inputs.size()),
            "input", "array_above_max_length");
    }
    const json::value* format = body.if_contains("encoding_format");
    ask->base64 = format && format->is_string() && format->get_string() == "base64";
    std::optional<std::int64_t> dimensions;
    if (auto problem = read_integer(body, "dimensions", 1, &dimensions)) return problem;
    ask->dimensions = dimensions.value_or(0);
    return std::nullopt;
}

MaybeProblem read_by_operation(const json::object& body, Ask* ask) {
    switch (ask->operation) {
        case Operation::chat: return read_chat(body, ask);
        case Operation::completions: return read_completion(body, ask);
        case Operation::embeddings: return read_embedding(body, ask);
        default: return read_response(body, ask);
    }
}

MaybeProblem read_shared(const json::object& body, Ask* ask) {
    if (const json::value* model = body.if_contains("model"); model && model->is_string())
        ask->model = view(model->get_string());
    ask->stream = is_true(body, "stream");
    const json::value* options = body.if_contains("stream_options");
    ask->has_stream_options = options != nullptr;
    if (options && options->is_object()) {
        ask->include_usage = is_true(options->get_object(), "include_usage");
    }
    std::optional<std::int64_t> choices;
    std::optional<std::int64_t> seed;
    if (auto problem = read_integer(body, "n", 1, &choices)) return problem;
    if (auto problem = read_integer(body, "seed", INT64_MIN, &seed)) return problem;
    ask->choices = std::min<std::int64_t>(choices.value_or(1), 128);
    ask->seed = static_cast<std::uint64_t>(seed.value_or(0));
    return read_tools(body, ask);
}

} // namespace

std::string_view to_string(Operation operation) {
    switch (operation) {
        case Operation::chat: return "chat";
        case Operation::completions: return "completions";
        case Operation::responses: return "responses";
        case Operation::embeddings: return "embeddings";
        case Operation::audio: return "audio";
        case Operation::files: return "files";
        case Operation::models: return "models";
        case Operation::objects: return "objects";
        case Operation::stored_responses: return "stored_responses";
        case Operation::realtime: return "realtime";
        case Operation::responses_socket: return "responses_socket";
        case Operation::unknown: break;
    }
    return "unknown";
}

std::int64_t Ask::prompt_tokens_estimate() const {
    if (operation != Operation::embeddings) return (prompt_characters + 3) / 4;
    std::int64_t sum = 0;
    for (const std::int64_t tokens : input_tokens)
        sum += tokens;
    return sum;
}

std::int64_t Ask::prompt_tokens_billed() const {
    if (operation == Operation::embeddings) return prompt_tokens_estimate();
    // 4.4 characters per token and the three or four tokens that frame every message.
    return prompt_characters * 5 / 22 + 4 * messages + 3;
}

AskOrProblem read_ask(Operation operation, std::string_view body, std::int64_t context_tokens) {
    boost::system::error_code error;
    const json::value document = json::parse(body, error);
    if (error || !document.is_object()) return {std::nullopt, unreadable_json()};
    Ask ask;
    ask.operation = operation;
    if (auto problem = read_shared(document.get_object(), &ask)) return {std::nullopt, std::move(problem)};
    if (auto problem = read_by_operation(document.get_object(), &ask))
        return {std::nullopt, std::move(problem)};
    ask.marks = find_marks(ask.prompt);
    if (ask.marks.content_filter) return {std::nullopt, content_filtered()};
    const std::int64_t prompt = ask.prompt_tokens_billed();
    const std::int64_t output = ask.operation == Operation::embeddings ? 0 : ask.max_tokens.value_or(0);
    if (ask.marks.context_length || prompt + output > context_tokens) {
        return {std::nullopt,
                context_exceeded(context_tokens, ask.marks.context_length ? context_tokens + prompt : prompt,
                                 output, operation == Operation::chat ? "messages" : "input")};
    }
    return {std::move(ask), std::nullopt};
}

} // namespace headroom::mock
