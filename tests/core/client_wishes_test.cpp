// What a head says about waiting: which field wins, what is garbage, what is bounded.
#include "core/client_wishes.hpp"

#include "core/answer.hpp"
#include "net/http/parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::core {
namespace {

using namespace std::chrono_literals;

class ClientWishesTest : public ::testing::Test {
  protected:
    ClientWishes read(const std::string& fields) {
        text_ = "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
        parser_.reset();
        std::size_t consumed = 0;
        EXPECT_EQ(parser_.read_head(text_, consumed), net::ParseStatus::done) << fields;
        return wishes_of(parser_.head(), config_);
    }

    QueueConfig config_;

  private:
    std::string text_;
    net::RequestParser parser_;
};

TEST_F(ClientWishesTest, WaitsAsConfiguredWhenNothingIsSaid) {
    EXPECT_EQ(read("").patience, 15s);
}

TEST_F(ClientWishesTest, OwnFieldWinsAndMayForbidWaiting) {
    EXPECT_EQ(read("X-Headroom-Max-Wait-Ms: 2500\r\nX-Stainless-Timeout: 600\r\n").patience, 2500ms);
    EXPECT_EQ(read("x-headroom-max-wait-ms: 0\r\n").patience, 0s);
    EXPECT_EQ(read("x-headroom-max-wait-ms: 999999999\r\n").patience, 120s);
}

TEST_F(ClientWishesTest, HalfOfTheShortestTimeoutIsWaited) {
    EXPECT_EQ(read("X-Stainless-Timeout: 20\r\n").patience, 10s);
    EXPECT_EQ(read("x-stainless-read-timeout: 0.5\r\n").patience, 250ms);
    EXPECT_EQ(read("x-envoy-expected-rq-timeout-ms: 8000\r\nrequest-timeout: 100\r\n").patience, 4s);
    EXPECT_EQ(read("x-stainless-timeout: 600\r\n").patience, 120s);
}

TEST_F(ClientWishesTest, GarbageIsIgnored) {
    for (const char* bad : {"", "-1", "1e9", "NOT_GIVEN", "5s", "1.2.3", ".", "0x10", "600, 600",
                            "99999999999999999999999999999999999"}) {
        EXPECT_EQ(read(std::string("x-stainless-timeout: ") + bad + "\r\n").patience, 15s) << bad;
        EXPECT_EQ(read(std::string("x-headroom-max-wait-ms: ") + bad + "\r\n").patience, 15s) << bad;
        EXPECT_EQ(read(std::string("x-stainless-retry-count: ") + bad + "\r\n").retries, 0U) << bad;
    }
}

TEST_F(ClientWishesTest, NobodyWaitsWhenTheQueueIsOff) {
    config_.length_max = 0;
    EXPECT_EQ(read("x-headroom-max-wait-ms: 2500\r\n").patience, 0s);
}

TEST_F(ClientWishesTest, TheHeaderNamesTheTenantElseTheCredentialDoes) {
    EXPECT_EQ(read("x-headroom-tenant: search\r\napi-key: k\r\n").tenant, "search");
    EXPECT_EQ(read("api-key: k\r\nAuthorization: Bearer t\r\n").credential, "k");
    EXPECT_EQ(read("Authorization: Bearer t\r\n").credential, "Bearer t");
    config_.tenant_header.clear();
    EXPECT_EQ(read("x-headroom-tenant: search\r\napi-key: k\r\n").tenant, "");
    EXPECT_EQ(read("x-headroom-tenant: search\r\napi-key: k\r\n").credential, "k");
}

TEST_F(ClientWishesTest, RetriesOfTheSdkAreCounted) {
    EXPECT_EQ(read("X-Stainless-Retry-Count: 2\r\n").retries, 2U);
    EXPECT_EQ(read("X-Stainless-Retry-Count: 0\r\n").retries, 0U);
}

TEST_F(ClientWishesTest, OwnFieldsAreNotPassedOn) {
    EXPECT_TRUE(is_own_field("X-Headroom-Max-Wait-Ms", config_));
    EXPECT_FALSE(is_own_field("X-Stainless-Timeout", config_));
    config_.tenant_header = "x-team";
    EXPECT_TRUE(is_own_field("X-Team", config_));
    EXPECT_FALSE(is_own_field("X-Teams", config_));
}

TEST(ExhaustedAnswer, SpreadsWhoComesBackWithinWhatSdksObey) {
    EXPECT_EQ(exhausted_answer(8s, 0).retry_after, 8s);
    for (std::uint64_t random = 1; random < 1'000'000'000'000; random = random * 7 + 3) {
        const Answer soon = exhausted_answer(8s, random);
        EXPECT_GE(soon.retry_after, 8s);
        EXPECT_LT(soon.retry_after, 9s);
        EXPECT_FALSE(soon.retry_is_useless);
        EXPECT_LT(exhausted_answer(58s, random).retry_after, 60s);
        const Answer late = exhausted_answer(80s, random);
        EXPECT_GE(late.retry_after, 80s) << "the truth";
        EXPECT_TRUE(late.retry_is_useless);
    }
}

} // namespace
} // namespace headroom::core
