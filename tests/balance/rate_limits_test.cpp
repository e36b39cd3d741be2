// Every spelling of a limit or a wait that backends were seen to send, and what hostile ones might.
#include "balance/rate_limits.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;
using Kind = Refusal::Kind;

// Sun, 06 Nov 1994 08:49:37 GMT
constexpr WallTime wall_now{std::chrono::seconds(784'111'777)};

RateLimits fields(std::initializer_list<std::pair<std::string_view, std::string_view>> list) {
    RateLimits limits;
    for (const auto& [name, value] : list)
        limits.on_field(name, value);
    return limits;
}

Refusal refusal(std::initializer_list<std::pair<std::string_view, std::string_view>> list,
                std::string_view body = {}) {
    return refusal_from(429, fields(list), body, wall_now);
}

Duration wait_of(std::string_view name, std::string_view value) {
    return refusal({{name, value}}).retry_after;
}

TEST(RateLimits, ReadsAzuresHeaders) {
    const RateLimits limits = fields({{"x-ratelimit-limit-requests", "450"},
                                      {"X-RateLimit-Remaining-Requests", "449"},
                                      {"x-ratelimit-limit-tokens", "450000"},
                                      {"x-ratelimit-remaining-tokens", " 449356 "},
                                      {"x-ratelimit-reset-tokens", "7"}});
    EXPECT_EQ(limits.limit_requests, 450);
    EXPECT_EQ(limits.remaining_requests, 449);
    EXPECT_EQ(limits.limit_tokens, 450'000);
    EXPECT_EQ(limits.remaining_tokens, 449'356);
    EXPECT_EQ(limits.reset_tokens, Duration(7s));
}

TEST(RateLimits, SaysWhichFieldsAreItsOwn) {
    RateLimits limits;
    for (const std::string_view name :
         {"retry-after", "Retry-After-Ms", "X-RATELIMIT-RESET-REQUESTS", "x-rate-limit-reset-tokens"}) {
        EXPECT_TRUE(limits.on_field(name, "1")) << name;
    }
    for (const std::string_view name :
         {"", "x", "x-rate", "x-ratelimit", "x-ratelimit-", "x-ratelimit-limit", "x-ratelimit-limit-bytes",
          "x-request-id", "retry-afterwards", "x-ratelimit-limit-tokens-day", "content-length", "x-rate-"}) {
        EXPECT_FALSE(limits.on_field(name, "1")) << name;
    }
}

TEST(RateLimits, TreatsMinusOneAndZeroAsWhatTheyMean) {
    const RateLimits limits = fields({{"x-ratelimit-limit-tokens", "-1"},
                                      {"x-ratelimit-remaining-tokens", "-1"},
                                      {"x-ratelimit-limit-requests", "0"},
                                      {"x-ratelimit-remaining-requests", "0"}});
    EXPECT_FALSE(limits.limit_tokens);
    EXPECT_FALSE(limits.remaining_tokens);
    EXPECT_FALSE(limits.limit_requests);
    EXPECT_EQ(limits.remaining_requests, 0);
}

TEST(RateLimits, SurvivesGarbage) {
    for (const std::string_view value :
         {"", " ", "abc", "--5", "+5", "1e9", "0x10", ".5", "\xff\xfe", "NaN", "inf"}) {
        RateLimits limits;
        limits.on_field("x-ratelimit-limit-tokens", value);
        limits.on_field("x-ratelimit-reset-tokens", value);
        limits.on_field("retry-after", value);
        limits.on_field("retry-after-ms", value);
        if (value[0] != '1' && value[0] != '0') {
            EXPECT_FALSE(limits.limit_tokens) << value;
            EXPECT_FALSE(limits.reset_tokens) << value;
            EXPECT_FALSE(limits.retry_after) << value;
            EXPECT_FALSE(limits.retry_after_ms) << value;
        }
        EXPECT_FALSE(limits.retry_at) << value;
    }
}

TEST(RateLimits, ClampsHugeNumbers) {
    const std::string digits(60, '9');
    const RateLimits limits = fields({{"x-ratelimit-limit-tokens", digits}, {"retry-after", digits}});
    EXPECT_EQ(limits.limit_tokens, std::int64_t{1} << 40);
    EXPECT_EQ(limits.retry_after, Duration(366 * 24h));
    EXPECT_EQ(wait_of("retry-after", digits), refusal_wait_max);
    EXPECT_EQ(wait_of("retry-after", std::string(400, '9')), refusal_wait_max);
}

TEST(RateLimits, TheFirstSaneValueOfAFieldWins) {
    const RateLimits limits = fields({{"x-ratelimit-limit-tokens", "x"},
                                      {"x-ratelimit-limit-tokens", "5"},
                                      {"x-ratelimit-limit-tokens", "6"}});
    EXPECT_EQ(limits.limit_tokens, 5);
}

TEST(Refusal, ReadsEveryFormOfAWait) {
    EXPECT_EQ(wait_of("retry-after-ms", "1500"), Duration(1500ms));
    EXPECT_EQ(wait_of("retry-after-ms", "37.5"), Duration(37'500us));
    EXPECT_EQ(wait_of("retry-after", "22"), Duration(22s));
    EXPECT_EQ(wait_of("retry-after", "0.25"), Duration(250ms));
    EXPECT_EQ(wait_of("retry-after", "Sun, 06 Nov 1994 08:49:57 GMT"), Duration(20s));
    EXPECT_EQ(wait_of("retry-after", "Sunday, 06-Nov-94 08:49:57 GMT"), Duration(20s));
    EXPECT_EQ(wait_of("retry-after", "Sun Nov  6 08:49:57 1994"), Duration(20s));
    EXPECT_EQ(wait_of("x-ratelimit-reset-tokens", "13"), Duration(13s));
    EXPECT_EQ(wait_of("x-ratelimit-reset-tokens", "20ms"), Duration(20ms));
    EXPECT_EQ(wait_of("x-ratelimit-reset-tokens", "1s"), Duration(1s));
    EXPECT_EQ(wait_of("x-ratelimit-reset-requests", "1m0.5s"), refusal_wait_max) << "60.5 s, clamped";
    EXPECT_EQ(wait_of("x-ratelimit-reset-requests", "6m0s"), refusal_wait_max);
    EXPECT_EQ(wait_of("x-rate-limit-reset-tokens", "55"), Duration(55s));
}

TEST(Refusal, PrefersMillisecondsThenSecondsThenResetsThenText) {
    constexpr std::string_view text = "Please retry after 9 seconds.";
    EXPECT_EQ(
        refusal({{"retry-after-ms", "100"}, {"retry-after", "5"}, {"x-ratelimit-reset-tokens", "7"}}, text)
            .retry_after,
        Duration(100ms));
    EXPECT_EQ(refusal({{"retry-after", "5"}, {"x-ratelimit-reset-tokens", "7"}}, text).retry_after,
              Duration(5s));
    EXPECT_EQ(refusal({{"x-ratelimit-reset-tokens", "7"}}, text).retry_after, Duration(7s));
    EXPECT_EQ(refusal({}, text).retry_after, Duration(9s));
}

TEST(Refusal, TakesTheResetOfWhatRanOut) {
    const auto both = {std::pair<std::string_view, std::string_view>{"x-ratelimit-reset-tokens", "40"},
                       {"x-ratelimit-reset-requests", "3"}};
    EXPECT_EQ(refusal(both, "exceeded token rate limit").retry_after, Duration(40s));
    EXPECT_EQ(refusal(both, "exceeded call rate limit").retry_after, Duration(3s));
    EXPECT_EQ(refusal(both).retry_after, Duration(3s))
        << "unknown: the sooner one, the backend will say if it was wrong";
}

TEST(Refusal, AWaitOfNothingIsNotStated) {
    for (const std::string_view value : {"0", "-1", "", "garbage", "Sat, 05 Nov 1994 08:49:37 GMT"}) {
        const Refusal read =
            refusal({{"retry-after", value}, {"retry-after-ms", value}, {"x-ratelimit-reset-tokens", "0"}});
        EXPECT_FALSE(read.stated) << value;
        EXPECT_EQ(read.retry_after, refusal_wait_default) << value;
    }
    const Refusal observed = refusal({{"x-ratelimit-limit-tokens", "-1"},
                                      {"x-ratelimit-remaining-tokens", "-1"},
                                      {"x-ratelimit-reset-tokens", "0"}});
    EXPECT_FALSE(observed.stated);
    EXPECT_GT(observed.retry_after, Duration::zero());
}

TEST(Refusal, MarksOverlongWaits) {
    for (const std::string_view value : {"86400", "61", "Mon, 06 Nov 2034 08:49:37 GMT"}) {
        const Refusal read = refusal({{"retry-after", value}});
        EXPECT_TRUE(read.stated && read.overlong) << value;
        EXPECT_EQ(read.retry_after, refusal_wait_max) << value;
    }
    EXPECT_FALSE(refusal({{"retry-after", "60"}}).overlong);
    const Refusal broke =
        refusal({}, R"({"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}})");
    EXPECT_TRUE(broke.overlong);
}

TEST(Refusal, NeverWaitsLessThanTheMinimum) {
    EXPECT_EQ(wait_of("retry-after-ms", "0.001"), refusal_wait_min);
}

TEST(Refusal, ReadsTheTextsOfAzureAndOpenAi) {
    const auto read = [](std::string_view message) {
        return refusal({}, R"({"error":{"code":"429","message":")" + std::string(message) + R"("}})");
    };
    const Refusal tokens = read(
        "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have "
        "exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 22 seconds. "
        "Please go here: https://aka.ms/oai/quotaincrease");
    EXPECT_EQ(tokens.kind, Kind::tokens);
    EXPECT_EQ(tokens.retry_after, Duration(22s));
    const Refusal calls = read(
        "Requests to the Embeddings_Create Operation have exceeded call rate limit of your current "
        "AIServices "
        "S0 pricing tier. Please retry after 1 second.");
    EXPECT_EQ(calls.kind, Kind::requests);
    EXPECT_EQ(calls.retry_after, Duration(1s));
    const Refusal newer = read(
        "Your requests to gpt-4.1-nano for gpt-4.1-nano in Sweden Central have exceeded the token rate limit "
        "for your current AIServices S0 pricing tier. Please retry after 45 seconds.");
    EXPECT_EQ(newer.kind, Kind::tokens);
    EXPECT_EQ(newer.retry_after, Duration(45s));
    EXPECT_EQ(
        read("Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000. Please try again in 6m0s.")
            .kind,
        Kind::tokens);
    EXPECT_EQ(read("Rate limit reached on requests per min (RPM). Please try again in 20ms.").retry_after,
              Duration(20ms));
    EXPECT_EQ(read("Please try again in 1.5 minutes.").retry_after, refusal_wait_max);
    EXPECT_EQ(read("Try again in 120ms. Visit the docs.").retry_after, Duration(120ms));
    EXPECT_TRUE(read("Please retry after 86400 seconds.").overlong);
    EXPECT_FALSE(read("We could not retry your request in time.").stated);
}

TEST(Refusal, HighDemandIsCapacity) {
    for (const std::string_view text :
         {"The system is currently experiencing high demand and cannot process your request.",
          "We are temporarily unable to process your request"}) {
        const Refusal read = refusal({{"x-ratelimit-reset-tokens", "50"}}, text);
        EXPECT_EQ(read.kind, Kind::capacity);
        EXPECT_EQ(read.retry_after, refusal_wait_default)
            << "a token window's reset says nothing about demand";
    }
    EXPECT_EQ(refusal_from(503, {}, "", wall_now).kind, Kind::capacity);
}

TEST(Refusal, UsesWhatRemainsWhenTheTextSaysNothing) {
    EXPECT_EQ(refusal({{"x-ratelimit-remaining-tokens", "0"}}).kind, Kind::tokens);
    EXPECT_EQ(refusal({{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-remaining-tokens", "9"}}).kind,
              Kind::requests);
    EXPECT_EQ(refusal({}).kind, Kind::unknown);
}

TEST(Refusal, IsBoundedForAnyBytes) {
    for (const std::uint64_t seed : seeds(200)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        static constexpr std::string_view parts[] = {"retry after ",
                                                     "try again in ",
                                                     "0",
                                                     "9",
                                                     "99999",
                                                     ".",
                                                     "-",
                                                     "m",
                                                     "s",
                                                     "ms",
                                                     " seconds",
                                                     " ",
                                                     "token rate limit",
                                                     "\n",
                                                     "\xff",
                                                     "Sun, 06 Nov 1994 "};
        std::string body;
        while (body.size() < 200)
            body += random.pick(parts);
        RateLimits limits;
        limits.on_field("retry-after", std::string_view(body).substr(0, 40));
        limits.on_field("x-ratelimit-reset-tokens", std::string_view(body).substr(40, 40));
        limits.on_field("retry-after-ms", std::string_view(body).substr(80, 40));
        const Refusal read = refusal_from(429, limits, body, wall_now);
        EXPECT_GE(read.retry_after, refusal_wait_min);
        EXPECT_LE(read.retry_after, refusal_wait_max);
    }
}

} // namespace
} // namespace headroom::balance
