// Two renderings of one table.
#include "core/config/settings_table.hpp"

#include "core/config/settings.hpp"

#include <fmt/core.h>

#include <string_view>

namespace headroom::core {
namespace {

/// A row without its types.
struct Line {
    std::string key;
    std::string env;
    std::string flag;
    std::string fallback;
    std::string_view unit;
    std::string_view meaning;
};

template <typename Row, typename Shown>
Line line_of(const Row& row, std::string_view env_prefix, const Shown& defaults) {
    Line line{.key = std::string{row.key},
              .env = {},
              .flag = std::string{row.flag},
              .fallback = std::string{row.fallback},
              .unit = row.unit,
              .meaning = row.meaning};
    if (!row.env.empty()) line.env = std::string{env_prefix} + std::string{row.env};
    if (!row.env_also.empty()) line.env += ", " + std::string{row.env_also};
    if (line.fallback.empty()) line.fallback = row.show(defaults);
    return line;
}

template <typename Visit>
void for_each_main(const Visit& visit) {
    const Config defaults;
    for (const auto& row : main_settings())
        visit(line_of(row, "", defaults));
}

template <typename Visit>
void for_each_backend(const Visit& visit) {
    const BackendConfig defaults;
    for (const auto& row : backend_settings())
        visit(line_of(row, "BACKEND_X_", defaults));
}

template <typename Visit>
void for_each_deployment(const Visit& visit) {
    const DeploymentConfig defaults;
    for (const auto& row : deployment_settings())
        visit(line_of(row, "", defaults));
}

std::string code(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const auto comma = text.find(", ");
        result += fmt::format("{}`{}`", result.empty() ? "" : ", ", text.substr(0, comma));
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 2);
    }
    return result;
}

std::string markdown_line(const Line& line) {
    return fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", line.key, code(line.env), code(line.flag),
                       line.fallback, line.unit, line.meaning);
}

constexpr std::string_view markdown_head =
    "| Key | Environment | Flag | Default | Value | Meaning |\n|---|---|---|---|---|---|\n";

std::string text_line(const Line& line) {
    std::string text =
        fmt::format("{}\n    {}\n    {}; default {}\n", line.key, line.meaning, line.unit, line.fallback);
    if (!line.env.empty())
        text += fmt::format("    {}{}{}\n", line.env, line.flag.empty() ? "" : ", ", line.flag);
    return text;
}

} // namespace

std::string settings_text() {
    std::string text =
        "Settings by their key in the configuration file (dots are nesting), with variable and flag.\n\n";
    for_each_main([&](const Line& line) { text += text_line(line); });
    text += "\nOf every entry of the list `backends`:\n\n";
    for_each_backend([&](const Line& line) { text += text_line(line); });
    text += "\nOf every entry of a backend's mapping `deployments`, whose keys are what clients ask for:\n\n";
    for_each_deployment([&](const Line& line) { text += text_line(line); });
    return text;
}

std::string settings_markdown() {
    std::string text = fmt::format("### The proxy\n\n{}", markdown_head);
    for_each_main([&](const Line& line) { text += markdown_line(line); });
    text += fmt::format("\n### Each entry of `backends`\n\n{}", markdown_head);
    for_each_backend([&](const Line& line) { text += markdown_line(line); });
    text += fmt::format("\n### Each entry of a backend's `deployments`\n\n{}", markdown_head);
    for_each_deployment([&](const Line& line) { text += markdown_line(line); });
    return text;
}

} // namespace headroom::core
