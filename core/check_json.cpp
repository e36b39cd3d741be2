// Writing the result of a check as JSON. Every value is a text spelt as in the configuration file.
#include "core/check_json.hpp"

#include "core/config/settings.hpp"

#include <fmt/core.h>

#include <string_view>

namespace headroom::core {
namespace {

/// RFC 8259 §7; bytes beyond ASCII are escaped as Latin-1, so that the result is valid whatever a file name
/// holds.
std::string json_text(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            result += '\\';
            result += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            result += fmt::format("\\u{:04x}", byte);
        } else {
            result += c;
        }
    }
    return result + '"';
}

std::string member(std::string_view key, std::string_view value) {
    return json_text(key) + ':' + json_text(value);
}

template <typename Row, typename Shown>
std::string object(std::span<const Row> rows, const Shown& shown) {
    std::string text;
    for (const auto& row : rows)
        text += (text.empty() ? "" : ",") + member(row.key, row.show(shown));
    return '{' + text + '}';
}

} // namespace

std::string check_json(const Loaded& loaded) {
    std::string findings;
    for (const auto& finding : loaded.findings.all()) {
        findings +=
            fmt::format("{}{{{},{},{}}}", findings.empty() ? "" : ",",
                        member("kind", finding.kind == Finding::Kind::mistake ? "mistake" : "warning"),
                        member("source", finding.source), member("text", finding.text));
    }
    std::string text = fmt::format("{{\"ok\":{},{},\"findings\":[{}]", loaded.ok(),
                                   member("config_file", loaded.config_file), findings);
    if (loaded.ok()) {
        std::string backends;
        for (const auto& backend : loaded.config.backends)
            backends += (backends.empty() ? "" : ",") + object(backend_settings(), backend);
        text += fmt::format(",\"settings\":{},\"backends\":[{}]", object(main_settings(), loaded.config),
                            backends);
    }
    return text + '}';
}

} // namespace headroom::core
