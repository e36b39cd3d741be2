// Faults as a client sees them on the wire, byte for byte.
#include "tests/tools/mock_azure/raw_client.hpp"
#include "tools/mock_azure/server.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::mock {
namespace {

namespace json = boost::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using End = RawClient::End;

constexpr std::string_view path = "/openai/v1/chat/completions";
constexpr std::string_view plain =
    R"({"model":"chat","messages":[{"role":"user","content":"[[tokens=8]]"}]})";
constexpr std::string_view stream =
    R"({"model":"chat","stream":true,"messages":[{"role":"user","content":"[[tokens=8]]"}]})";

class MockFaultThreads : public testing::Test {
  protected:
    MockFaultThreads() : server_(read_options({"--backend", "a,keys=k1,tpm=0,rpm=0"}).options) {
        server_.start();
    }

    std::string url() const { return server_.endpoints().at(0).url; }

    void order(const std::string& fault) {
        RawClient client(server_.admin_url());
        client.send(post("/faults", fault));
        const auto reply = client.response();
        ASSERT_EQ(reply.result_int(), 200U) << reply.body();
    }

    void clear() {
        RawClient client(server_.admin_url());
        client.send("DELETE /faults HTTP/1.1\r\nHost: x\r\n\r\n");
        ASSERT_EQ(client.response().result_int(), 200U);
    }

    /// Orders a fault once, sends a request that asks to close, and reads all there is.
    std::string bytes(const std::string& fault, std::string_view body, End* end) {
        order(fault);
        RawClient client(url());
        client.send(post(path, body, "api-key: k1\r\nConnection: close\r\n"));
        return client.rest(end);
    }

    Server server_;
};

TEST_F(MockFaultThreads, StatusesWithBodiesAndRetryAfter) {
    order(
        R"([{"kind":"503","count":1},{"kind":429,"count":1,"retry_after_ms":1200},{"kind":"high_demand","count":1}])");
    RawClient client(url());
    client.send(post(path, plain));
    EXPECT_EQ(client.response().result_int(), 503U);
    client.send(post(path, plain));
    const auto throttled = client.response();
    EXPECT_EQ(throttled.result_int(), 429U);
    EXPECT_EQ(throttled["retry-after"], "2");
    EXPECT_EQ(throttled["retry-after-ms"], "1200");
    client.send(post(path, plain));
    EXPECT_THAT(client.response().body(), HasSubstr("high demand"));
    client.send(post(path, plain));
    EXPECT_EQ(client.response().result_int(), 200U) << "all faults have struck";
}

TEST_F(MockFaultThreads, ResetsAndCloses) {
    End end{};
    EXPECT_EQ(bytes(R"({"kind":"reset","count":1})", plain, &end), "");
    EXPECT_EQ(end, End::reset);
    EXPECT_EQ(bytes(R"({"kind":"reset_unread","count":1})", plain, &end), "");
    EXPECT_EQ(end, End::reset);
    EXPECT_EQ(bytes(R"({"kind":"close","count":1})", plain, &end), "");
    EXPECT_EQ(end, End::closed);
    EXPECT_EQ(bytes(R"({"kind":"reset_accept","count":1})", plain, &end), "");
    EXPECT_EQ(end, End::reset);
}

TEST_F(MockFaultThreads, ResetsInTheMiddle) {
    End end{};
    EXPECT_LE(bytes(R"({"kind":"reset_bytes","n":100,"count":1})", plain, &end).size(), 100U);
    EXPECT_EQ(end, End::reset);
    EXPECT_THAT(bytes(R"({"kind":"reset_stream","n":4,"count":1})", stream, &end), Not(HasSubstr("[DONE]")));
    EXPECT_EQ(end, End::reset);
}

TEST_F(MockFaultThreads, StreamsThatEndTooEarly) {
    End end{};
    const std::string cut = bytes(R"({"kind":"close_stream","n":4,"count":1})", stream, &end);
    EXPECT_EQ(end, End::closed);
    EXPECT_THAT(cut, Not(EndsWith("0\r\n\r\n")));
    EXPECT_EQ(std::count(cut.begin(), cut.end(), '{') > 4, true);
    const std::string undone = bytes(R"({"kind":"no_done","count":1})", stream, &end);
    EXPECT_THAT(undone, EndsWith("0\r\n\r\n"));
    EXPECT_THAT(undone, Not(HasSubstr("[DONE]")));
    const std::string failed = bytes(R"({"kind":"sse_error","n":0,"count":1})", stream, &end);
    EXPECT_THAT(failed, HasSubstr("HTTP/1.1 200 OK"));
    EXPECT_THAT(failed, HasSubstr("data: {\"error\""));
    EXPECT_THAT(failed, Not(HasSubstr("choices")));
    EXPECT_THAT(failed, EndsWith("0\r\n\r\n"));
}

TEST_F(MockFaultThreads, LiesAboutFraming) {
    End end{};
    const std::string good = bytes(R"({"kind":"slow","ms":0,"count":1})", plain, &end);
    const std::size_t body = good.size() - good.find("\r\n\r\n") - 4;
    const auto length = [](std::size_t bytes) {
        return "\r\nContent-Length: " + std::to_string(bytes) + "\r\n";
    };
    EXPECT_THAT(good, HasSubstr(length(body)));
    EXPECT_THAT(bytes(R"({"kind":"length_long","n":7,"count":1})", plain, &end), HasSubstr(length(body + 7)));
    EXPECT_THAT(bytes(R"({"kind":"length_short","n":7,"count":1})", plain, &end),
                HasSubstr(length(body - 7)));
    EXPECT_THAT(bytes(R"({"kind":"empty","count":1})", plain, &end), HasSubstr(length(0)));
    const std::string both = bytes(R"({"kind":"both_framings","count":1})", plain, &end);
    EXPECT_THAT(both, HasSubstr("Content-Length: "));
    EXPECT_THAT(both, HasSubstr("Transfer-Encoding: chunked"));
    EXPECT_THAT(bytes(R"({"kind":"bad_chunk","n":2,"count":1})", stream, &end), HasSubstr("\r\nZZ\r\n"));
    EXPECT_THAT(bytes(R"({"kind":"bad_status","count":1})", plain, &end),
                StartsWith("HTTP/1.1 2x0 Fine\r\n"));
}

TEST_F(MockFaultThreads, HeadsThatAreTooMuch) {
    End end{};
    const std::string flood = bytes(R"({"kind":"info_flood","n":50,"count":1})", plain, &end);
    EXPECT_THAT(flood, StartsWith("HTTP/1.1 103 Early Hints\r\n"));
    EXPECT_THAT(flood, HasSubstr("HTTP/1.1 200 OK\r\n"));
    EXPECT_GT(bytes(R"({"kind":"huge_head","n":100000,"count":1})", plain, &end).size(), 100'000U);
}

TEST_F(MockFaultThreads, TrickleSendsTheSameBytes) {
    End end{};
    const std::string trickled = bytes(R"({"kind":"trickle","n":3,"count":1})", stream, &end);
    EXPECT_THAT(trickled, EndsWith("data: [DONE]\n\n\r\n0\r\n\r\n"));
    EXPECT_EQ(end, End::closed);
}

TEST_F(MockFaultThreads, EarlyAnswerBeforeTheBody) {
    order(R"({"kind":"early","status":503,"count":1})");
    RawClient client(url());
    client.send("POST " + std::string(path) +
                " HTTP/1.1\r\nHost: x\r\napi-key: k1\r\nContent-Length: 1000000\r\n\r\nonly this");
    const auto answer = client.response();
    EXPECT_EQ(answer.result_int(), 503U);
    EXPECT_EQ(answer["connection"], "close");
}

TEST_F(MockFaultThreads, ConnectionsThatAreNotKept) {
    order(R"({"kind":"connection_close","count":1})");
    End end{};
    RawClient announced(url());
    announced.send(post(path, plain));
    EXPECT_EQ(announced.response()["connection"], "close");
    EXPECT_EQ(announced.rest(&end), "");
    order(R"({"kind":"idle_close","count":1})");
    RawClient silent(url());
    silent.send(post(path, plain));
    EXPECT_EQ(silent.response()["connection"], "");
    EXPECT_EQ(silent.rest(&end), "");
    EXPECT_EQ(end, End::closed);
    order(R"({"kind":"stale","count":1})");
    RawClient stale(url());
    stale.send(post(path, plain));
    EXPECT_EQ(stale.response().result_int(), 200U);
    stale.send(post(path, plain));
    EXPECT_EQ(stale.rest(&end), "");
    EXPECT_EQ(end, End::reset);
}

TEST_F(MockFaultThreads, RefusesAndComesBackOnTheSamePort) {
    RawClient open(url());
    open.send(post(path, plain));
    EXPECT_EQ(open.response().result_int(), 200U);
    order(R"({"kind":"refuse","n":1})");
    End end{};
    EXPECT_EQ(open.rest(&end), "");
    EXPECT_EQ(end, End::reset);
    RawClient refused;
    EXPECT_FALSE(refused.connect(url()));
    clear();
    bool connected = false;
    while (!connected) {
        RawClient again;
        connected = again.connect(url());
    }
}

TEST_F(MockFaultThreads, HangsUntilTheClientLeaves) {
    for (const std::string fault :
         {R"({"kind":"hang","count":1})", R"({"kind":"hang_stream","n":3,"count":1})"}) {
        order(fault);
        RawClient client(url());
        client.send(post(path, stream));
        if (fault.find("stream") != std::string::npos)
            EXPECT_THAT(client.until("chunk"), HasSubstr("200 OK"));
        // The request has arrived for certain once the admin port shows it.
        std::string seen;
        while (seen.find("\"done\":false") == std::string::npos) {
            RawClient admin(server_.admin_url());
            admin.send("GET /requests?n=1 HTTP/1.1\r\nHost: x\r\n\r\n");
            seen = admin.response().body();
        }
        client.close();
        while (seen.find("\"aborted\":true") == std::string::npos) {
            RawClient admin(server_.admin_url());
            admin.send("GET /requests?n=1 HTTP/1.1\r\nHost: x\r\n\r\n");
            seen = admin.response().body();
        }
        EXPECT_THAT(seen, HasSubstr(fault.find("stream") == std::string::npos ? R"("fault":"hang")"
                                                                              : R"("fault":"hang_stream")"));
    }
}

} // namespace
} // namespace headroom::mock
