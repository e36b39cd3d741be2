// Path shapes and credentials of the mock.
#include "tools/mock_azure/route.hpp"

#include <gtest/gtest.h>

namespace headroom::mock {
namespace {

Operation operation_of(std::string_view method, std::string_view target, Flavour flavour = Flavour::both,
                       bool upgrade = false) {
    BackendOptions options;
    options.flavour = flavour;
    return find_route(options, method, target, upgrade).route.operation;
}

TEST(MockRoute, ClassicPathsNeedAnApiVersion) {
    constexpr std::string_view path = "/openai/deployments/chat/chat/completions";
    EXPECT_EQ(operation_of("POST", std::string(path) + "?api-version=2024-10-21"), Operation::chat);
    EXPECT_EQ(operation_of("POST", path), Operation::unknown);
    EXPECT_EQ(operation_of("GET", std::string(path) + "?api-version=2024-10-21"), Operation::unknown);
    const RouteOrProblem found = find_route(
        BackendOptions{}, "POST", "/openai/deployments/my%2Dchat/embeddings?a=b&api-version=1", false);
    EXPECT_EQ(found.route.deployment, "my-chat");
    EXPECT_EQ(found.route.api_version, "1");
    EXPECT_EQ(found.route.operation, Operation::embeddings);
}

TEST(MockRoute, V1Paths) {
    EXPECT_EQ(operation_of("POST", "/openai/v1/chat/completions"), Operation::chat);
    EXPECT_EQ(operation_of("POST", "/openai/v1/responses"), Operation::responses);
    EXPECT_EQ(operation_of("GET", "/openai/v1/responses/resp_1"), Operation::stored_responses);
    EXPECT_EQ(operation_of("POST", "/openai/v1/audio/transcriptions"), Operation::audio);
    EXPECT_EQ(operation_of("GET", "/openai/v1/models"), Operation::models);
    EXPECT_EQ(operation_of("POST", "/openai/v1/files"), Operation::files);
    EXPECT_EQ(operation_of("GET", "/openai/v1/realtime?model=chat", Flavour::both, true),
              Operation::realtime);
    EXPECT_EQ(operation_of("GET", "/openai/v1/responses", Flavour::both, true), Operation::responses_socket);
}

TEST(MockRoute, ClassicResponsesNameTheModelInTheBody) {
    for (const char* undated : {"v1", "preview", "latest", ""}) {
        EXPECT_EQ(operation_of("POST",
                               std::string("/openai/deployments/c/chat/completions?api-version=") + undated),
                  Operation::unknown)
            << undated;
    }
    EXPECT_EQ(operation_of("POST", "/openai/responses?api-version=2025-04-01-preview"), Operation::responses);
    EXPECT_EQ(operation_of("POST", "/openai/chat/completions?api-version=2025-04-01-preview"),
              Operation::unknown);
}

TEST(MockRoute, FlavoursCloseTheOtherPaths) {
    EXPECT_EQ(operation_of("POST", "/openai/v1/chat/completions", Flavour::classic), Operation::unknown);
    EXPECT_EQ(operation_of("POST", "/openai/deployments/c/chat/completions?api-version=1", Flavour::v1),
              Operation::unknown);
    EXPECT_EQ(operation_of("POST", "/v1/chat/completions", Flavour::openai), Operation::chat);
    EXPECT_EQ(operation_of("POST", "/v1/chat/completions", Flavour::both), Operation::unknown);
}

TEST(MockRoute, APrefixStandsInFrontOfAll) {
    BackendOptions options;
    options.prefix = "/team/a";
    EXPECT_EQ(find_route(options, "POST", "/team/a/openai/v1/embeddings", false).route.operation,
              Operation::embeddings);
    const RouteOrProblem without = find_route(options, "POST", "/openai/v1/embeddings", false);
    ASSERT_TRUE(without.problem);
    EXPECT_EQ(without.problem->body, R"({"error":{"code":"404","message":"Resource not found"}})");
}

TEST(MockCredentials, AnyKeyUnlessKeysAreGiven) {
    BackendOptions options;
    EXPECT_FALSE(check_credentials(options, {"x", "", ""}, false));
    EXPECT_FALSE(check_credentials(options, {"", "Bearer x", ""}, false));
    EXPECT_TRUE(check_credentials(options, {"", "", ""}, false));
    EXPECT_TRUE(check_credentials(options, {"", "Basic x", ""}, false));
    options.open = true;
    EXPECT_FALSE(check_credentials(options, {"", "", ""}, false));
}

TEST(MockCredentials, KeysAndTokensAreChecked) {
    BackendOptions options;
    options.keys = {"k1", "k2"};
    EXPECT_FALSE(check_credentials(options, {"k2", "", ""}, false));
    EXPECT_FALSE(check_credentials(options, {"", "", "k1"}, false))
        << "realtime takes the key from the query";
    EXPECT_FALSE(check_credentials(options, {"", "Bearer k1", ""}, true));
    const auto wrong = check_credentials(options, {"k3", "", ""}, false);
    ASSERT_TRUE(wrong);
    EXPECT_EQ(wrong->status, 401);
    options.tokens = {"entra"};
    EXPECT_FALSE(check_credentials(options, {"", "Bearer entra", ""}, false));
    EXPECT_TRUE(check_credentials(options, {"", "Bearer k1", ""}, false))
        << "a classic path takes no key as bearer";
}

} // namespace
} // namespace headroom::mock
