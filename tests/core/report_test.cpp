// Access lines: what they say, and that nobody can break out of them.
#include "core/report.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

namespace headroom::core {
namespace {

Config config_of_two() {
    Config config;
    BackendConfig one;
    one.name = "openai1";
    one.url.authority = "openai1.example";
    BackendConfig two = one;
    two.name = "openai2";
    two.url.authority = "openai2.example";
    config.backends = {one, two};
    return config;
}

AccessRecord record_of_a_retry() {
    AccessRecord record;
    record.started = net::Time(std::chrono::seconds(10));
    record.head_at = record.started + std::chrono::milliseconds(150);
    record.ended = record.started + std::chrono::milliseconds(900);
    record.method = "POST";
    record.path = "/openai/deployments/chat/chat/completions";
    record.target = "/openai/deployments/chat/chat/completions?api-version=1&api-key=planted";
    record.deployment = "chat";
    record.operation = balance::Operation::chat;
    record.backend = 1;
    record.status = 200;
    record.outcome = Outcome::relayed;
    record.attempts = 2;
    record.add_failed({0, 429, net::ErrorCode::none, balance::Verdict::quota});
    record.usage = balance::Usage{balance::Tokens(12), balance::Tokens(34), balance::Tokens(46), {}, {}};
    return record;
}

TEST(AccessLine, SaysWhatTheAncestorsReadersLookFor) {
    const std::string line = access_line(record_of_a_retry(), config_of_two(), {});
    EXPECT_TRUE(
        line.starts_with("Proxying to https://openai2.example/openai/deployments/chat/chat/completions "))
        << line;
    for (const char* part :
         {"POST 200 relayed 900ms", "first=150ms", "backend=openai2", "tokens=12+34", "openai1 429 quota"}) {
        EXPECT_NE(line.find(part), std::string::npos) << part << " in " << line;
    }
    EXPECT_EQ(line.find("planted"), std::string::npos);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(AccessLine, TellsOfAHedge) {
    Config config = config_of_two();
    AccessRecord record = record_of_a_retry();
    record.hedge = balance::HedgeEnd::scarce;
    EXPECT_NE(access_line(record, config, {}).find(" hedge=scarce "), std::string::npos);
    record.hedge = balance::HedgeEnd::won;
    record.hedge_backend = 1;
    record.hedge_tokens = balance::Tokens(57);
    EXPECT_NE(access_line(record, config, {}).find(" hedge=won:openai2 "), std::string::npos);
    config.log.format = LogFormat::json;
    const std::string line = access_line(record, config, {});
    EXPECT_NE(line.find(R"(,"hedge":"won","hedge_backend":"openai2","hedge_tokens":57)"), std::string::npos)
        << line;
    simdjson::dom::parser parser;
    EXPECT_EQ(parser.parse(line).error(), simdjson::SUCCESS) << line;
}

TEST(AccessLine, TellsReportedTokensFromCountedOnes) {
    Config config = config_of_two();
    AccessRecord record = record_of_a_retry();
    record.usage.reset();
    record.counted_output = balance::Tokens(17);
    const std::string text = access_line(record, config, {});
    EXPECT_NE(text.find(" counted=17"), std::string::npos) << text;
    EXPECT_EQ(text.find("tokens="), std::string::npos) << text;
    config.log.format = LogFormat::json;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    ASSERT_EQ(parser.parse(access_line(record, config, {})).get(root), simdjson::SUCCESS);
    EXPECT_EQ(std::int64_t(root["counted_output_tokens"]), 17);
    EXPECT_NE(root["completion_tokens"].error(), simdjson::SUCCESS);
}

TEST(AccessLine, JsonIsOneObject) {
    Config config = config_of_two();
    config.log.format = LogFormat::json;
    AccessRecord record = record_of_a_retry();
    record.deployment = "we\"ird\\\n\x01 name \xff";
    const std::string line =
        access_line(record, config, net::WallTime(std::chrono::milliseconds(1'795'422'577'123)));
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    ASSERT_EQ(parser.parse(line).get(root), simdjson::SUCCESS) << line;
    EXPECT_EQ(std::string_view(root["backend"]), "openai2");
    EXPECT_EQ(std::int64_t(root["status"]), 200);
    EXPECT_EQ(std::int64_t(root["completion_tokens"]), 34);
    EXPECT_EQ(std::string_view(root["deployment"]), "we\"ird\\\n\x01 name \xEF\xBF\xBD");
    EXPECT_TRUE(std::string_view(root["message"]).starts_with("Proxying to https://openai2.example/"));
    EXPECT_EQ(line.find("planted"), std::string::npos);
}

TEST(AccessLine, AnAnswerOfOurOwnNamesThePath) {
    AccessRecord record;
    record.method = "GET";
    record.path = "/nowhere";
    record.status = 404;
    record.outcome = Outcome::answered;
    record.why = "no-route";
    EXPECT_EQ(access_line(record, config_of_two(), {}),
              "Answering /nowhere GET 404 answered 0ms (no-route)\n");
}

TEST(Timestamp, IsRfc3339) {
    std::string out;
    append_timestamp(out, net::WallTime(std::chrono::milliseconds(1'795'422'577'007)));
    EXPECT_EQ(out, "2026-11-23T08:29:37.007Z");
}

} // namespace
} // namespace headroom::core
