// Bodies are built by hand: they are small, and their only variable parts are escaped here.
#include "balance/exhausted.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace headroom::balance {
namespace {

void append_escaped(std::string& out, std::string_view text) {
    static constexpr std::string_view hex = "0123456789abcdef";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            out += "\\u00";
            out += hex[byte >> 4];
            out += hex[byte & 15];
        } else {
            out += c;
        }
    }
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
    out += '"';
    out += key;
    out += "\":\"";
    append_escaped(out, value);
    out += '"';
}

std::string code_text(int status, std::string_view code) {
    return code.empty() ? std::to_string(status) : std::string(code);
}

// SDKs read code and message from "error"; the Responses API's own error event has them beside "type".
std::string error_object(int status, std::string_view code, std::string_view message) {
    std::string out = "{";
    append_member(out, "code", code_text(status, code));
    out += ',';
    append_member(out, "message", message);
    out += '}';
    return out;
}

} // namespace

std::string exhausted_body(Duration retry_after) {
    const auto seconds =
        std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(retry_after).count());
    const std::string message =
        "Requests to this deployment have exceeded the rate limit of every backend that serves it. "
        "Please retry after " +
        std::to_string(seconds) + (seconds == 1 ? " second." : " seconds.");
    return error_body(429, "429", message);
}

std::string error_body(int status, std::string_view code, std::string_view message) {
    return "{\"error\":" + error_object(status, code, message) + "}";
}

std::string error_event(int status, std::string_view code, std::string_view message) {
    std::string out = "event: error\ndata: {\"type\":\"error\",";
    append_member(out, "code", code_text(status, code));
    out += ',';
    append_member(out, "message", message);
    out += ",\"param\":null,\"error\":" + error_object(status, code, message) + "}\n\n";
    return out;
}

std::string_view default_code(int status) noexcept {
    switch (status) {
        case 400: return "BadRequest";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "NotFound";
        case 405: return "MethodNotAllowed";
        case 408: return "RequestTimeout";
        case 413: return "RequestEntityTooLarge";
        case 417: return "ExpectationFailed";
        case 429: return "429";
        case 431: return "RequestHeaderFieldsTooLarge";
        case 500: return "InternalServerError";
        case 501: return "NotImplemented";
        case 502: return "BadGateway";
        case 503: return "ServiceUnavailable";
        case 504: return "GatewayTimeout";
        case 505: return "HttpVersionNotSupported";
        default: return {};
    }
}

} // namespace headroom::balance
