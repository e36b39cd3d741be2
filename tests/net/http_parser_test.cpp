// The corpus through the parsers: the expected verdict, however the bytes are cut.
#include "net/http/parser.hpp"
#include "tests/net/http_corpus/corpus.hpp"
#include "tests/net/http_corpus/rendering.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace headroom::net {
namespace {

using corpus::Cuts;

/// A step costs as much as its input, because every piece is given from fresh memory.
constexpr std::size_t short_bytes = 2500;

/// All places to cut a short input in two; of a long one both ends and some in between.
std::vector<std::size_t> places(std::size_t size) {
    constexpr std::size_t dense = 50;
    std::vector<std::size_t> all;
    const auto is_dense = [size](std::size_t at) {
        return size <= short_bytes || at < dense || size - at < dense;
    };
    for (std::size_t at = 1; at < size; at += is_dense(at) ? 1 : 997)
        all.push_back(at);
    return all;
}

bool is_short(std::string_view input) {
    return input.size() <= short_bytes;
}

TEST(HttpParser, RequestsAreJudgedAsTheRfcsSay) {
    const auto cases = corpus::all_requests();
    ASSERT_GE(cases.size(), 400U);
    for (const auto& test : cases) {
        EXPECT_EQ(corpus::render_request(test.input, {}), test.expected) << test.why;
    }
}

TEST(HttpParser, RequestsAreJudgedTheSameInPieces) {
    for (const auto& test : corpus::all_requests()) {
        SCOPED_TRACE(test.why);
        if (is_short(test.input)) {
            ASSERT_EQ(corpus::render_request(test.input, corpus::every_byte(test.input)), test.expected);
        }
        for (const std::size_t at : places(test.input.size())) {
            ASSERT_EQ(corpus::render_request(test.input, Cuts{at}), test.expected) << "cut at " << at;
        }
    }
}

TEST(HttpParser, ResponsesAreJudgedAsTheRfcsSay) {
    const auto cases = corpus::all_responses();
    ASSERT_GE(cases.size(), 250U);
    for (const auto& test : cases) {
        EXPECT_EQ(corpus::render_response(test, {}), test.expected) << test.why;
    }
}

TEST(HttpParser, ResponsesAreJudgedTheSameInPieces) {
    for (const auto& test : corpus::all_responses()) {
        SCOPED_TRACE(test.why);
        if (is_short(test.input)) {
            ASSERT_EQ(corpus::render_response(test, corpus::every_byte(test.input)), test.expected);
        }
        for (const std::size_t at : places(test.input.size())) {
            ASSERT_EQ(corpus::render_response(test, Cuts{at}), test.expected) << "cut at " << at;
        }
    }
}

/// What the parser knows of a request that never became whole.
struct Unfinished {
    RequestParser parser;
    explicit Unfinished(std::string_view bytes) {
        std::size_t consumed = 0;
        parser.read_head(bytes, consumed);
    }
};

TEST(RequestParser, KnowsHeadWhateverIsWrong) {
    const std::string long_line = "HEAD /" + std::string(20000, 'a');
    for (const std::string_view bytes :
         {std::string_view("HEAD /"), std::string_view("HEAD / HTTP/1.1\r\nA"),
          std::string_view("HEAD / HTTP/2.0\r\n"), std::string_view("HEAD / HTTP/1.1\n"),
          std::string_view("HEAD /\x01"), std::string_view("HEAD / HTTP/1.1\r\nA B: c\r\n\r\n"),
          std::string_view("HEAD / HTTP/1.1\r\n\r\n"), std::string_view("\r\nHEAD /\x01"),
          std::string_view(long_line)}) {
        EXPECT_EQ(Unfinished(bytes).parser.head().method(), Method::head) << bytes.substr(0, 40);
    }
    for (const std::string_view bytes : {"GET /\x01", "HEADS /\x01", "HEAD", "head /\x01"})
        EXPECT_EQ(Unfinished(bytes).parser.head().method(), Method::get) << bytes;
}

TEST(RequestParser, TakesNoEmptyLineForARequest) {
    for (const std::string_view bytes : {"", "\r", "\r\n", "\r\n\r"}) {
        Unfinished seen(bytes);
        EXPECT_FALSE(seen.parser.begun()) << bytes.size();
        EXPECT_FALSE(seen.parser.on_eof());
        EXPECT_FALSE(seen.parser.failure()) << bytes.size();
    }
    for (const std::string_view bytes : {"G", "\r\nG", "GET / HTTP/1.1\r\n"}) {
        Unfinished seen(bytes);
        EXPECT_TRUE(seen.parser.begun()) << bytes;
        EXPECT_FALSE(seen.parser.on_eof());
        EXPECT_EQ(seen.parser.failure().status, 400) << bytes;
    }
}

} // namespace
} // namespace headroom::net
