// Every row of the table of settings, through every source it can come from; and the documentation of them.
#include "core/config/settings.hpp"

#include "core/config/settings_table.hpp"
#include "core/config/text.hpp"
#include "tests/core/config/loading.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace headroom::core {
namespace {

using testing::Loading;
using testing::Variables;

const Variables one_backend{{"BACKEND_1_URL", "https://openai0.openai.azure.com"}, {"BACKEND_1_APIKEY", "k"}};

/// Examples that stand for files, variables or other settings, which are not there in these tests.
bool needs_more(std::string_view key) {
    const std::set<std::string_view> keys{
        "tls.certificate_file",   "tls.key_file", "tls.ca_file", "api_key_env", "api_key_file", "auth",
        "only_listed_deployments"};
    return keys.contains(key);
}

/// "a.b: x" as nested mappings, each line behind `indent`.
std::string nested(std::string_view key, std::string_view value, std::string indent) {
    std::string yaml;
    for (auto dot = key.find('.'); dot != std::string_view::npos; dot = key.find('.')) {
        yaml += indent + std::string{key.substr(0, dot)} + ":\n";
        key.remove_prefix(dot + 1);
        indent += "  ";
    }
    return yaml + indent + std::string{key} + ": \"" + std::string{value} + "\"\n";
}

template <typename Row>
std::string expected_show(const Row& row) {
    return row.secret ? "set (" + std::to_string(row.example.size()) + " characters)"
                      : std::string{row.example};
}

class EverySetting : public Loading {
  protected:
    void expect_main(const MainSetting& row, const Loaded& loaded, std::string_view source) {
        if (!needs_more(row.key)) EXPECT_THAT(mistakes(loaded), ::testing::IsEmpty());
        EXPECT_EQ(row.show(loaded.config), expected_show(row));
        const auto origin = loaded.origins.find(std::string{row.key});
        ASSERT_NE(origin, loaded.origins.end());
        EXPECT_THAT(origin->second, ::testing::EndsWith(source));
    }
};

TEST_F(EverySetting, HasATellingRow) {
    std::set<std::string_view> seen;
    const auto check = [&](const auto& row) {
        SCOPED_TRACE(row.key);
        EXPECT_TRUE(seen.insert(row.key).second);
        EXPECT_FALSE(row.unit.empty());
        EXPECT_FALSE(row.meaning.empty());
        EXPECT_FALSE(row.example.empty());
        EXPECT_NE(row.read, nullptr);
        EXPECT_NE(row.show, nullptr);
    };
    std::set<std::string_view> variables;
    const Config defaults;
    for (const auto& row : main_settings()) {
        check(row);
        EXPECT_NE(row.show(defaults), row.example) << row.key;
        EXPECT_TRUE(variables.insert(row.env).second) << row.key;
        // The variable follows from the key, so that nobody has to look it up.
        auto name = "HEADROOM_" + uppered(row.key);
        std::replace(name.begin(), name.end(), '.', '_');
        EXPECT_EQ(row.env, name);
    }
    seen.clear();
    for (const auto& row : backend_settings())
        check(row);
    seen.clear();
    for (const auto& row : deployment_settings())
        check(row);
}

TEST_F(EverySetting, ComesFromTheFile) {
    for (const auto& row : main_settings()) {
        SCOPED_TRACE(row.key);
        const auto yaml = nested(row.key, row.example, "");
        const auto line = std::count(yaml.begin(), yaml.end(), '\n');
        const auto column = yaml.find(": \"", yaml.rfind('\n', yaml.size() - 2) + 1) -
                            (line == 1 ? 0 : yaml.rfind('\n', yaml.size() - 2) + 1) + 3;
        expect_main(row, load(yaml, one_backend),
                    "headroom.yaml:" + std::to_string(line) + ":" + std::to_string(column));
    }
}

TEST_F(EverySetting, ComesFromItsVariables) {
    for (const auto& row : main_settings()) {
        for (const auto name : {row.env, row.env_also}) {
            if (name.empty() || name == "PORT") continue;
            SCOPED_TRACE(name);
            auto variables = one_backend;
            variables.emplace_back(name, "  " + std::string{row.example} + "\n");
            expect_main(row, load_environment(variables), name);
        }
    }
}

TEST_F(EverySetting, ComesFromItsFlag) {
    int flags = 0;
    for (const auto& row : main_settings()) {
        if (row.flag.empty()) continue;
        SCOPED_TRACE(row.flag);
        ++flags;
        const std::string flag{row.flag};
        const std::string value{row.example};
        expect_main(row, load_environment(one_backend, {flag.c_str(), value.c_str()}), row.flag);
        const auto joined = flag + "=" + value;
        expect_main(row, load_environment(one_backend, {joined.c_str()}), row.flag);
    }
    EXPECT_EQ(flags, 6);
}

TEST_F(EverySetting, PrefersFlagsOverVariablesOverTheFile) {
    auto variables = one_backend;
    const char* yaml = "workers: 2\nio: epoll\nlog: {level: debug}\n";
    variables.emplace_back("HEADROOM_WORKERS", "3");
    variables.emplace_back("HEADROOM_LOG_LEVEL", "error");
    const auto loaded = load(yaml, variables, {"--workers", "4"});
    EXPECT_EQ(loaded.config.workers, 4U);
    EXPECT_EQ(loaded.config.log.level, LogLevel::error);
    EXPECT_EQ(loaded.config.io, IoMode::epoll);
    EXPECT_EQ(loaded.origins.at("workers"), "--workers");
    EXPECT_EQ(loaded.origins.at("log.level"), "HEADROOM_LOG_LEVEL");
}

TEST_F(EverySetting, OfABackendComesFromTheFile) {
    for (const auto& row : backend_settings()) {
        SCOPED_TRACE(row.key);
        std::string yaml = "backends:\n  - weight: 1\n";
        if (row.key == "weight") yaml = "backends:\n  - tpm: 1\n";
        if (row.key != "url") yaml += "    url: https://openai0.openai.azure.com\n";
        if (row.key == "only_listed_deployments") yaml += "    deployments: [gpt-4o]\n";
        const auto loaded = load(yaml + nested(row.key, row.example, "    "), {{"EASTUS_KEY", "0123456789"}});
        if (!needs_more(row.key)) EXPECT_THAT(mistakes(loaded), ::testing::IsEmpty());
        ASSERT_EQ(loaded.config.backends.size(), 1U);
        if (row.key == "api_key_env") {
            EXPECT_EQ(row.show(loaded.config.backends[0]), "set (10 characters)");
        } else if (row.key != "api_key_file") {
            EXPECT_EQ(row.show(loaded.config.backends[0]), expected_show(row));
        }
    }
}

TEST_F(EverySetting, OfABackendComesFromItsVariable) {
    int rows = 0;
    for (const auto& row : backend_settings()) {
        if (row.env.empty() || row.key == "api_key_file") continue;
        SCOPED_TRACE(row.env);
        ++rows;
        Variables variables;
        if (row.key != "url") variables.emplace_back("BACKEND_EU_URL", "https://openai0.openai.azure.com");
        if (row.key == "only_listed_deployments") variables.emplace_back("BACKEND_EU_DEPLOYMENTS", "gpt-4o");
        // Names of variables are not case sensitive, as in the ancestor.
        variables.emplace_back("Backend_eu_" + lowered(row.env), " " + std::string{row.example} + " ");
        const auto loaded = load_environment(variables);
        if (!needs_more(row.key)) EXPECT_THAT(mistakes(loaded), ::testing::IsEmpty());
        ASSERT_EQ(loaded.config.backends.size(), 1U);
        EXPECT_EQ(loaded.config.backends[0].name, "eu");
        EXPECT_EQ(row.show(loaded.config.backends[0]), expected_show(row));
    }
    EXPECT_EQ(rows, 17);
}

TEST_F(EverySetting, OfADeploymentComesFromTheFile) {
    for (const auto& row : deployment_settings()) {
        SCOPED_TRACE(row.key);
        const auto loaded =
            load("backends:\n  - url: https://openai0.openai.azure.com\n    deployments:\n      gpt-4o:\n" +
                 nested(row.key, row.example, "        "));
        EXPECT_THAT(mistakes(loaded), ::testing::IsEmpty());
        const auto* deployment = loaded.config.backends.at(0).find_deployment("gpt-4o");
        ASSERT_NE(deployment, nullptr);
        EXPECT_EQ(row.show(*deployment), row.example);
    }
}

/// The part of docs/configuration.md that is the table.
std::string documented_table(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::stringstream bytes;
    bytes << in.rdbuf();
    const auto text = bytes.str();
    constexpr std::string_view begin = "<!-- settings: begin -->\n";
    const auto from = text.find(begin);
    const auto to = text.find("<!-- settings: end -->");
    if (from == std::string::npos || to == std::string::npos) return {};
    return text.substr(from + begin.size(), to - from - begin.size());
}

TEST_F(EverySetting, IsInTheDocumentationAsInTheCode) {
    const auto file = testing::source_folder() / "docs/configuration.md";
    EXPECT_EQ(documented_table(file), settings_markdown())
        << "put the right-hand text between the marks of docs/configuration.md";
}

TEST_F(EverySetting, IsListedByHelp) {
    const auto text = settings_text();
    for (const auto& row : main_settings()) {
        EXPECT_NE(text.find("\n" + std::string{row.key} + "\n"), std::string::npos) << row.key;
        EXPECT_NE(text.find(row.env), std::string::npos) << row.env;
    }
    for (const auto& row : backend_settings())
        EXPECT_NE(text.find("\n" + std::string{row.key} + "\n"), std::string::npos) << row.key;
}

} // namespace
} // namespace headroom::core
