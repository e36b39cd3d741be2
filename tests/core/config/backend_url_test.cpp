// Backend URLs: every shape that people write, every one that is refused and with which words.
#include "core/config/backend_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::core {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Accepted {
    const char* text;
    bool tls;
    const char* host;
    std::uint16_t port;
    const char* authority;
    Flavour flavour;
    const char* base_path; ///< After settling.
};

constexpr auto classic = Flavour::classic;
constexpr auto v1 = Flavour::v1;

TEST(BackendUrlText, IsTakenApart) {
    const Accepted cases[] = {
        {"https://a.openai.azure.com", true, "a.openai.azure.com", 443, "a.openai.azure.com", classic, ""},
        {" https://A.OpenAI.Azure.com/ ", true, "a.openai.azure.com", 443, "a.openai.azure.com", classic, ""},
        {"HTTPS://a.openai.azure.com:443//", true, "a.openai.azure.com", 443, "a.openai.azure.com", classic,
         ""},
        {"https://a.openai.azure.com/openai", true, "a.openai.azure.com", 443, "a.openai.azure.com", classic,
         ""},
        {"https://a.openai.azure.com/openai/v1/", true, "a.openai.azure.com", 443, "a.openai.azure.com", v1,
         "/openai/v1"},
        {"https://a.services.ai.azure.com/api/projects/p", true, "a.services.ai.azure.com", 443,
         "a.services.ai.azure.com", classic, "/api/projects/p"},
        {"https://api.openai.com", true, "api.openai.com", 443, "api.openai.com", v1, "/v1"},
        {"https://api.openai.com/v1", true, "api.openai.com", 443, "api.openai.com", v1, "/v1"},
        {"http://127.0.0.1:9001", false, "127.0.0.1", 9001, "127.0.0.1:9001", classic, ""},
        {"http://127.0.0.1:9001/v1", false, "127.0.0.1", 9001, "127.0.0.1:9001", v1, "/v1"},
        {"http://[::1]:80/x/v1", false, "::1", 80, "[::1]", v1, "/x/v1"},
        {"http://[2001:DB8::1]:8000", false, "2001:db8::1", 8000, "[2001:db8::1]:8000", classic, ""},
        {"http://vllm_1:8000/v1", false, "vllm_1", 8000, "vllm_1:8000", v1, "/v1"},
        {"https://gw.example.com./eu/openai", true, "gw.example.com", 443, "gw.example.com", classic,
         "/eu/openai"},
        {"https://xn--bcher-kva.example/a%20b", true, "xn--bcher-kva.example", 443, "xn--bcher-kva.example",
         classic, "/a%20b"},
    };
    for (const auto& expected : cases) {
        SCOPED_TRACE(expected.text);
        auto parsed = parse_backend_url(expected.text);
        ASSERT_EQ(parsed.mistake, "");
        EXPECT_EQ(parsed.url.tls, expected.tls);
        EXPECT_EQ(parsed.url.host, expected.host);
        EXPECT_EQ(parsed.url.port, expected.port);
        EXPECT_EQ(parsed.url.authority, expected.authority);
        const auto flavour = detect_flavour(parsed.url);
        EXPECT_EQ(flavour, expected.flavour);
        settle_base_path(parsed.url, flavour);
        EXPECT_EQ(parsed.url.base_path, expected.base_path);
    }
}

TEST(BackendUrlText, IsShownAsTyped) {
    EXPECT_EQ(parse_backend_url("  HTTPS://A.Example:443/x/?api-version=2024-10-21 ").url.text,
              "https://a.example/x");
    EXPECT_EQ(parse_backend_url("http://[::1]:8080/v1/").url.text, "http://[::1]:8080/v1");
}

TEST(BackendUrlText, MayCarryAnApiVersion) {
    EXPECT_EQ(parse_backend_url("https://a.example?api-version=2025-01-01-preview").api_version,
              "2025-01-01-preview");
    EXPECT_EQ(parse_backend_url("https://a.example/x?api-version=preview").api_version, "preview");
    EXPECT_EQ(parse_backend_url("https://a.example?").mistake, "");
}

TEST(BackendUrlText, IsRefusedWithAdvice) {
    const std::pair<const char*, const char*> cases[] = {
        {"", "the URL is empty"},
        {"a.openai.azure.com", "the URL has no scheme; expected https://a.openai.azure.com"},
        {"ftp://a.example", "the scheme `ftp` is not supported; expected https or http"},
        {"wss://a.example", "the scheme `wss` is not supported; expected https or http"},
        {"https://", "the host is missing"},
        {"https:///path", "the host is missing"},
        {"https://a.example:0", "`0` is not a port; expected 1 to 65535"},
        {"https://a.example:", "`` is not a port"},
        {"https://a.example:65536", "`65536` is not a port"},
        {"https://a.example:80x", "`80x` is not a port"},
        {"https://a..example", "`a..example` is not a host name"},
        {"https://-a.example", "is not a host name"},
        {"https://999.1.1.1", "`999.1.1.1` is not a host name"},
        {"https://[::1", "`[:` is not an IPv6 address"},
        {"https://[::g]", "`[::g]` is not an IPv6 address"},
        {"https://b\xc3\xbc"
         "cher.example",
         "write an international name in its xn-- form"},
        {"https://<your-resource>.openai.azure.com", "is a placeholder"},
        {"https://${NAME}.openai.azure.com", "is a placeholder"},
        {"https://a.example/x#y", "a fragment after '#' means nothing here"},
        {"https://a.example/a b", "has a character that a path cannot have: ` `"},
        {"https://a.example/%zz", "has a '%' without two hexadecimal digits"},
        {"https://a.example/a//b", "is not plain"},
        {"https://a.example/a/../b", "is not plain"},
        {"https://a.example?x=1", "a query after '?' is not supported"},
        {"https://a.example?api-version=", "a query after '?' is not supported"},
        {"https://a.example/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
         "expected only https://a.example (and `deployment: gpt-4o`"},
        {"https://a.example/eu/openai/deployments/",
         "expected only https://a.example/eu (and `deployment: name`"},
        {"https://a.example/v1/chat/completions",
         "the URL names one operation; expected https://a.example/v1"},
        {"https://a.example/responses", "the URL names one operation; expected https://a.example"},
    };
    for (const auto& [text, mistake] : cases)
        EXPECT_THAT(parse_backend_url(text).mistake, HasSubstr(mistake)) << text;
    EXPECT_THAT(parse_backend_url("https://" + std::string(3000, 'a')).mistake, HasSubstr("at most 2048"));
}

TEST(BackendUrlText, NeverRepeatsWhatMayBeSecret) {
    for (const auto* text : {"https://user:hunter2@a.example", "https://a.example?key=hunter2",
                             "user:hunter2@a.example", "a.example?code=hunter2"}) {
        const auto mistake = parse_backend_url(text).mistake;
        EXPECT_NE(mistake, "") << text;
        EXPECT_THAT(mistake, Not(HasSubstr("hunter2"))) << text;
    }
}

TEST(BasePath, FollowsAChosenFlavour) {
    const auto settled = [](const char* text, Flavour flavour) {
        auto url = parse_backend_url(text).url;
        settle_base_path(url, flavour);
        return url.base_path;
    };
    EXPECT_EQ(settled("https://a.openai.azure.com", v1), "/openai/v1");
    EXPECT_EQ(settled("https://a.openai.azure.com/openai", v1), "/openai/v1");
    EXPECT_EQ(settled("https://a.openai.azure.com/openai/v1", classic), "");
    EXPECT_EQ(settled("http://127.0.0.1:1", v1), "/v1");
    EXPECT_EQ(settled("http://127.0.0.1:1/custom", v1), "/custom");
    EXPECT_EQ(settled("http://127.0.0.1:1/x/openai/v1", classic), "/x");
    EXPECT_EQ(settled("http://127.0.0.1:1/openai", classic), "/openai");
}

TEST(LoopbackHost, IsThisMachineOnly) {
    for (const auto* host : {"localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "::1"})
        EXPECT_TRUE(is_loopback_host(host)) << host;
    for (const auto* host : {"127.0.0.1.example", "10.0.0.1", "::2", "localhost.example", "a.example"})
        EXPECT_FALSE(is_loopback_host(host)) << host;
}

} // namespace
} // namespace headroom::core
