// What a request is called, and where its client reads it.
#include "core/request_id.hpp"

#include "net/http/parser.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace headroom::core {
namespace {

/// The client's copy of a response head with these fields.
std::string with_id(const std::string& fields) {
    const std::string text = "HTTP/1.1 200 OK\r\n" + fields + "\r\n";
    net::ResponseParser parser;
    std::size_t consumed = 0;
    EXPECT_EQ(parser.read_head(text, consumed), net::ParseStatus::done) << text;
    std::array<char, 512> memory{};
    net::HeadWriter writer(memory);
    writer.copy_end_to_end(parser.head());
    add_request_id(writer, parser.head(), "ours");
    return std::string(writer.view());
}

TEST(RequestId, IsTheClientsWhenThatNeedsNoQuoting) {
    EXPECT_EQ(request_id_of("a-1_b.c:d+e=f@g", 1), "a-1_b.c:d+e=f@g");
    EXPECT_EQ(request_id_of(std::string(64, 'x'), 1), std::string(64, 'x'));
    for (const std::string& other :
         {std::string(), std::string(65, 'x'), std::string("a b"), std::string("a/b")})
        EXPECT_EQ(request_id_of(other, 0xabcU), "0000000000000abc");
}

TEST(RequestId, IsAddedToAResponseThatBringsNone) {
    EXPECT_EQ(with_id(""), "x-headroom-request-id: ours\r\n");
    EXPECT_EQ(with_id("x-request-id: its own\r\n"),
              "x-request-id: its own\r\nx-headroom-request-id: ours\r\n");
}

TEST(RequestId, OfAnInnerProxyIsPassedOn) {
    EXPECT_EQ(with_id("X-Headroom-Request-Id: inner\r\n"), "X-Headroom-Request-Id: inner\r\n");
}

/// RFC 9110 section 7.6.1: what Connection names ends here.
TEST(RequestId, IsAddedWhereTheInnerOneEndsHere) {
    EXPECT_EQ(with_id("Connection: x-headroom-request-id\r\nx-headroom-request-id: inner\r\n"),
              "x-headroom-request-id: ours\r\n");
}

} // namespace
} // namespace headroom::core
