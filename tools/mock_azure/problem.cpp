// Error bodies, word for word where the words are known.
#include "tools/mock_azure/problem.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace headroom::mock {

namespace json = boost::json;

namespace {

json::value text_or_null(std::string_view text) {
    if (text.empty()) return nullptr;
    return json::string(text);
}

} // namespace

Problem invalid_request(std::string_view message, std::string_view param, std::string_view code) {
    json::object error{{"message", message}, {"type", "invalid_request_error"}};
    error["param"] = text_or_null(param);
    error["code"] = text_or_null(code);
    return {400, json::serialize(json::object{{"error", std::move(error)}})};
}

Problem gateway_problem(int status, std::string_view code, std::string_view message) {
    return {status,
            json::serialize(json::object{{"error", json::object{{"code", code}, {"message", message}}}})};
}

Problem unreadable_json() {
    return invalid_request(
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your "
        "HTTP library "
        "correctly. The Azure OpenAI API expects a JSON payload, but what was sent was not valid JSON. If "
        "you have trouble "
        "figuring out how to fix this, please contact support.)",
        "", "");
}

Problem missing_key() {
    return gateway_problem(
        401, "401",
        "Access denied due to missing subscription key. Make sure to provide a valid key for an active "
        "subscription in the api-key header or a bearer token in the Authorization header.");
}

Problem wrong_key() {
    return gateway_problem(
        401, "401",
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a "
        "valid key for an active subscription and use a correct regional API endpoint for your resource.");
}

Problem resource_not_found() {
    return gateway_problem(404, "404", "Resource not found");
}

Problem deployment_not_found() {
    return gateway_problem(
        404, "DeploymentNotFound",
        "The API deployment for this resource does not exist. If you created the deployment within the "
        "last 5 minutes, please wait a moment and try again.");
}

Problem unknown_argument(std::string_view name) {
    return invalid_request(fmt::format("Unrecognized request argument supplied: {}", name), "", "");
}

Problem operation_not_supported(std::string_view operation, std::string_view model) {
    return gateway_problem(
        400, "OperationNotSupported",
        fmt::format("The {} operation does not work with the specified model, {}. Please choose different "
                    "model and try again. You can learn more about which models can be used with each "
                    "operation here: https://go.microsoft.com/fwlink/?linkid=2197993.",
                    operation, model));
}

Problem content_filtered() {
    return {
        400,
        R"({"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management)"
        R"( policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our)"
        R"( documentation: https://go.microsoft.com/fwlink/?linkid=2198766","type":null,"param":"prompt",)"
        R"("code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation",)"
        R"("content_filter_result":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"filtered":false,)"
        R"("detected":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,)"
        R"("severity":"safe"},"violence":{"filtered":true,"severity":"medium"}}}}})"};
}

Problem context_exceeded(std::int64_t context_tokens, std::int64_t prompt_tokens, std::int64_t output_tokens,
                         std::string_view param) {
    if (output_tokens == 0) {
        return invalid_request(
            fmt::format("This model's maximum context length is {} tokens. However, your messages resulted "
                        "in {} tokens. Please reduce the length of the messages.",
                        context_tokens, prompt_tokens),
            param, "context_length_exceeded");
    }
    return invalid_request(
        fmt::format("This model's maximum context length is {} tokens. However, you requested {} tokens ({} "
                    "in the messages, "
                    "{} in the completion). Please reduce the length of the messages or completion.",
                    context_tokens, prompt_tokens + output_tokens, prompt_tokens, output_tokens),
        param, "context_length_exceeded");
}

Problem response_not_found(std::string_view id) {
    return invalid_request(fmt::format("Previous response with id '{}' not found.", id),
                           "previous_response_id", "previous_response_not_found");
}

Problem rate_limited(const RateWords& words) {
    const std::string_view what = words.tokens ? "token" : "call";
    const std::string_view unit = words.retry_after_s == 1 ? "second" : "seconds";
    if (words.new_words) {
        return gateway_problem(
            429, words.tokens ? "RateLimitReached" : "429",
            fmt::format("Your requests to {} for {} in {} have exceeded the {} rate limit for your current "
                        "AIServices S0 pricing "
                        "tier. This request was for {} under Azure OpenAI API version {}. Please retry after "
                        "{} {}. To increase "
                        "your default rate limit, visit: https://aka.ms/oai/quotaincrease.",
                        words.deployment, words.model, words.region, what, words.operation_name,
                        words.api_version, words.retry_after_s, unit));
    }
    return gateway_problem(
        429, "429",
        fmt::format("Requests to the {} Operation under Azure OpenAI API version {} have exceeded {} rate "
                    "limit of your current "
                    "OpenAI S0 pricing tier. Please retry after {} {}. Please go here: "
                    "https://aka.ms/oai/quotaincrease if you "
                    "would like to further increase the default rate limit.",
                    words.operation_name, words.api_version, what, words.retry_after_s, unit));
}

Problem high_demand() {
    return {
        429,
        R"({"error":{"message":"The system is currently experiencing high demand and cannot process your request. Your )"
        R"(request exceeds the maximum usage size allowed during peak load. For improved capacity reliability, consider )"
        R"(switching to Provisioned Throughput.","type":"too_many_requests","param":null,"code":"too_many_requests"}})"};
}

Problem plain_status(int status) {
    switch (status) {
        case 401:
            return gateway_problem(401, "PermissionDenied",
                                   "Principal does not have access to API/Operation.");
        case 403:
            return gateway_problem(403, "403",
                                   "Access denied due to Virtual Network/Firewall rules. Your resource has "
                                   "been temporarily blocked.");
        case 404: return deployment_not_found();
        case 408: return gateway_problem(408, "Timeout", "The operation was timeout.");
        case 429: return high_demand();
        case 500:
            return {
                500,
                R"({"error":{"message":"The server had an error while processing your request. Sorry about that!",)"
                R"("type":"server_error","param":null,"code":"InternalServerError"}})"};
        case 502:
            return {
                502,
                R"({"error":{"code":"BadGateway","message":"The server returned an invalid or incomplete response."}})"};
        case 503:
            return gateway_problem(
                503, "ServiceUnavailable",
                "The service is temporarily unable to process your request. Please try again later.");
        case 504:
            return gateway_problem(504, "GatewayTimeout", "The request timed out. Please try again later.");
        default: return gateway_problem(status, std::to_string(status), reason_phrase(status));
    }
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 200: return "OK";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 408: return "Request Timeout";
        case 413: return "Content Too Large";
        case 415: return "Unsupported Media Type";
        case 424: return "Failed Dependency";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        default: return "Unknown";
    }
}

} // namespace headroom::mock
