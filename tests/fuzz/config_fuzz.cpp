// Feeds bytes to the configuration: first line the command line, second the environment, the rest the YAML
// file. Nothing may crash, throw or take long; what is accepted must explain itself, and its values must read
// back.
#include "core/check.hpp"
#include "core/check_json.hpp"
#include "core/config/from_file.hpp"
#include "core/config/resolve.hpp"
#include "core/config/source.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {
namespace {

std::string_view take_until(std::string_view& rest, char end) {
    const auto at = rest.find(end);
    const auto taken = rest.substr(0, at);
    rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
    return taken;
}

Options options_from(std::string_view line) {
    std::vector<std::string> words;
    while (!line.empty())
        words.emplace_back(take_until(line, '\t'));
    std::vector<const char*> arguments;
    for (const auto& word : words)
        arguments.push_back(word.c_str());
    auto parsed = parse_options(arguments);
    if (parsed.ok() == !parsed.error.empty()) std::abort();
    // Files of the machine are no input of this test.
    parsed.options.config_file.clear();
    return parsed.ok() ? std::move(parsed.options) : Options{};
}

Environment environment_from(std::string_view line) {
    std::vector<Environment::Variable> variables;
    while (!line.empty()) {
        auto entry = take_until(line, '\t');
        const auto name = take_until(entry, '=');
        if (name != "HEADROOM_CONFIG") variables.emplace_back(name, entry);
    }
    return Environment{std::move(variables)};
}

void read_yaml(std::string_view yaml, const Environment& environment) {
    ConfigDraft draft;
    Findings findings;
    Reading reading{.draft = draft, .environment = environment, .findings = findings, .folder = {}};
    read_config_text(yaml, "fuzz.yaml", reading);
    resolve(draft, findings);
    findings.sort_by_line("fuzz.yaml");
    for (const auto& finding : findings.all()) {
        // One line each, however odd the file is.
        if (to_string(finding).find('\n') != std::string::npos) std::abort();
    }
}

void run(std::string_view bytes) {
    const auto options = options_from(take_until(bytes, '\n'));
    const auto environment = environment_from(take_until(bytes, '\n'));
    const auto loaded = load_config(options, environment);
    std::ostringstream text;
    print_findings(loaded.findings, text);
    if (loaded.ok()) print_explanation(loaded, text);
    if (check_json(loaded).find('\n') != std::string::npos) std::abort();
    read_yaml(bytes, environment);
}

} // namespace
} // namespace headroom::core

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    headroom::core::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
