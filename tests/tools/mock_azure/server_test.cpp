// The mock over real sockets: answers, quotas, records and what the admin port tells. Port 0, no sleeps, no
// timing.
#include "tools/mock_azure/server.hpp"

#include "tests/tools/mock_azure/raw_client.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::mock {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view chat_path = "/openai/deployments/chat/chat/completions?api-version=2024-10-21";

std::string ask(std::string_view text, std::string_view more = "") {
    return R"({"model":"chat",)" + std::string(more) + R"("messages":[{"role":"user","content":")" +
           std::string(text) + R"("}]})";
}

// Two threads, so that the thread sanitizer sees what the threads share.
class MockServerThreads : public testing::Test {
  protected:
    void serve(std::vector<std::string> backends, std::vector<std::string> more = {}) {
        std::vector<std::string> arguments = {"--threads", "2"};
        for (std::string& one : backends)
            arguments.insert(arguments.end(), {"--backend", std::move(one)});
        arguments.insert(arguments.end(), more.begin(), more.end());
        const OptionsOrError read = read_options(arguments);
        ASSERT_FALSE(read.error) << *read.error;
        server_ = std::make_unique<Server>(read.options);
        server_->start();
    }

    std::string url(std::size_t index = 0) const { return server_->endpoints().at(index).url; }

    json::value admin(std::string_view method, std::string_view target, std::string_view body = "") {
        RawClient client(server_->admin_url());
        client.send(std::string(method) + " " + std::string(target) +
                    " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                    std::string(body));
        const auto response = client.response();
        last_admin_status_ = response.result_int();
        return json::parse(response.body());
    }

    json::value stats(std::string_view backend) { return admin("GET", "/stats").at("backends").at(backend); }

    RawClient::Response exchange(const std::string& request) {
        RawClient client(url());
        client.send(request);
        return client.response();
    }

    std::unique_ptr<Server> server_;
    unsigned last_admin_status_ = 0;
};

TEST_F(MockServerThreads, AnswersOnOneConnectionAgainAndAgain) {
    serve({"a,keys=k1"});
    RawClient client(url());
    for (int i = 0; i < 3; ++i) {
        client.send(post(chat_path, ask("[[tokens=3]]")));
        const auto response = client.response();
        EXPECT_EQ(response.result_int(), 200U);
        EXPECT_EQ(response["x-ms-deployment-name"], "chat");
        EXPECT_EQ(json::parse(response.body()).at("usage").at("completion_tokens").as_int64(), 3);
    }
    EXPECT_EQ(stats("a").at("connections_accepted").as_int64(), 1);
    EXPECT_EQ(stats("a").at("deployments").at("chat").at("completed").as_int64(), 3);
}

TEST_F(MockServerThreads, PipelinedRequestsAreAnsweredInOrder) {
    serve({"a,keys=k1"});
    RawClient client(url());
    client.send(post(chat_path, ask("[[tokens=1]]")) +
                post(chat_path, ask("[[tokens=2]]", R"("stream":true,)")) +
                post(chat_path, ask("[[tokens=3]]")));
    EXPECT_EQ(json::parse(client.response().body()).at("usage").at("completion_tokens").as_int64(), 1);
    EXPECT_THAT(client.response().body(), HasSubstr("data: [DONE]"));
    EXPECT_EQ(json::parse(client.response().body()).at("usage").at("completion_tokens").as_int64(), 3);
}

TEST_F(MockServerThreads, QuotaRefusesWithTheRealWords) {
    serve({"a,tpm=1000,rpm=600,keys=k1"});
    EXPECT_EQ(exchange(post(chat_path, ask("x", R"("max_tokens":900,)"))).result_int(), 200U);
    const auto refused = exchange(post(chat_path, ask("x", R"("max_tokens":900,)")));
    EXPECT_EQ(refused.result_int(), 429U);
    EXPECT_THAT(
        refused.body(),
        HasSubstr(
            "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 "
            "have exceeded token rate limit"));
    EXPECT_EQ(refused["x-ratelimit-remaining-tokens"], "99");
    EXPECT_GT(std::stoi(std::string(refused["retry-after-ms"])), 50'000);
    EXPECT_EQ(exchange(post(chat_path, ask("x", R"("max_tokens":50,)"))).result_int(), 200U)
        << "a small one still fits";
    const json::value chat = stats("a").at("deployments").at("chat");
    EXPECT_EQ(chat.at("throttled_tokens").as_int64(), 1);
    EXPECT_EQ(chat.at("tokens_charged").as_int64(), 952);
}

TEST_F(MockServerThreads, RetryAfterIsInRealTimeWhenTheMinuteIsShort) {
    serve({"a,tpm=100,rpm=600,keys=k1"}, {"--time-scale", "2"});
    EXPECT_EQ(exchange(post(chat_path, ask("x", R"("max_tokens":90,)"))).result_int(), 200U);
    const auto refused = exchange(post(chat_path, ask("x", R"("max_tokens":90,)")));
    EXPECT_EQ(refused.result_int(), 429U);
    EXPECT_LE(std::stoi(std::string(refused["retry-after-ms"])), 30'000);
}

TEST_F(MockServerThreads, RequestsPerSliceAreCountedEvenWhenTheyFail) {
    serve({"a,tpm=0,rpm=12,keys=k1"});
    EXPECT_EQ(exchange(post(chat_path, "{")).result_int(), 400U);
    EXPECT_EQ(exchange(post(chat_path, ask("[[content_filter]]"))).result_int(), 400U);
    const auto refused = exchange(post(chat_path, ask("x")));
    EXPECT_EQ(refused.result_int(), 429U);
    EXPECT_THAT(refused.body(), HasSubstr("have exceeded call rate limit"));
}

TEST_F(MockServerThreads, StreamOptionsMayBeRefusedOrIgnored) {
    constexpr std::string_view wish = R"("stream":true,"stream_options":{"include_usage":true},)";
    serve({"a,keys=k1", "b,keys=k1,stream_options=refused", "c,keys=k1,stream_options=ignored"});
    const auto answer = [&](std::size_t index, std::string_view more) {
        RawClient client(url(index));
        client.send(post(chat_path, ask("[[tokens=2]]", more)));
        return client.response();
    };
    EXPECT_THAT(answer(0, wish).body(), HasSubstr("completion_tokens"));
    EXPECT_EQ(answer(1, wish).result_int(), 400U);
    EXPECT_THAT(answer(1, wish).body(), HasSubstr("Unrecognized request argument supplied: stream_options"));
    EXPECT_THAT(answer(1, R"("stream":true,)").body(), HasSubstr("data: [DONE]"));
    EXPECT_THAT(answer(2, wish).body(), testing::Not(HasSubstr("\"usage\"")));
}

TEST_F(MockServerThreads, ErrorsOfTheGateway) {
    serve({"a,keys=k1"});
    EXPECT_EQ(exchange(post(chat_path, ask("x"), "api-key: wrong\r\n")).result_int(), 401U);
    EXPECT_EQ(exchange(post(chat_path, ask("x"), "")).result_int(), 401U);
    EXPECT_THAT(exchange(post("/openai/deployments/chat/chat/completions", ask("x"))).body(),
                HasSubstr("Resource not found"));
    EXPECT_THAT(exchange(post("/openai/deployments/nope/chat/completions?api-version=1", ask("x"))).body(),
                HasSubstr("DeploymentNotFound"));
    EXPECT_EQ(exchange("NONSENSE\r\n\r\n").result_int(), 400U);
    EXPECT_EQ(exchange("GET / HTTP/1.1\r\nx: " + std::string(70'000, 'x') + "\r\n\r\n").result_int(), 431U);
    EXPECT_EQ(stats("a").at("unreadable_requests").as_int64(), 2);
}

TEST_F(MockServerThreads, HeadHttp10AndContinue) {
    serve({"a,keys=k1"});
    RawClient old(url());
    RawClient::End end{};
    const std::string body = ask("[[tokens=1]]", R"("stream":true,)");
    old.send("POST /openai/v1/chat/completions HTTP/1.0\r\napi-key: k1\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body);
    const std::string answer = old.rest(&end);
    EXPECT_EQ(end, RawClient::End::closed);
    EXPECT_THAT(answer, testing::Not(HasSubstr("chunked")));
    EXPECT_THAT(answer, HasSubstr("data: [DONE]\n\n"));

    RawClient careful(url());
    careful.send(
        "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\napi-key: k1\r\nExpect: "
        "100-continue\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n");
    EXPECT_EQ(careful.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    careful.send(body);
    EXPECT_THAT(careful.until("\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(MockServerThreads, RecordsWhatReachedTheBackend) {
    serve({"a,keys=k1", "b,keys=k1"});
    const std::string body = ask("x");
    exchange(post(chat_path, body, "api-key: k1\r\nX-Thing: Value\r\n"));
    RawClient chunked(url(1));
    chunked.send(
        "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        "k1\r\nTransfer-Encoding: "
        "chunked\r\n\r\n5\r\n" +
        body.substr(0, 5) + "\r\n");
    chunked.send("36;ext=1\r\n" + body.substr(5) + "\r\n0\r\ntrailer: x\r\n\r\n");
    ASSERT_EQ(body.size(), 5U + 0x36U);
    EXPECT_EQ(chunked.response().result_int(), 200U);

    const json::value all = admin("GET", "/requests").at("requests");
    ASSERT_EQ(all.as_array().size(), 2U);
    EXPECT_EQ(all.at(0).at("api_key").as_string(), "k1");
    EXPECT_EQ(all.at(0).at("body").as_string(), body);
    EXPECT_EQ(all.at(0).at("body_sha256"), all.at(1).at("body_sha256"));
    EXPECT_THAT(json::serialize(all.at(0).at("headers")), HasSubstr(R"(["X-Thing","Value"])"));
    EXPECT_EQ(all.at(1).at("authorization").as_string(), "Bearer k1");
    EXPECT_TRUE(all.at(1).at("body_chunked").as_bool());
    EXPECT_EQ(all.at(1).at("deployment").as_string(), "chat");
    EXPECT_EQ(admin("GET", "/requests?backend=b&n=5").at("requests").as_array().size(), 1U);
}

TEST_F(MockServerThreads, RecordsBytesThatAreNoText) {
    serve({"a,keys=k1"});
    exchange(post(chat_path, std::string("{\xff\x00\xe9", 4), "api-key: k1\r\nX-Bytes: \xe9\r\n"));
    const json::value one = admin("GET", "/requests").at("requests").at(0);
    EXPECT_EQ(one.at("body_encoding").as_string(), "latin-1");
    EXPECT_EQ(one.at("body").as_string(), json::string("{\u00ff\0\u00e9", 6));
    EXPECT_THAT(json::serialize(one.at("headers")), HasSubstr("\u00e9"));
}

TEST_F(MockServerThreads, SeesThatTheClientLeftWhileItGenerates) {
    serve({"a,keys=k1"});
    RawClient client(url());
    client.send(post(chat_path, ask("[[tokens=50]][[token_ms=600000]]", R"("stream":true,)")));
    EXPECT_THAT(client.until("prompt_filter_results"), HasSubstr("200 OK"));
    client.close();
    json::value now = stats("a");
    while (now.at("aborted_by_peer").as_int64() == 0)
        now = stats("a");
    EXPECT_EQ(now.at("in_flight").as_int64(), 0);
    EXPECT_EQ(now.at("aborts").at(0).at("request_seq").as_int64(), 1);
    EXPECT_EQ(now.at("deployments").at("chat").at("completed").as_int64(), 0);
}

TEST_F(MockServerThreads, StoredResponsesBelongToTheBackendThatMadeThem) {
    serve({"a,keys=k1", "b,keys=k1"});
    const auto made = exchange(post("/openai/v1/responses", R"({"model":"chat","input":"x"})"));
    const std::string id(json::parse(made.body()).at("id").as_string().c_str());
    const std::string more = R"({"model":"chat","input":"y","previous_response_id":")" + id + R"("})";
    EXPECT_EQ(exchange(post("/openai/v1/responses", more)).result_int(), 200U);
    RawClient other(url(1));
    other.send(post("/openai/v1/responses", more));
    EXPECT_THAT(other.response().body(), HasSubstr("previous_response_not_found"));
}

TEST_F(MockServerThreads, QuotasChangeAtRunTimeAndResetForgets) {
    serve({"a,tpm=1000,rpm=600,keys=k1"});
    const std::string request = post(chat_path, ask("x", R"("max_tokens":900,)"));
    EXPECT_EQ(exchange(request).result_int(), 200U);
    EXPECT_EQ(exchange(request).result_int(), 429U);
    EXPECT_TRUE(admin("POST", "/config", R"({"backend":"a","tpm":5000})").at("ok").as_bool());
    EXPECT_EQ(exchange(request).result_int(), 200U);
    admin("POST", "/config", R"({"backend":"a","tpm":"x"})");
    EXPECT_EQ(last_admin_status_, 400U);
    admin("POST", "/config", R"({"backend":"zzz","tpm":1})");
    EXPECT_EQ(last_admin_status_, 404U);
    EXPECT_TRUE(admin("POST", "/reset").at("ok").as_bool());
    EXPECT_EQ(stats("a").at("requests").as_int64(), 0);
    EXPECT_EQ(admin("GET", "/requests").at("requests").as_array().size(), 0U);
    EXPECT_EQ(admin("GET", "/config").at("backends").at("a").at("tpm").as_int64(), 5'000);
}

TEST_F(MockServerThreads, ManyClientsAtOnceStayWithinTheQuota) {
    serve({"a,tpm=10000,rpm=0,keys=k1"});
    std::vector<std::thread> clients;
    clients.reserve(4);
    std::atomic<int> admitted{0};
    for (int i = 0; i < 4; ++i) {
        clients.emplace_back([this, &admitted] {
            RawClient client(url());
            for (int k = 0; k < 10; ++k) {
                client.send(post(chat_path, ask("x", R"("max_tokens":499,)")));
                if (client.response().result_int() == 200U) ++admitted;
            }
        });
    }
    for (std::thread& one : clients)
        one.join();
    EXPECT_EQ(admitted, 20) << "each request costs 500 of 10,000 tokens";
    EXPECT_EQ(stats("a").at("deployments").at("chat").at("tokens_window_max").as_int64(), 10'000);
}

TEST_F(MockServerThreads, FixedAnswersAreWellFormed) {
    serve({"race"}, {"--fixed-bytes", "2000", "--fixed-sse", "3:0"});
    RawClient client(url());
    for (int i = 0; i < 2; ++i) {
        client.send(post("/any", ask(std::string(40'000, 'x'))));
        EXPECT_EQ(client.response().body().size(), 2'000U);
        client.send(post("/any", ask("x", R"("stream": true,)")));
        const std::string body = client.response().body();
        EXPECT_THAT(body, StartsWith("data: {"));
        EXPECT_THAT(body, testing::EndsWith("data: [DONE]\n\n"));
    }
    client.send(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(client.response().result_int(), 200U);
    EXPECT_EQ(client.response().result_int(), 200U);
}

} // namespace
} // namespace headroom::mock
