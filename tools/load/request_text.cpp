// Made-up prompts are words and not one letter again and again: what counts tokens must have tokens to count.
#include "tools/load/request_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

namespace headroom::load {
namespace {

constexpr std::string_view prose =
    "The harbour was quiet in the early morning, and the boats lay still beside the wooden piers. A "
    "fisherman mended his "
    "nets while two gulls argued over a scrap of bread. Beyond the breakwater the sea was grey, with a thin "
    "line of light "
    "where the sun would rise. Nobody hurried. The baker opened his shutters, the ferry sounded its horn, "
    "and the town "
    "began, slowly, to talk about the weather, the price of diesel, and the visitors who would come with the "
    "summer. ";

bool has_field(const Options& options, std::string_view lower_case_name) {
    return std::any_of(
        options.headers.begin(), options.headers.end(), [lower_case_name](std::string_view header) {
            const std::string_view name = header.substr(0, header.find(':'));
            return name.size() == lower_case_name.size() &&
                   std::equal(name.begin(), name.end(), lower_case_name.begin(), [](char a, char b) {
                       return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b;
                   });
        });
}

} // namespace

std::string chat_body(std::size_t bytes, bool stream) {
    const std::string before =
        R"({"model":"gpt-4o","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":")";
    const std::string after =
        stream ? R"("}],"max_tokens":100,"stream":true,"stream_options":{"include_usage":true}})"
               : R"("}],"max_tokens":100})";
    const std::size_t frame = before.size() + after.size();
    if (bytes < frame + 1) throw OptionError(fmt::format("--body-bytes must be at least {}", frame + 1));
    std::string body = before;
    body.reserve(bytes);
    while (body.size() < bytes - after.size()) {
        body += prose.substr(0, std::min(prose.size(), bytes - after.size() - body.size()));
    }
    return body + after;
}

std::string method_of(const Options& options) {
    if (!options.method.empty()) return options.method;
    return options.body.empty() && options.generated_body_bytes == 0 ? "GET" : "POST";
}

std::string request_text(const Options& options) {
    const std::string body = options.generated_body_bytes != 0
                                 ? chat_body(options.generated_body_bytes, options.stream)
                                 : options.body;
    return message_text(options, method_of(options), body);
}

std::string message_text(const Options& options, std::string_view method, std::string_view body,
                         std::string_view fields) {
    std::string text = fmt::format("{} {} HTTP/1.1\r\n", method, options.target.path);
    if (!has_field(options, "host")) text += fmt::format("Host: {}\r\n", options.target.authority);
    if (!has_field(options, "user-agent")) text += "User-Agent: headroom-load\r\n";
    if (!body.empty() && !has_field(options, "content-type")) text += "Content-Type: application/json\r\n";
    for (const std::string& header : options.headers)
        text += header + "\r\n";
    text += fields;
    if (!body.empty() || method == "POST") text += fmt::format("Content-Length: {}\r\n", body.size());
    text += "\r\n";
    return text.append(body);
}

} // namespace headroom::load
