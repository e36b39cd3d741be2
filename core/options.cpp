// Reading the command line. The flags that set a setting come from the table of settings, so they cannot
// disagree.
#include "core/options.hpp"

#include "core/config/settings.hpp"
#include "core/config/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace headroom::core {
namespace {

constexpr std::array<std::pair<std::string_view, Command>, 6> commands{{{"serve", Command::serve},
                                                                        {"check", Command::check},
                                                                        {"tokens", Command::tokens},
                                                                        {"replay", Command::replay},
                                                                        {"help", Command::help},
                                                                        {"version", Command::version}}};

constexpr std::string_view hint = " (headroom --help shows what there is)";

class Parser {
  public:
    explicit Parser(std::span<const char* const> arguments) : arguments_(arguments) {}

    Parsed parse() {
        while (result_.ok() && next_ < arguments_.size()) {
            const std::string_view argument{arguments_[next_++]};
            // Help and version win over whatever else is there, mistakes after them included.
            if (argument == "--help" || argument == "-h") return only(Command::help);
            if (argument == "--version" || argument == "-V") return only(Command::version);
            if (argument.starts_with('-') && argument.size() > 1) {
                take_flag(argument);
            } else {
                take_word(argument);
            }
        }
        if (result_.ok()) check_together();
        return std::move(result_);
    }

  private:
    static Parsed only(Command command) {
        Parsed parsed;
        parsed.options.command = command;
        return parsed;
    }

    /// What each command needs and may not have.
    void check_together() {
        const Options& options = result_.options;
        const bool counts = options.command == Command::tokens;
        if (options.json && options.command != Command::check && !counts) {
            fail(
                "--json belongs to headroom check and headroom tokens; for log lines in JSON use --log json");
        } else if (!options.model.empty() && !counts) {
            fail("--model belongs to headroom tokens");
        } else if (options.command == Command::replay && options.file.empty()) {
            fail("headroom replay needs a file, or - for standard input, with what /why/<request-id> gave");
        } else if (options.command == Command::replay &&
                   (!options.flags.empty() || !options.config_file.empty())) {
            fail("headroom replay reads no configuration: it takes a file");
        } else if (counts && options.file.empty()) {
            fail(
                "headroom tokens needs a file, or - for standard input, such as headroom tokens "
                "request.json");
        } else if (counts && (!options.flags.empty() || !options.config_file.empty())) {
            fail("headroom tokens reads no configuration: it takes --model, --json and a file");
        }
    }

    void fail(std::string error) { result_.error = std::move(error); }

    void take_word(std::string_view word) {
        if (has_command_) {
            const bool reads =
                result_.options.command == Command::tokens || result_.options.command == Command::replay;
            if (reads && result_.options.file.empty()) {
                result_.options.file = word;
                return;
            }
            if (result_.options.command == Command::help && word == "settings") {
                result_.options.command = Command::settings;
            } else {
                fail(fmt::format("unexpected argument {}{}", in_ticks(word), hint));
            }
            return;
        }
        for (const auto& [name, command] : commands) {
            if (word != name) continue;
            result_.options.command = command;
            has_command_ = true;
            return;
        }
        if (word.ends_with(".yaml") || word.ends_with(".yml")) {
            fail(fmt::format("unexpected argument {}; did you mean `--config {}`?", in_ticks(word), word));
            return;
        }
        constexpr std::array<std::string_view, 6> names{"serve",  "check", "tokens",
                                                        "replay", "help",  "version"};
        fail(fmt::format("unknown command {}{}{}", in_ticks(word), suggestion(word, names), hint));
    }

    void take_flag(std::string_view argument) {
        const auto equals = argument.find('=');
        const auto name = argument.substr(0, equals);
        inline_value_.reset();
        if (equals != std::string_view::npos) inline_value_ = argument.substr(equals + 1);
        if (name == "--json") {
            if (inline_value_) fail("--json takes no value");
            result_.options.json = true;
        } else if (name == "--model") {
            if (const auto value = take_value("--model", "gpt-4o")) result_.options.model = *value;
        } else if (name == "--config" || name == "-c") {
            take_config();
        } else if (const auto* row = setting_of(name)) {
            take_setting(*row);
        } else {
            fail(fmt::format("unknown option {}{}{}", in_ticks(name), suggestion(name, flag_names()), hint));
        }
    }

    void take_config() {
        const auto value = take_value("--config", "headroom.yaml");
        if (!value) return;
        if (!result_.options.config_file.empty()) {
            fail("--config is given twice");
        } else {
            result_.options.config_file = *value;
        }
    }

    void take_setting(const MainSetting& row) {
        const auto value = take_value(row.flag, row.example);
        if (!value) return;
        auto& flags = result_.options.flags;
        const bool before = std::ranges::any_of(flags, [&](const auto& flag) { return flag.key == row.key; });
        if (before && !row.list) {
            fail(fmt::format("{} is given twice", row.flag));
        } else {
            flags.push_back({row.key, row.flag, std::string{*value}});
        }
    }

    std::optional<std::string_view> take_value(std::string_view flag, std::string_view example) {
        std::optional<std::string_view> value = inline_value_;
        if (!value && next_ < arguments_.size() && !std::string_view{arguments_[next_]}.starts_with("--")) {
            value = arguments_[next_++];
        }
        if (!value || value->empty()) {
            fail(fmt::format("{} needs a value, such as {} {}", flag, flag, example));
            return std::nullopt;
        }
        return value;
    }

    static const MainSetting* setting_of(std::string_view flag) {
        for (const auto& row : main_settings()) {
            if (!row.flag.empty() && row.flag == flag) return &row;
        }
        return nullptr;
    }

    static std::vector<std::string_view> flag_names() {
        std::vector<std::string_view> names{"--config", "--json", "--model", "--help", "--version"};
        for (const auto& row : main_settings()) {
            if (!row.flag.empty()) names.push_back(row.flag);
        }
        return names;
    }

    std::span<const char* const> arguments_;
    std::size_t next_ = 0;
    bool has_command_ = false;
    std::optional<std::string_view> inline_value_;
    Parsed result_;
};

constexpr std::string_view help_head =
    R"(headroom: one URL in front of several LLM backends; every request goes to the one that has the headroom for it

Usage:
  headroom [serve] [options]     serve clients until SIGTERM
  headroom check [options]       say what is wrong with the configuration, or explain what it means
  headroom tokens [--model M] FILE|-  count the tokens of a text or a request body, part by part
  headroom replay FILE|-         run decisions that /why/<request-id> told of again, and compare
  headroom help settings         list every setting with its variable, flag, default and meaning

Options:
)";

constexpr std::string_view help_tail = R"(
Every other setting is given in the file or in the environment; options win over variables, variables over the file.

Examples:
  Two Azure OpenAI resources, without a file:
    BACKEND_1_URL=https://openai1.openai.azure.com BACKEND_1_APIKEY=... BACKEND_1_TPM=30K \
    BACKEND_2_URL=https://openai2.openai.azure.com BACKEND_2_APIKEY=... BACKEND_2_TPM=30K headroom

  The same from a file, after a look at what it means:
    headroom check --config headroom.yaml
    headroom --config headroom.yaml

  On another port, with log lines for machines:
    headroom --config headroom.yaml --listen 127.0.0.1:8000 --log json

Clients then use http://<host>:8080 in place of the backend's URL, with or without /openai/v1 or /v1.
Exit status: 0 after an orderly end, 2 when the command line or the configuration has a mistake.
)";

} // namespace

Parsed parse_options(std::span<const char* const> arguments) {
    return Parser{arguments}.parse();
}

std::string help_text() {
    std::string text{help_head};
    const auto line = [&](const std::string& flag, std::string_view meaning) {
        text += fmt::format("  {:<24} {}\n", flag, meaning);
    };
    line("-c, --config FILE", "Configuration file (YAML); else HEADROOM_CONFIG, else none is needed");
    const Config defaults;
    for (const auto& row : main_settings()) {
        if (row.flag.empty()) continue;
        const auto value = row.list || row.unit == "address:port" ? "ADDRESS:PORT"
                           : row.unit.starts_with("number")       ? "N"
                                                                  : "WORD";
        line(fmt::format("{} {}", row.flag, value), fmt::format("{}", row.meaning));
        const auto choices =
            std::string_view{value} == "WORD" ? fmt::format("{}; ", row.unit) : std::string{};
        line("", fmt::format("  {}default {}{}", choices, row.show(defaults),
                             row.list ? "; may be given several times" : ""));
    }
    line("--json", "With check and tokens: the result as one JSON object");
    line("--model M",
         "With tokens: the model whose encoding and rules count; else the body's, else gpt-4o's");
    line("-h, --help", "This text");
    line("-V, --version", "The version");
    return text.append(help_tail);
}

} // namespace headroom::core
