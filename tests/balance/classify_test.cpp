// The verdict on every status and error body that Azure and OpenAI are known to send.
#include "balance/classify.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::balance {
namespace {

Verdict of(int status, std::string_view body = {}, bool names_object = false, bool own_credentials = true) {
    return classify({status, body, Operation::chat, own_credentials, names_object});
}

TEST(Classify, PassesWhatIsNoError) {
    for (const int status : {100, 101, 200, 201, 202, 204, 206, 301, 302, 304, 307, 399}) {
        EXPECT_EQ(of(status), Verdict::pass) << status;
    }
}

TEST(Classify, KnowsTransientFaults) {
    for (const int status : {408, 500, 501, 502, 503, 504, 507, 520, 529, 599}) {
        EXPECT_EQ(of(status), Verdict::transient_fault) << status;
    }
}

TEST(Classify, A429IsAMeasurement) {
    EXPECT_EQ(of(429), Verdict::quota);
    EXPECT_EQ(of(429, R"({"error":{"code":"DeploymentNotFound"}})"), Verdict::quota);
}

TEST(Classify, ContentFilterAndContextLengthAreTheClients) {
    EXPECT_EQ(
        of(400,
           R"({"error":{"message":"The response was filtered due to the prompt","type":null,"param":"prompt",)"
           R"("code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}})"),
        Verdict::pass_error);
    EXPECT_EQ(of(400, R"({"error":{"message":"This model's maximum context length is 128000 tokens","type":)"
                      R"("invalid_request_error","param":"messages","code":"context_length_exceeded"}})"),
              Verdict::pass_error);
    EXPECT_EQ(of(400, R"({"error":{"code":"previous_response_not_found"}})"), Verdict::pass_error);
    for (const int status : {400, 402, 405, 409, 411, 413, 415, 416, 422, 431, 451, 499}) {
        EXPECT_EQ(of(status), Verdict::pass_error) << status;
    }
}

TEST(Classify, CredentialsOfOursAreTheBackendsFault) {
    EXPECT_EQ(of(401, R"({"statusCode":401,"message":"Unauthorized"})"), Verdict::auth_fault);
    EXPECT_EQ(of(403), Verdict::auth_fault);
    EXPECT_EQ(of(401, {}, false, false), Verdict::pass_error)
        << "the client's own credentials were passed through";
    EXPECT_EQ(of(403, {}, false, false), Verdict::pass_error);
}

TEST(Classify, AMissingDeploymentIsTheBackends) {
    EXPECT_EQ(
        of(404,
           R"({"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}})"),
        Verdict::deployment_missing);
    EXPECT_EQ(of(404, R"({"error":{"code":"404","message":"Resource not found"}})"),
              Verdict::deployment_missing);
    EXPECT_EQ(
        of(404,
           R"({"error":{"message":"The model `x` does not exist","type":"invalid_request_error","param":null,)"
           R"("code":"model_not_found"}})"),
        Verdict::deployment_missing);
    EXPECT_EQ(of(404), Verdict::deployment_missing);
    EXPECT_EQ(of(404, "<html>Not Found</html>"), Verdict::deployment_missing);
    EXPECT_EQ(of(400, R"({"error":{"code" : "unknown_model","message":"Unknown model: x"}})"),
              Verdict::deployment_missing);
    EXPECT_EQ(of(410, R"({"error":{"code":"ModelDeprecated"}})"), Verdict::deployment_missing);
}

TEST(Classify, AMissingObjectIsTrueEverywhere) {
    EXPECT_EQ(of(404, R"({"error":{"message":"Response with id 'resp_1' not found.","code":null}})", true),
              Verdict::pass_error);
    EXPECT_EQ(of(404, R"({"error":{"message":"Response with id 'resp_1' not found.","code":null}})"),
              Verdict::pass_error);
    EXPECT_EQ(of(404, R"({"error":{"message":"No such File object: file-1","code":null}})"),
              Verdict::pass_error);
    EXPECT_EQ(of(404, R"({"error":{"code":"DeploymentNotFound"}})", true), Verdict::deployment_missing);
}

TEST(Classify, TextInsideAStringIsNoCode) {
    EXPECT_EQ(of(400, R"({"error":{"code":"bad","message":"you sent \"code\":\"DeploymentNotFound\""}})"),
              Verdict::pass_error);
}

TEST(Classify, LooksAtABoundedPrefix) {
    const std::string far = R"({"error":{"message":")" + std::string(classify_body_bytes_max, 'x') +
                            R"(","code":"unknown_model"}})";
    EXPECT_EQ(of(400, far), Verdict::pass_error);
}

TEST(Classify, SurvivesTruncatedBodies) {
    const std::string body = R"({"error":{"code" : "unknown_model"}})";
    for (std::size_t size = 0; size <= body.size(); ++size) {
        const Verdict verdict = of(400, std::string_view(body).substr(0, size));
        EXPECT_TRUE(verdict == Verdict::pass_error || verdict == Verdict::deployment_missing);
    }
}

TEST(Classify, AsksForABodyOnlyWhereItMatters) {
    EXPECT_TRUE(wants_body(400) && wants_body(404) && wants_body(429) && wants_body(410));
    EXPECT_FALSE(wants_body(200) || wants_body(500) || wants_body(401));
}

TEST(Classify, NamesEveryVerdict) {
    EXPECT_EQ(name_of(Verdict::pass), "pass");
    EXPECT_EQ(name_of(Verdict::pass_error), "pass_error");
}

TEST(LacksObject, IsA404OrA400AboutWhatIsNotFound) {
    EXPECT_TRUE(lacks_object(404, ""));
    EXPECT_TRUE(lacks_object(400, R"({"error":{"message":"m","code":"previous_response_not_found"}})"));
    EXPECT_TRUE(lacks_object(400, R"({"error":{"message":"m","code":"invalid_encrypted_content"}})"));
    EXPECT_TRUE(lacks_object(400, R"({"error":{"code":"NotFound","message":"m"}})"));
    EXPECT_TRUE(lacks_object(400, R"({"error":{"message":"No such File object: file-1","code":null}})"));
    EXPECT_TRUE(
        lacks_object(400, R"({"error":{"message":"The encrypted content gAAA could not be verified."}})"));
    EXPECT_TRUE(lacks_object(400, R"({"error":{"message":"Item with id 'rs_1' not found.","code":null}})"));
}

TEST(LacksObject, IsNoOtherError) {
    for (const int status : {200, 401, 403, 405, 408, 409, 410, 413, 422, 429, 500, 503})
        EXPECT_FALSE(lacks_object(status, R"({"error":{"code":"previous_response_not_found"}})")) << status;
    EXPECT_FALSE(lacks_object(400, ""));
    EXPECT_FALSE(
        lacks_object(400, R"({"error":{"message":"Invalid type for 'input'.","code":"invalid_type"}})"));
    EXPECT_FALSE(lacks_object(400, R"({"error":{"code":"DeploymentNotFound"}})"));
    EXPECT_FALSE(lacks_object(400, R"({"error":{"code":"model_not_found"}})"));
    EXPECT_FALSE(lacks_object(400, R"({"error":{"code":"context_length_exceeded"}})"));
    EXPECT_FALSE(
        lacks_object(400, R"({"error":{"message":"say \"code\":\"x_not_found\"","code":"content_filter"}})"));
}

} // namespace
} // namespace headroom::balance
