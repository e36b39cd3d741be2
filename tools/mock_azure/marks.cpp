// Scans for [[name]] and [[name=value]].
#include "tools/mock_azure/marks.hpp"

#include <charconv>

namespace headroom::mock {

namespace {

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

void apply(Marks* marks, std::string_view name, std::string_view value) {
    if (name == "content_filter") marks->content_filter = true;
    if (name == "context_length") marks->context_length = true;
    if (name == "filter_output") marks->filter_output = true;
    if (name == "echo") marks->echo = true;
    if (name == "tokens") marks->output_tokens = number(value);
    if (name == "ttft") marks->ttft_ms = number(value);
    if (name == "token_ms") marks->token_ms = number(value);
}

} // namespace

Marks find_marks(std::string_view prompt) {
    Marks marks;
    for (std::size_t at = prompt.find("[["); at != std::string_view::npos; at = prompt.find("[[", at + 2)) {
        const std::size_t end = prompt.find("]]", at);
        if (end == std::string_view::npos) break;
        const std::string_view inside = prompt.substr(at + 2, end - at - 2);
        const std::size_t equals = inside.find('=');
        apply(&marks, inside.substr(0, equals),
              equals == std::string_view::npos ? std::string_view{} : inside.substr(equals + 1));
    }
    return marks;
}

} // namespace headroom::mock
