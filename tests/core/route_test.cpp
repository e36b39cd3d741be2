// Every path shape to every flavour of backend, and what must not pass.
#include "core/route.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::core {
namespace {

using balance::Operation;

BackendConfig classic(std::string base = "") {
    BackendConfig backend;
    backend.flavour = Flavour::classic;
    backend.url.base_path = std::move(base);
    backend.api_version = "2024-10-21";
    return backend;
}

BackendConfig v1(std::string base = "/openai/v1") {
    BackendConfig backend;
    backend.flavour = Flavour::v1;
    backend.url.base_path = std::move(base);
    return backend;
}

std::string target(std::string_view path, std::string_view query, const BackendConfig& backend,
                   std::string_view name = "gpt", bool keep = false) {
    std::string out;
    append_target(out, route_of(path, query), backend, name, keep);
    return out;
}

TEST(Route, ReadsEveryShape) {
    const Route classic_route = route_of("/openai/deployments/chat/chat/completions", "api-version=1");
    EXPECT_EQ(classic_route.shape, PathShape::classic_deployment);
    EXPECT_EQ(classic_route.operation, Operation::chat);
    EXPECT_EQ(classic_route.deployment, "chat");
    EXPECT_EQ(classic_route.tail, "/chat/completions");
    for (const char* path : {"/openai/v1/chat/completions", "/v1/chat/completions", "/chat/completions"}) {
        const Route route = route_of(path, "");
        EXPECT_EQ(route.shape, PathShape::v1) << path;
        EXPECT_EQ(route.operation, Operation::chat) << path;
        EXPECT_EQ(route.tail, "/chat/completions") << path;
        EXPECT_FALSE(route.names_object) << path;
    }
    EXPECT_EQ(route_of("/responses", "").operation, Operation::responses);
    EXPECT_EQ(route_of("/embeddings", "").operation, Operation::embeddings);
    EXPECT_EQ(route_of("/openai/responses", "api-version=1").shape, PathShape::classic);
    EXPECT_TRUE(route_of("/v1/responses/resp_1", "").names_object);
    EXPECT_TRUE(route_of("/v1/files", "").may_stream_body);
    EXPECT_FALSE(route_of("/v1/chat/completions", "").may_stream_body);
}

TEST(Route, KnowsWhatIsNotIts) {
    for (const char* path : {"/", "/favicon.ico", "/openai", "/openai/", "/openai/v1", "/v1/",
                             "/openai/deployments//chat", "/openaiv1/chat", "/v1x/models", "*", "chat"}) {
        EXPECT_EQ(route_of(path, "").shape, PathShape::unknown) << path;
    }
}

TEST(Route, ADeploymentItselfIsAnObject) {
    const Route route = route_of("/openai/deployments/x", "api-version=1");
    EXPECT_EQ(route.shape, PathShape::classic);
    EXPECT_TRUE(route.names_object);
    EXPECT_EQ(target("/openai/deployments/x", "api-version=1", classic()),
              "/openai/deployments/x?api-version=1");
}

TEST(Route, LetsNobodyClimb) {
    for (const char* path :
         {"/v1/../metrics", "/v1/./models", "/openai/deployments/../v1/models", "/v1/%2e%2e/x",
          "/openai/deployments/a%2Fb/chat/completions", "/v1/models/..", "/v1/%zz"}) {
        EXPECT_EQ(route_of(path, "").shape, PathShape::unknown) << path;
    }
    EXPECT_EQ(route_of("/openai/deployments/gpt-4.1/chat/completions", "").deployment, "gpt-4.1");
    EXPECT_EQ(route_of("/v1/models/.hidden", "").shape, PathShape::v1);
}

TEST(Route, ClassicToClassicKeepsTheVersion) {
    EXPECT_EQ(
        target("/openai/deployments/chat/chat/completions", "api-version=2025-01-01&x=1", classic(), "chat2"),
        "/openai/deployments/chat2/chat/completions?api-version=2025-01-01&x=1");
}

// The ancestor replaced the name everywhere: /chat/chat/completions became /X/X/completions.
TEST(Route, ReplacesOnlyTheDeployment) {
    EXPECT_EQ(target("/openai/deployments/chat/chat/completions", "api-version=1", classic(), "X"),
              "/openai/deployments/X/chat/completions?api-version=1");
}

TEST(Route, V1AndBareToClassic) {
    for (const char* path : {"/openai/v1/chat/completions", "/v1/chat/completions", "/chat/completions"}) {
        EXPECT_EQ(target(path, "", classic()),
                  "/openai/deployments/gpt/chat/completions?api-version=2024-10-21")
            << path;
    }
    EXPECT_EQ(target("/embeddings", "", classic(), "a b"),
              "/openai/deployments/a%20b/embeddings?api-version=2024-10-21");
    EXPECT_EQ(target("/responses", "", classic()), "/openai/v1/responses");
    EXPECT_EQ(target("/v1/responses/r1", "stream=true", classic()), "/openai/v1/responses/r1?stream=true");
    EXPECT_EQ(target("/v1/chat/completions/c1", "", classic()), "/openai/v1/chat/completions/c1");
}

// @ai-sdk/azure says api-version=v1 on every v1 path; a classic path answers 404 to what is no date.
TEST(Route, V1ToClassicReplacesAVersionThatIsNoDate) {
    for (const char* version : {"v1", "preview", "latest", ""}) {
        EXPECT_EQ(target("/openai/v1/chat/completions", std::string("x=1&api-version=") + version, classic()),
                  "/openai/deployments/gpt/chat/completions?api-version=2024-10-21&x=1")
            << version;
    }
    EXPECT_EQ(target("/v1/embeddings", "api-version=2025-01-01-preview", classic()),
              "/openai/deployments/gpt/embeddings?api-version=2025-01-01-preview");
    EXPECT_EQ(target("/v1/responses", "api-version=preview", classic()),
              "/openai/v1/responses?api-version=preview");
}

// @ai-sdk/azure with the base URL .../openai, and with its deployment-based URLs.
TEST(Route, OpenaiPathsWithoutADateAreV1) {
    for (const char* query : {"", "api-version=v1", "api-version=preview"}) {
        const std::string kept = *query == 0 ? "" : std::string("?") + query;
        EXPECT_EQ(route_of("/openai/responses", query).shape, PathShape::v1) << query;
        EXPECT_EQ(target("/openai/responses", query, classic()), "/openai/v1/responses" + kept);
        EXPECT_EQ(target("/openai/responses/r1", query, v1()), "/openai/v1/responses/r1" + kept);
        EXPECT_EQ(target("/openai/deployments/chat/chat/completions", query, classic()),
                  "/openai/deployments/gpt/chat/completions?api-version=2024-10-21");
    }
    EXPECT_EQ(target("/openai/responses", "api-version=2025-04-01-preview", classic()),
              "/openai/responses?api-version=2025-04-01-preview");
    EXPECT_EQ(route_of("/openai/realtime", "deployment=rt").deployment, "rt");
}

TEST(Route, ClassicToV1DropsTheVersion) {
    EXPECT_EQ(target("/openai/deployments/chat/chat/completions", "api-version=2024-10-21", v1()),
              "/openai/v1/chat/completions");
    EXPECT_EQ(target("/openai/responses", "api-version=1&a=b", v1("/v1")), "/v1/responses?a=b");
}

TEST(Route, KeepsABackendsPathSuffix) {
    EXPECT_EQ(target("/v1/embeddings", "", classic("/team-a")),
              "/team-a/openai/deployments/gpt/embeddings?api-version=2024-10-21");
    EXPECT_EQ(target("/v1/embeddings", "", v1("/team-a/v1")), "/team-a/v1/embeddings");
}

TEST(Route, RealtimeNamesItsDeploymentInTheQuery) {
    const Route classic_route = route_of("/openai/realtime", "api-version=1&deployment=rt");
    EXPECT_EQ(classic_route.deployment, "rt");
    EXPECT_EQ(target("/openai/realtime", "api-version=1&deployment=rt", classic(), "rt2"),
              "/openai/realtime?deployment=rt2&api-version=1");
    EXPECT_EQ(target("/openai/v1/realtime", "model=rt", v1(), "rt2"), "/openai/v1/realtime?model=rt2");
    EXPECT_EQ(target("/openai/realtime", "api-version=1&deployment=rt", v1(), "rt2"),
              "/openai/v1/realtime?model=rt2");
}

TEST(Route, DropsAKeyInTheQuery) {
    EXPECT_EQ(target("/v1/models", "api-key=secret&x=1", v1()), "/openai/v1/models?x=1");
    EXPECT_EQ(target("/v1/models", "api-key=secret", v1(), "", true), "/openai/v1/models?api-key=secret");
}

TEST(Route, FindsTheApiVersionOfATarget) {
    EXPECT_EQ(api_version_of("/openai/deployments/d/chat/completions?x=1&api-version=2024-10-21"),
              "2024-10-21");
    EXPECT_EQ(api_version_of("/v1/chat/completions?my-api-version=1"), "");
    EXPECT_EQ(api_version_of("/v1/api-version=1"), "");
}

TEST(Route, DropsAKeyInTheQueryHoweverItIsSpelt) {
    for (const char* key : {"API-KEY", "Api-Key", "api%2Dkey", "%61PI-key", "api-%6bey"}) {
        const std::string query = std::string("a=b&") + key + "=secret&x=1";
        EXPECT_EQ(target("/v1/models", query, v1()), "/openai/v1/models?a=b&x=1") << key;
    }
    EXPECT_EQ(target("/v1/models", "api-keys=1&api%2=2", v1()), "/openai/v1/models?api-keys=1&api%2=2");
}

TEST(Route, NamesThatWouldClimbAreNoSegments) {
    for (const char* name : {"", ".", ".."})
        EXPECT_FALSE(can_be_segment(name)) << name;
    for (const char* name : {"...", ".a", "a/..", "gpt-4o"})
        EXPECT_TRUE(can_be_segment(name)) << name;
}

TEST(Route, PercentCoding) {
    std::string out;
    EXPECT_TRUE(percent_decode("a%20b%C3%A9", out));
    EXPECT_EQ(out, "a b\xC3\xA9");
    std::string again;
    percent_encode(out, again);
    EXPECT_EQ(again, "a%20b%C3%A9");
    for (const char* broken : {"%", "%4", "%G0", "x%0"}) {
        std::string ignored;
        EXPECT_FALSE(percent_decode(broken, ignored)) << broken;
    }
}

} // namespace
} // namespace headroom::core
