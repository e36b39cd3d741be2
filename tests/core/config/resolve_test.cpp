// What is decided for the user: flavour, path, version, credential.
#include "core/config/resolve.hpp"

#include "tests/core/config/loading.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::core {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Resolved : public testing::Loading {
  protected:
    Loaded load_backend(const std::string& entries, testing::Variables variables = {}) {
        return load("backends: [{" + entries + "}]\n", std::move(variables));
    }
    static testing::Variables identity() {
        return {{"IDENTITY_ENDPOINT", "http://localhost:1/msi"}, {"IDENTITY_HEADER", "h"}};
    }
};

TEST_F(Resolved, FlavourFollowsTheUrlUnlessItIsChosen) {
    const auto v1 =
        load_backend("url: 'https://a.openai.azure.com/openai/v1', api_key: k").config.backends.at(0);
    EXPECT_EQ(v1.flavour, Flavour::v1);
    EXPECT_EQ(v1.url.base_path, "/openai/v1");
    const auto chosen = load_backend("url: 'https://a.openai.azure.com', flavour: v1").config.backends.at(0);
    EXPECT_EQ(chosen.flavour, Flavour::v1);
    EXPECT_EQ(chosen.url.base_path, "/openai/v1");
    const auto automatic =
        load_backend("url: 'https://a.openai.azure.com', flavour: auto").config.backends.at(0);
    EXPECT_EQ(automatic.flavour, Flavour::classic);
    EXPECT_EQ(automatic.url.base_path, "");
}

TEST_F(Resolved, ApiVersionComesFromTheSettingThenTheUrlThenTheDefault) {
    const auto version = [&](const std::string& entries) {
        return load_backend(entries).config.backends.at(0).api_version;
    };
    EXPECT_EQ(version("url: 'https://a.example'"), "2024-10-21");
    EXPECT_EQ(version("url: 'https://a.example?api-version=2025-01-01-preview'"), "2025-01-01-preview");
    EXPECT_EQ(version("url: 'https://a.example?api-version=2025-01-01-preview', api_version: 2024-06-01"),
              "2024-06-01");
}

TEST_F(Resolved, AuthFollowsTheCredentialsThatThereAre) {
    const auto auth = [&](const std::string& entries, testing::Variables variables = {}) {
        const auto loaded = load_backend("url: 'https://a.example'" + entries, std::move(variables));
        EXPECT_THAT(mistakes(loaded), IsEmpty());
        return loaded.config.backends.at(0).auth;
    };
    EXPECT_EQ(auth(", api_key: k"), BackendAuth::key);
    EXPECT_EQ(auth(", api_key: k", identity()), BackendAuth::key);
    EXPECT_EQ(auth("", identity()), BackendAuth::managed_identity);
    EXPECT_EQ(auth(""), BackendAuth::passthrough);
    EXPECT_EQ(auth(", auth: none"), BackendAuth::none);
    EXPECT_EQ(auth(", auth: passthrough", identity()), BackendAuth::passthrough);
}

TEST_F(Resolved, PassingCredentialsOnIsSaidAloudUnlessItIsChosen) {
    EXPECT_THAT(
        warnings(load_backend("url: 'https://a.example', name: a")),
        ElementsAre(
            "headroom.yaml:1:12: warning: backend `a` has no key, and there is no managed identity here "
            "(IDENTITY_ENDPOINT): the client's own credential is passed on. Say so with auth passthrough "
            "(or none)"));
    EXPECT_THAT(warnings(load_backend("url: 'https://a.example', auth: passthrough")), IsEmpty());
}

TEST_F(Resolved, AuthThatCannotWorkIsAMistake) {
    EXPECT_THAT(
        mistakes(load_backend("url: 'https://a.example', auth: key")),
        ElementsAre("headroom.yaml:1:45: mistake: backend `backend1`: auth is key, but no key is given"));
    EXPECT_THAT(mistakes(load_backend("url: 'https://a.example', auth: none, api_key: k")),
                ElementsAre(HasSubstr("a key is given, but auth does not use it")));
    EXPECT_THAT(mistakes(load_backend("url: 'https://a.example', auth: managed_identity")),
                ElementsAre(HasSubstr("no managed identity here, IDENTITY_ENDPOINT is not set")));
    // A key that was refused is one mistake, not two.
    EXPECT_THAT(mistakes(load_backend("url: 'https://a.example', auth: key, api_key_env: NO")),
                ElementsAre(HasSubstr("`NO` is not set")));
}

TEST_F(Resolved, ResourceLosesTheSuffixOfAScope) {
    const auto loaded = load_backend("url: 'https://a.example', api_key: k",
                                     {{"HEADROOM_IDENTITY_RESOURCE", "https://ai.azure.com/.default"}});
    EXPECT_EQ(loaded.config.identity.resource, "https://ai.azure.com");
    EXPECT_THAT(
        mistakes(load_backend("url: 'https://a.example'", {{"HEADROOM_IDENTITY_RESOURCE", "ai.azure.com"}})),
        ElementsAre("HEADROOM_IDENTITY_RESOURCE: mistake: expected a URL such as https://host, found "
                    "`ai.azure.com`"));
}

TEST_F(Resolved, NamesAreUnique) {
    EXPECT_THAT(mistakes(load("backends:\n"
                              "  - {name: a, url: 'https://a.example'}\n"
                              "  - {name: a, url: 'https://b.example'}\n")),
                ElementsAre("headroom.yaml:3:12: mistake: two backends are called `a`"));
    EXPECT_THAT(mistakes(load("backends:\n"
                              "  - {name: backend2, url: 'https://a.example'}\n"
                              "  - {url: 'https://b.example'}\n")),
                ElementsAre("headroom.yaml:3:5: mistake: two backends are called `backend2`"));
}

TEST_F(Resolved, NothingToServeIsAMistake) {
    EXPECT_THAT(
        mistakes(load_environment({})),
        ElementsAre(
            "mistake: no backends; set BACKEND_1_URL and BACKEND_1_APIKEY, or list them under `backends:` "
            "in a file given with --config"));
    EXPECT_THAT(mistakes(load("backends: []\n")), ElementsAre(HasSubstr("no backends")));
    EXPECT_THAT(mistakes(load_backend("name: a")),
                ElementsAre("headroom.yaml:1:12: mistake: backend `a` has no url"));
    EXPECT_THAT(
        mistakes(load_backend("url: 'https://a.example', only_listed_deployments: true")),
        ElementsAre(HasSubstr("only_listed_deployments without deployments leaves nothing to serve")));
}

TEST_F(Resolved, SlashesInDeploymentsNeedV1) {
    EXPECT_THAT(
        mistakes(load_backend("url: 'https://a.example', deployment: meta/llama")),
        ElementsAre(HasSubstr("`meta/llama` has a '/', which a path to a classic backend cannot carry")));
    EXPECT_THAT(mistakes(load_backend("url: 'https://a.example/v1', deployment: meta/llama")), IsEmpty());
}

TEST_F(Resolved, NamesOfOneDeploymentHaveOneQuota) {
    const auto with = [&](const std::string& deployments) {
        return load_backend("url: 'https://a.example', api_key: k, tpm: 30K, deployments: {" + deployments +
                            "}");
    };
    const auto loaded =
        with("a: gpt, chat: {name: gpt, tpm: 50K}, gpt: {rpm: 300}, z: {name: gpt, tpm: 50K}, o: x");
    EXPECT_THAT(mistakes(loaded), IsEmpty());
    for (const auto& one : loaded.config.backends.at(0).deployments) {
        const bool other = one.client_name == "o";
        EXPECT_EQ(one.tokens_per_minute, other ? 0U : 50'000U) << one.client_name;
        EXPECT_EQ(one.requests_per_minute, other ? 0U : 300U) << one.client_name;
    }
    EXPECT_THAT(
        mistakes(with("chat: {name: gpt, tpm: 50K}, gpt: {tpm: 30K}")),
        ElementsAre(HasSubstr("deployments: `chat` and `gpt` are both `gpt` and so one quota, but have a tpm "
                              "of 50000 and 30000")));
    EXPECT_THAT(mistakes(with("chat: {name: gpt, rpm: 5}, gpt: {rpm: 6}")),
                ElementsAre(HasSubstr("a rpm of 5 and 6")));
}

TEST_F(Resolved, DoubledOpenaiIsAWarning) {
    EXPECT_THAT(warnings(load_backend("url: 'https://gw.example/openai', api_key: k")),
                Contains(HasSubstr("requests will go to https://gw.example/openai/openai/deployments/...")));
}

TEST_F(Resolved, AttemptsAreBoundedByTheBackends) {
    auto config = load_backend("url: 'https://a.example'").config;
    EXPECT_EQ(config.attempts_max(), 1U);
    config.retry.attempts_max = 5;
    EXPECT_EQ(config.attempts_max(), 1U);
    config.backends.resize(9);
    EXPECT_EQ(config.attempts_max(), 5U);
    config.retry.attempts_max = 0;
    EXPECT_EQ(config.attempts_max(), 9U);
}

} // namespace
} // namespace headroom::core
