// `headroom check`: exit codes, the explanation, the JSON form, and that no secret is ever printed.
#include "core/check.hpp"

#include "core/config/document.hpp"
#include "tests/core/config/loading.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace headroom::core {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Checked {
    int code = -1;
    std::string out;
    std::string err;
};

class Check : public testing::Loading {
  protected:
    Checked check(std::string_view yaml, testing::Variables variables = {}, bool json = false) {
        Options options;
        options.json = json;
        if (!yaml.empty()) options.config_file = folder_.write("headroom.yaml", yaml);
        std::ostringstream out;
        std::ostringstream err;
        Checked checked;
        checked.code = run_check(options, Environment{std::move(variables)}, out, err);
        checked.out = out.str();
        checked.err = err.str();
        return checked;
    }
};

TEST_F(Check, ExplainsAConfigurationThatIsFine) {
    const auto checked = check(
        "listen: ['127.0.0.1:8000', '[::1]:8000']\n"
        "workers: 3\n"
        "limits: {memory_bytes_total: 256MiB}\n"
        "backends:\n"
        "  - {name: spare, url: 'https://b.openai.azure.com/openai/v1', priority: 2, auth: none, "
        "tpm: 5}\n"
        "  - name: eastus\n"
        "    url: https://a.openai.azure.com\n"
        "    api_key: 0123456789abcdef0123456789abcdef\n"
        "    tpm: 30K\n"
        "    rpm: 180\n"
        "    deployments: {gpt-4o: {name: gpt-4o-eu, tpm: 1M, rpm: 6}, mini: }\n"
        "    deployment: rest\n"
        "  - {name: third, url: 'http://127.0.0.1:1', priority: 2, auth: passthrough, tpm: 5}\n",
        {{"HTTP_TIMEOUT_SECONDS", "240"}});
    EXPECT_EQ(checked.code, 0);
    EXPECT_EQ(checked.err, "");
    EXPECT_THAT(checked.out, HasSubstr("The configuration is fine: " + folder_.path() +
                                       "/headroom.yaml, the environment and the command line.\n"));
    EXPECT_THAT(checked.out,
                HasSubstr("Clients connect to  http://127.0.0.1:8000\n"
                          "Clients connect to  http://[::1]:8000\n"
                          "Admin               http://127.0.0.1:9090 (/healthz, /readyz, /metrics)\n"
                          "Workers             3\n"
                          "Buffers             at most 256MiB\n"));
    EXPECT_THAT(
        checked.out,
        HasSubstr(
            "  PRIORITY  NAME    URL                                   CREDENTIAL               TPM    RPM\n"
            "  1         eastus  https://a.openai.azure.com            key set (32 characters)  30000  180\n"
            "  2         spare   https://b.openai.azure.com/openai/v1  none                     5      "
            "learnt\n"
            "  2         third   http://127.0.0.1:1                    the client's own         5      "
            "learnt\n"));
    EXPECT_THAT(checked.out,
                HasSubstr("  eastus  classic /openai/deployments/... (2024-10-21)  gpt-4o as gpt-4o-eu "
                          "(1000000 tpm) (6 rpm), mini; others as rest\n"
                          "  spare   v1 /openai/v1/...                             as the client says\n"));
    EXPECT_THAT(checked.out, HasSubstr("up to 3 of 3 backends are tried"));
    EXPECT_THAT(checked.out, HasSubstr("  timeouts.idle              240s                       from "
                                       "HTTP_TIMEOUT_SECONDS\n"));
}

TEST_F(Check, ListsMistakesAndWarningsAndFails) {
    const auto checked = check("workers: x\n", {{"PORT", "y"}, {"BACKEND_1_URL", "https://a.example"}});
    EXPECT_EQ(checked.code, 2);
    EXPECT_EQ(checked.out, "");
    EXPECT_EQ(checked.err,
              folder_.path() +
                  "/headroom.yaml:1:10: mistake: workers: expected a whole number from 1 to 256, "
                  "or auto, found `x`\n"
                  "PORT: mistake: expected a port number, found `y`\n"
                  "BACKEND_1_URL: warning: backend `1` has no key, and there is no managed "
                  "identity here (IDENTITY_ENDPOINT): the client's own credential is passed on. "
                  "Say so with auth passthrough (or none)\n"
                  "headroom: 2 mistakes in the configuration; every setting is explained by "
                  "headroom help settings\n");
}

TEST_F(Check, CountsWhatItDoesNotList) {
    Findings findings;
    for (int i = 0; i < 103; ++i)
        findings.mistake("x", "wrong");
    std::ostringstream err;
    print_findings(findings, err);
    EXPECT_THAT(err.str(), HasSubstr("... and 3 more\nheadroom: 103 mistakes"));
}

/// JSON is YAML, so the reader of the configuration can judge it; `quoted` values stay texts.
Node parse_json(const std::string& json) {
    Findings findings;
    const auto root = parse_document(json, "json", findings);
    EXPECT_TRUE(root) << json;
    EXPECT_EQ(findings.all().size(), 0U);
    return root.value_or(Node{});
}

const Node& member(const Node& node, std::string_view key) {
    for (const auto& child : node.children) {
        if (child.key == key) return child;
    }
    static const Node none;
    ADD_FAILURE() << "no member " << key;
    return none;
}

TEST_F(Check, SpeaksJson) {
    const auto fine =
        check("", {{"BACKEND_1_URL", "https://a.example/v1"}, {"BACKEND_1_APIKEY", "sesame"}}, true);
    EXPECT_EQ(fine.code, 0);
    EXPECT_EQ(fine.err, "");
    const auto root = parse_json(fine.out);
    EXPECT_EQ(member(root, "ok").text, "true");
    EXPECT_TRUE(member(root, "findings").children.empty());
    EXPECT_EQ(member(member(root, "settings"), "listen").text, "0.0.0.0:8080");
    const auto& backend = member(root, "backends").children.at(0);
    EXPECT_EQ(member(backend, "flavour").text, "v1");
    EXPECT_EQ(member(backend, "api_key").text, "set (6 characters)");

    const auto wrong = check("a\"\\\x01\xff: 1\n", {}, true);
    EXPECT_EQ(wrong.code, 2);
    const auto failed = parse_json(wrong.out);
    EXPECT_EQ(member(failed, "ok").text, "false");
    EXPECT_FALSE(member(failed, "findings").children.empty());
}

TEST_F(Check, NeverPrintsASecret) {
    folder_.write("key", "planted-in-file-9");
    for (const bool broken : {false, true}) {
        for (const bool json : {false, true}) {
            const std::string yaml =
                "identity: {endpoint: 'http://127.0.0.1:1/x', endpoint_secret: planted-header-1}\n"
                "backends:\n"
                "  - {name: a, url: 'http://gw.example', api_key: planted-plain-2}\n"
                "  - {name: b, url: 'https://b.example', api_key_env: KEY}\n"
                "  - {name: c, url: 'https://c.example', api_key_file: key}\n" +
                std::string{
                    broken
                        ? "  - {name: d, url: 'https://planted-user-3:planted-pw-4@x', api_key: \"planted "
                          "5\"}\n"
                          "  - {name: e, url: 'https://e.example?key=planted-query-6', auth: none, api_key: "
                          "planted-unused-7}\n"
                          "  - {name: f, url: 'https://f.example', api_key: [planted-list-8]}\n"
                        : ""};
            const auto checked =
                check(yaml, {{"KEY", "planted-variable-0"}, {"BACKEND_A_APIKEY", "planted-over-10"}}, json);
            EXPECT_EQ(checked.code, broken ? 2 : 0);
            EXPECT_THAT(checked.out, Not(HasSubstr("planted")));
            EXPECT_THAT(checked.err, Not(HasSubstr("planted")));
        }
    }
}

TEST_F(Check, ListsEverySetting) {
    std::ostringstream out;
    print_settings(out);
    EXPECT_THAT(
        out.str(),
        HasSubstr("timeouts.idle\n    Between two pieces of a response\n    duration; default 100s\n    "
                  "HEADROOM_TIMEOUTS_IDLE, HTTP_TIMEOUT_SECONDS\n"));
    EXPECT_THAT(out.str(), HasSubstr("BACKEND_X_APIKEY\n"));
}

TEST(SecretText, DescribesButDoesNotShow) {
    Secret secret{"sesame"};
    EXPECT_EQ(secret.description(), "set (6 characters)");
    const Secret copy = secret;
    Secret moved = std::move(secret);
    EXPECT_EQ(moved.reveal(), "sesame");
    EXPECT_EQ(copy, moved);
    EXPECT_TRUE(secret.empty()); // NOLINT(bugprone-use-after-move): that it is empty is the promise
    moved = Secret{"x"};
    EXPECT_EQ(moved.description(), "set (1 character)");
    EXPECT_EQ(Secret{}.description(), "not set");
}

} // namespace
} // namespace headroom::core
