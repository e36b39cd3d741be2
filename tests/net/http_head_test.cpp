// What a Head tells of the message that was parsed into it.
#include "net/http/head.hpp"
#include "net/http/parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace headroom::net {
namespace {

/// Keeps the bytes that the head refers to.
class Request {
  public:
    explicit Request(std::string text) : text_(std::move(text)) {
        std::size_t consumed = 0;
        EXPECT_EQ(parser_.read_head(text_, consumed), ParseStatus::done) << parser_.failure().reason;
        EXPECT_EQ(consumed, text_.size());
    }
    const Head& operator*() { return parser_.head(); }
    const Head* operator->() { return &parser_.head(); }
    void move_to(std::string& place) {
        place = text_;
        std::fill(text_.begin(), text_.end(), '?');
        parser_.head().rebase(place.data());
    }

  private:
    std::string text_;
    RequestParser parser_;
};

constexpr const char* sample =
    "\r\nPOST /a/b?c=d HTTP/1.1\r\n"
    "Host: example.com\r\n"
    "X-First: \t one \r\n"
    "Connection: keep-alive, x-private , TE\r\n"
    "x-private: secret\r\n"
    "x-first: two\r\n"
    "TE: trailers\r\n"
    "Empty:\r\n"
    "Content-Length: 7\r\n\r\n";

TEST(HttpHead, TellsTheRequestLine) {
    Request request(sample);
    EXPECT_EQ(request->method(), Method::post);
    EXPECT_EQ(request->method_text(), "POST");
    EXPECT_EQ(request->target(), "/a/b?c=d");
    EXPECT_EQ(request->path(), "/a/b");
    EXPECT_EQ(request->query(), "c=d");
    EXPECT_TRUE(request->has_query());
    EXPECT_EQ(request->authority(), "example.com");
    EXPECT_EQ(request->version(), HttpVersion::http11);
    EXPECT_EQ(request->framing(), BodyFraming::length);
    EXPECT_EQ(request->content_length(), 7U);
    EXPECT_TRUE(request->keep_alive());
    EXPECT_FALSE(request->expects_continue());
    EXPECT_EQ(request->bytes(), std::string_view(sample).substr(2));
}

TEST(HttpHead, KeepsFieldsInOrderAndSpelling) {
    Request request(sample);
    std::string all;
    for (const Head::Field field : *request)
        all += std::string(field.name) + "=" + std::string(field.value) + ";";
    EXPECT_EQ(all,
              "Host=example.com;X-First=one;Connection=keep-alive, x-private , "
              "TE;x-private=secret;x-first=two;TE=trailers;"
              "Empty=;Content-Length=7;");
    EXPECT_EQ(request->field_count(), 8U);
}

TEST(HttpHead, FindsFields) {
    Request request(sample);
    EXPECT_EQ(request->find(FieldId::host), "example.com");
    EXPECT_EQ(request->find("X-FIRST"), "one");
    EXPECT_EQ(request->find("empty").size(), 0U);
    EXPECT_NE(request->find("empty").data(), nullptr);
    EXPECT_EQ(request->find("absent").data(), nullptr);
    EXPECT_TRUE(request->has(FieldId::te));
    EXPECT_FALSE(request->has(FieldId::expect));
    EXPECT_TRUE(request->find(FieldId::expect).empty());
    EXPECT_EQ(request->count(FieldId::host), 1U);
    EXPECT_EQ(request->count(FieldId::expect), 0U);
}

TEST(HttpHead, MarksWhatEndsHere) {
    Request request(sample);
    std::string ends;
    for (const Head::Field field : *request) {
        if (field.hop_by_hop) ends += std::string(field.name) + ";";
    }
    EXPECT_EQ(ends, "Connection;x-private;TE;");
    EXPECT_TRUE(request->nominated("X-Private"));
    EXPECT_TRUE(request->nominated("keep-alive"));
    EXPECT_FALSE(request->nominated("private"));
    EXPECT_FALSE(request->nominated("x-private ,"));
}

TEST(HttpHead, ReadsTheSameAfterItsBytesMoved) {
    Request request(sample);
    std::string elsewhere;
    request.move_to(elsewhere);
    EXPECT_EQ(request->path(), "/a/b");
    EXPECT_EQ(request->find("x-private"), "secret");
    EXPECT_EQ(request->bytes(), std::string_view(sample).substr(2));
}

TEST(HttpHead, IsEmptyWhenCleared) {
    RequestParser parser;
    std::size_t consumed = 0;
    ASSERT_EQ(parser.read_head(sample, consumed), ParseStatus::done);
    parser.reset();
    EXPECT_EQ(parser.head().field_count(), 0U);
    EXPECT_TRUE(parser.head().bytes().empty());
    EXPECT_FALSE(parser.head().has(FieldId::host));
    EXPECT_EQ(parser.head().content_length(), std::nullopt);
    EXPECT_EQ(parser.head().begin(), parser.head().end());
}

TEST(HttpHead, GivesManyFields) {
    std::string text = "GET / HTTP/1.1\r\nHost: h\r\n";
    for (int i = 0; i < 100; ++i)
        text += "n" + std::to_string(i) + ": v" + std::to_string(i) + "\r\n";
    Request request(text + "\r\n");
    ASSERT_EQ(request->field_count(), 101U);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(request->find("N" + std::to_string(i)), "v" + std::to_string(i));
}

TEST(HttpHead, IsSmallWhileIdle) {
    EXPECT_LE(sizeof(Head), 128U);
    EXPECT_LE(sizeof(RequestParser), 320U);
}

} // namespace
} // namespace headroom::net
