// Our own errors must be JSON in Azure's shape, whatever their texts contain.
#include "balance/exhausted.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

std::string field(std::string_view json, std::string_view pointer) {
    simdjson::dom::parser parser;
    std::string_view value;
    if (parser.parse(json).at_pointer(pointer).get(value) != simdjson::SUCCESS) return "(none)";
    return std::string(value);
}

TEST(Exhausted, SpeaksAzuresWords) {
    const std::string body = exhausted_body(21'001ms);
    EXPECT_EQ(field(body, "/error/code"), "429");
    EXPECT_NE(field(body, "/error/message").find("Please retry after 22 seconds."), std::string::npos)
        << body;
}

TEST(Exhausted, NeverAsksForNoWait) {
    EXPECT_NE(exhausted_body(0ms).find("retry after 1 second."), std::string::npos);
    EXPECT_NE(exhausted_body(-5s).find("retry after 1 second."), std::string::npos);
}

TEST(Exhausted, EscapesTexts) {
    const std::string nasty = "a \"quote\", a \\ and a \n line \x01 end";
    const std::string body = error_body(400, nasty, nasty);
    EXPECT_EQ(field(body, "/error/code"), nasty);
    EXPECT_EQ(field(body, "/error/message"), nasty);
}

TEST(Exhausted, AnEmptyCodeBecomesTheStatus) {
    EXPECT_EQ(field(error_body(503, "", "x"), "/error/code"), "503");
}

TEST(Exhausted, AnEventIsOneLineOfDataThatEverySdkReads) {
    const std::string event = error_event(502, "BadGateway", "line\nbreak");
    ASSERT_TRUE(event.starts_with("event: error\ndata: {"));
    ASSERT_TRUE(event.ends_with("}\n\n"));
    const std::string data = event.substr(19, event.size() - 21);
    EXPECT_EQ(data.find('\n'), std::string::npos);
    EXPECT_EQ(field(data, "/error/message"), "line\nbreak");
    EXPECT_EQ(field(data, "/type"), "error");
    EXPECT_EQ(field(data, "/code"), "BadGateway");
}

TEST(Exhausted, HasACodeForEveryStatusWeSend) {
    for (const int status : {400, 401, 404, 408, 413, 429, 431, 500, 501, 502, 503, 504}) {
        EXPECT_FALSE(default_code(status).empty()) << status;
    }
    EXPECT_TRUE(default_code(299).empty());
}

} // namespace
} // namespace headroom::balance
