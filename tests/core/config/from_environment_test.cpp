// The variables of the ancestor and of the platforms, and what is said about misspelt ones.
#include "core/config/from_environment.hpp"

#include "tests/core/config/loading.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::core {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConfigEnvironment : public testing::Loading {};

TEST_F(ConfigEnvironment, OfTheAncestorMeansTheSame) {
    const auto loaded = load_environment({
        {"BACKEND_1_URL", " https://openai1.openai.azure.com/ "},
        {"BACKEND_1_PRIORITY", "1"},
        {"BACKEND_1_APIKEY", "key-one\n"},
        {"BACKEND_2_URL", "https://openai2.openai.azure.com/"},
        {"BACKEND_2_PRIORITY", " 2 "},
        {"BACKEND_2_APIKEY", "key-two"},
        {"BACKEND_2_DEPLOYMENT_NAME", "spare"},
        {"backend_Third_url", "https://openai3.openai.azure.com/"},
        {"BACKEND_third_PRIORITY", "2"},
        {"HTTP_TIMEOUT_SECONDS", "200"},
        {"AZURE_CLIENT_ID", "1111"},
        {"IDENTITY_ENDPOINT", "http://localhost:42356/msi/token"},
        {"IDENTITY_HEADER", "853b9a84"},
        {"RUNNING_IN_PRODUCTION", "true"},
        {"APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=1;IngestionEndpoint=https://x/"},
        {"PATH", "/bin"},
    });
    EXPECT_THAT(mistakes(loaded), IsEmpty());
    ASSERT_EQ(loaded.config.backends.size(), 3U);
    const auto& one = loaded.config.backends[0];
    EXPECT_EQ(one.name, "1");
    EXPECT_EQ(one.url.host, "openai1.openai.azure.com");
    EXPECT_EQ(one.api_key.reveal(), "key-one");
    EXPECT_EQ(one.auth, BackendAuth::key);
    EXPECT_EQ(one.flavour, Flavour::classic);
    EXPECT_EQ(loaded.config.backends[1].priority, 2U);
    EXPECT_EQ(loaded.config.backends[1].deployment, "spare");
    const auto& third = loaded.config.backends[2];
    EXPECT_EQ(third.name, "third");
    EXPECT_EQ(third.auth, BackendAuth::managed_identity);
    EXPECT_TRUE(third.api_key.empty());
    EXPECT_EQ(loaded.config.timeouts.idle, std::chrono::seconds{200});
    EXPECT_EQ(loaded.config.timeouts.first_byte, std::chrono::seconds{200});
    EXPECT_EQ(loaded.config.identity.client_id, "1111");
    EXPECT_EQ(loaded.config.identity.endpoint_secret.reveal(), "853b9a84");
}

TEST_F(ConfigEnvironment, OrdersBackendsAsPeopleCount) {
    const auto loaded = load_environment({{"BACKEND_b_URL", "https://b.example"},
                                          {"BACKEND_10_URL", "https://ten.example"},
                                          {"BACKEND_A_URL", "https://a.example"},
                                          {"BACKEND_2_URL", "https://two.example"}});
    std::vector<std::string> names;
    names.reserve(loaded.config.backends.size());
    for (const auto& backend : loaded.config.backends)
        names.push_back(backend.name);
    EXPECT_THAT(names, ElementsAre("2", "10", "a", "b"));
}

TEST_F(ConfigEnvironment, DefaultsThePriorityButRefusesAnUnreadableOne) {
    EXPECT_EQ(load_environment({{"BACKEND_1_URL", "https://a.example"}}).config.backends.at(0).priority, 1U);
    for (const auto* value : {"high", "-1", "1.5", "0x1", "1000001"}) {
        const auto loaded =
            load_environment({{"BACKEND_1_URL", "https://a.example"}, {"BACKEND_1_PRIORITY", value}});
        EXPECT_THAT(mistakes(loaded),
                    ElementsAre("BACKEND_1_PRIORITY: mistake: expected a whole number from 0 to 1000000, "
                                "found `" +
                                std::string{value} + "`"));
    }
}

TEST_F(ConfigEnvironment, SuggestsTheFieldThatWasMeant) {
    const auto about = [&](const char* name) {
        return mistakes(load_environment({{"BACKEND_1_URL", "https://a.example"}, {name, "1"}}));
    };
    EXPECT_THAT(about("BACKEND_1_PRIORTY"),
                ElementsAre("BACKEND_1_PRIORTY: mistake: unknown field `PRIORTY`; did you mean "
                            "`BACKEND_1_PRIORITY`?"));
    EXPECT_THAT(about("BACKEND_1_API_KEY"), ElementsAre(HasSubstr("did you mean `BACKEND_1_APIKEY`?")));
    EXPECT_THAT(about("BACKEND_1_KEY"), ElementsAre(HasSubstr("did you mean `BACKEND_1_APIKEY`?")));
    EXPECT_THAT(about("BACKEND_1_DEPLOYMENT"),
                ElementsAre(HasSubstr("did you mean `BACKEND_1_DEPLOYMENTS`?")));
    EXPECT_THAT(about("BACKEND_1_COLOUR"),
                ElementsAre(HasSubstr("unknown field `COLOUR`; expected URL, PRIORITY, ")));
    EXPECT_THAT(about("BACKEND_URL"),
                ElementsAre("BACKEND_URL: mistake: expected BACKEND_X_FIELD, such as BACKEND_1_URL"));
    EXPECT_THAT(about("BACKEND__URL"), ElementsAre(HasSubstr("expected BACKEND_X_FIELD")));
    EXPECT_THAT(about("BACKEND_1_"), ElementsAre(HasSubstr("expected BACKEND_X_FIELD")));
    EXPECT_THAT(about("HEADROOM_WORKER"),
                ElementsAre("HEADROOM_WORKER: mistake: there is no such setting; did you mean "
                            "`HEADROOM_WORKERS`?"));
}

TEST_F(ConfigEnvironment, OnlyWarnsOfForeignVariables) {
    const auto loaded = load_environment({{"BACKEND_1_URL", "https://a.example"},
                                          {"BACKEND_1_APIKEY", "k"},
                                          {"HEADROOM_BIN", "/x"},
                                          {"HEADROOM_CONFIG", ""}});
    EXPECT_THAT(lines(loaded),
                ElementsAre("HEADROOM_BIN: warning: ignored, there is no such setting (headroom help "
                            "settings lists them all)"));
}

TEST_F(ConfigEnvironment, IgnoresWhatKubernetesSets) {
    EXPECT_TRUE(is_service_variable("BACKEND_API_SERVICE_HOST", "10.0.0.1"));
    EXPECT_TRUE(is_service_variable("BACKEND_SERVICE_PORT_HTTP", "80"));
    EXPECT_TRUE(is_service_variable("HEADROOM_PORT", "tcp://10.0.0.1:8080"));
    EXPECT_TRUE(is_service_variable("BACKEND_PORT_8080_TCP", "tcp://10.0.0.1:8080"));
    EXPECT_TRUE(is_service_variable("BACKEND_PORT_8080_TCP_ADDR", "10.0.0.1"));
    EXPECT_TRUE(is_service_variable("BACKEND_PORT_8080_TCP_PORT", "8080"));
    EXPECT_FALSE(is_service_variable("BACKEND_1_URL", "https://a.example"));
    EXPECT_FALSE(is_service_variable("BACKEND_1_PORT", "8080"));
    const auto loaded = load_environment({{"BACKEND_1_URL", "https://a.example"},
                                          {"BACKEND_SERVICE_HOST", "10.0.0.1"},
                                          {"BACKEND_PORT", "tcp://10.0.0.1:80"},
                                          {"HEADROOM_SERVICE_PORT", "80"}});
    EXPECT_THAT(mistakes(loaded), IsEmpty());
    EXPECT_EQ(loaded.config.backends.size(), 1U);
}

TEST_F(ConfigEnvironment, MissesTheUrlOfWhatItSpeaksOf) {
    EXPECT_THAT(mistakes(load_environment({{"BACKEND_1_APIKEY", "k"}})),
                ElementsAre("BACKEND_1_APIKEY: mistake: BACKEND_1_URL is missing"));
    const auto loaded = load("backends: [{name: eastus, url: 'https://a.example', api_key: k}]\n",
                             {{"BACKEND_EASTSU_TPM", "30K"}});
    EXPECT_THAT(mistakes(loaded),
                ElementsAre("BACKEND_EASTSU_TPM: mistake: BACKEND_EASTSU_URL is missing; did you mean "
                            "`eastus`?"));
}

TEST_F(ConfigEnvironment, ChangesBackendsOfTheFileByName) {
    const auto loaded = load(
        "backends:\n"
        "  - {name: east-us, url: 'https://a.example', api_key: old, tpm: 1K}\n"
        "  - {name: west, url: 'https://b.example', api_key_env: WEST, tpm: 2K}\n",
        {{"BACKEND_EASTUS_APIKEY", "new"},
         {"BACKEND_WEST_TPM", "3K"},
         {"WEST", "w"},
         {"BACKEND_3_URL", "https://c.example"}});
    EXPECT_THAT(mistakes(loaded), IsEmpty());
    ASSERT_EQ(loaded.config.backends.size(), 3U);
    EXPECT_EQ(loaded.config.backends[0].api_key.reveal(), "new");
    EXPECT_EQ(loaded.config.backends[0].tokens_per_minute, 1000U);
    EXPECT_EQ(loaded.config.backends[1].tokens_per_minute, 3000U);
    EXPECT_EQ(loaded.config.backends[2].name, "3");
    EXPECT_EQ(loaded.origins.at("backends[east-us].api_key"), "BACKEND_EASTUS_APIKEY");
}

TEST_F(ConfigEnvironment, TreatsEmptyAsNotSet) {
    const auto loaded = load_environment({{"BACKEND_1_URL", "https://a.example"},
                                          {"BACKEND_1_APIKEY", " "},
                                          {"BACKEND_2_URL", ""},
                                          {"BACKEND_2_PRIORITY", ""},
                                          {"HTTP_TIMEOUT_SECONDS", ""},
                                          {"PORT", ""}});
    EXPECT_THAT(mistakes(loaded), IsEmpty());
    EXPECT_EQ(loaded.config.backends.size(), 1U);
    EXPECT_EQ(loaded.config.timeouts.idle, std::chrono::seconds{100});
}

TEST_F(ConfigEnvironment, RefusesContradictions) {
    EXPECT_THAT(
        mistakes(load_environment(
            {{"BACKEND_a_URL", "https://a.example"}, {"BACKEND_A_URL", "https://b.example"}})),
        ElementsAre(
            "BACKEND_A_URL: mistake: given twice with different values; the other one is BACKEND_a_URL"));
    EXPECT_THAT(mistakes(load_environment(
                    {{"BACKEND_a_URL", "https://a.example"}, {"BACKEND_A_URL", "https://a.example"}})),
                IsEmpty());
    folder_.write("key", "k");
    EXPECT_THAT(mistakes(load_environment({{"BACKEND_1_URL", "https://a.example"},
                                           {"BACKEND_1_APIKEY", "k"},
                                           {"BACKEND_1_APIKEY_FILE", folder_.path() + "/key"}})),
                ElementsAre("BACKEND_1_APIKEY_FILE: mistake: expected only one of BACKEND_1_APIKEY and "
                            "BACKEND_1_APIKEY_FILE"));
}

TEST_F(ConfigEnvironment, PrefersItsOwnNamesToThoseOfThePlatform) {
    const auto loaded = load_environment({{"BACKEND_1_URL", "https://a.example"},
                                          {"HTTP_TIMEOUT_SECONDS", "200"},
                                          {"HEADROOM_TIMEOUTS_IDLE", "50"}});
    EXPECT_EQ(loaded.config.timeouts.idle, std::chrono::seconds{50});
    EXPECT_THAT(warnings(loaded), ::testing::Contains("HTTP_TIMEOUT_SECONDS: warning: ignored, because "
                                                      "HEADROOM_TIMEOUTS_IDLE is set"));
}

TEST_F(ConfigEnvironment, TakesPortWhenNothingElseSaysWhere) {
    const Environment::Variable url{"BACKEND_1_URL", "https://a.example"};
    const auto port = load_environment({url, {"PORT", "8000"}}).config.listen;
    EXPECT_THAT(port, ElementsAre(ListenAddress{"0.0.0.0", 8000}));
    const auto both = load_environment({url, {"PORT", "8000"}, {"HEADROOM_LISTEN", "[::]:1, :2"}});
    EXPECT_THAT(both.config.listen, ElementsAre(ListenAddress{"::", 1}, ListenAddress{"0.0.0.0", 2}));
    EXPECT_THAT(warnings(both),
                ::testing::Contains("PORT: warning: ignored, because listen is set by HEADROOM_LISTEN"));
    const auto flag = load_environment({url, {"PORT", "8000"}}, {"--listen", ":3"});
    EXPECT_THAT(flag.config.listen, ElementsAre(ListenAddress{"0.0.0.0", 3}));
    EXPECT_THAT(mistakes(load_environment({url, {"PORT", "http"}})),
                ElementsAre("PORT: mistake: expected a port number, found `http`"));
}

TEST_F(ConfigEnvironment, TimeIsScaledForTestsOnlyAndLoudly) {
    const Environment::Variable url{"BACKEND_1_URL", "http://localhost:1"};
    const auto scaled = load_environment({url, {"HEADROOM_TEST_TIME_SCALE", "30"}});
    EXPECT_THAT(mistakes(scaled), IsEmpty());
    EXPECT_THAT(warnings(scaled),
                ::testing::Contains(HasSubstr("FOR TESTS ONLY: quotas are counted per 2 s")));
    EXPECT_EQ(scaled.config.test_time_scale, 30);
    EXPECT_EQ(load_environment({url}).config.test_time_scale, 1);
    for (const char* text : {"0", "0.5", "-3", "1001", "nan", "30x", "fast"}) {
        EXPECT_THAT(mistakes(load_environment({url, {"HEADROOM_TEST_TIME_SCALE", text}})),
                    ElementsAre(HasSubstr("expected a factor from 1 to 1000")))
            << text;
    }
}

TEST_F(ConfigEnvironment, IsCopiedFromTheProcess) {
    const char* const entries[] = {"A=1", "B=x=y", "broken", "=z", "A=2", "C= c ", nullptr};
    const auto environment = Environment::of_process(entries);
    EXPECT_EQ(environment.variables().size(), 5U);
    EXPECT_EQ(environment.find("A"), "1");
    EXPECT_EQ(environment.find("B"), "x=y");
    EXPECT_EQ(environment.find("C"), "c");
    EXPECT_EQ(environment.find("a"), "");
    EXPECT_TRUE(Environment::of_process(nullptr).variables().empty());
}

} // namespace
} // namespace headroom::core
