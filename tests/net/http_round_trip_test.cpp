// What goes on to the other side: every message of the corpus that is accepted is written as a gateway writes
// it, and a second reader must find one valid message with the same meaning, and nothing that belongs to one
// hop.
#include "net/http/parser.hpp"
#include "net/http/writer.hpp"
#include "net/limits.hpp"
#include "tests/net/http_corpus/corpus.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace headroom::net {
namespace {

/// Reads the body behind the head; empty when the message is not whole.
template <typename Parser>
std::optional<std::string> read_body(Parser& parser, std::string_view& input) {
    std::string body;
    while (true) {
        std::size_t consumed = 0;
        BodySpans spans;
        const ParseStatus status = parser.read_body(input, consumed, spans);
        for (std::size_t i = 0; i < spans.count; ++i)
            body += spans.pieces[i];
        input.remove_prefix(consumed);
        if (status == ParseStatus::done) return body;
        if (status == ParseStatus::need_more && input.empty() && parser.on_eof()) return body;
        if (status != ParseStatus::full) return std::nullopt;
    }
}

std::string chunk(std::string_view body) {
    return body.empty() ? std::string()
                        : std::string(ChunkHeader(body.size(), false).view()) + std::string(body);
}

class HttpRoundTrip : public testing::Test {
  protected:
    /// The body of a chunked message with its trailers.
    std::string chunked(std::string_view body, const Trailers& trailers) {
        HeadWriter end(pool_, 100, limits::trailer_bytes_max * 2);
        write_last_chunk(end, trailers, !body.empty());
        EXPECT_TRUE(end.ok());
        return chunk(body) + std::string(end.view());
    }

    std::string forward(RequestParser& parser, std::string_view body) {
        const Head& head = parser.head();
        HeadWriter writer(pool_, 1000, limits::head_bytes_max * 2);
        writer.request_line(head.method(), head.path(), head.query()).field("Host", "backend");
        writer.copy_end_to_end(head, [](const Head::Field& field) { return field.id != FieldId::host; });
        if (head.framing() == BodyFraming::length) writer.field("Content-Length", *head.content_length());
        if (head.framing() == BodyFraming::chunked) writer.field("Transfer-Encoding", "chunked");
        writer.end();
        EXPECT_TRUE(writer.ok());
        std::string text(writer.view());
        return text + (head.framing() == BodyFraming::chunked ? chunked(body, parser.trailers())
                                                              : std::string(body));
    }

    std::string forward(ResponseParser& parser, std::string_view body) {
        const Head& head = parser.head();
        HeadWriter writer(pool_, 1000, limits::head_bytes_max * 2);
        writer.status_line(head.status(), head.reason()).copy_end_to_end(head);
        const bool has_body = head.framing() != BodyFraming::none;
        if (has_body) writer.field("Transfer-Encoding", "chunked");
        writer.end();
        EXPECT_TRUE(writer.ok());
        return std::string(writer.view()) + (has_body ? chunked(body, parser.trailers()) : "");
    }

    BufferPool pool_{std::size_t{16} << 20};
};

template <typename Head>
void expect_nothing_of_one_hop(const Head& head, bool may_be_chunked) {
    for (const auto& field : head) {
        if (field.id == FieldId::transfer_encoding && may_be_chunked) continue;
        EXPECT_FALSE(field.hop_by_hop) << field.name;
    }
}

TEST_F(HttpRoundTrip, RequestsReachABackendWithOneMeaning) {
    std::size_t messages = 0;
    for (const auto& test : corpus::all_requests()) {
        SCOPED_TRACE(test.why);
        RequestParser parser;
        std::size_t consumed = 0;
        if (parser.read_head(test.input, consumed) != ParseStatus::done) continue;
        std::string_view rest = std::string_view(test.input).substr(consumed);
        const std::optional<std::string> body = read_body(parser, rest);
        if (!body) continue;
        ++messages;
        const std::string text = forward(parser, *body);
        RequestParser backend;
        ASSERT_EQ(backend.read_head(text, consumed), ParseStatus::done) << backend.failure().reason;
        std::string_view behind = std::string_view(text).substr(consumed);
        EXPECT_EQ(read_body(backend, behind), body);
        EXPECT_TRUE(behind.empty());
        EXPECT_EQ(backend.head().method(), parser.head().method());
        EXPECT_EQ(backend.head().path(), parser.head().path());
        EXPECT_EQ(backend.head().query(), parser.head().query());
        EXPECT_EQ(backend.head().authority(), "backend");
        EXPECT_EQ(backend.trailers().size(), parser.trailers().size());
        expect_nothing_of_one_hop(backend.head(), parser.head().framing() == BodyFraming::chunked);
    }
    EXPECT_GE(messages, 100U);
}

TEST_F(HttpRoundTrip, ResponsesReachAClientWithOneMeaning) {
    std::size_t messages = 0;
    for (const auto& test : corpus::all_responses()) {
        SCOPED_TRACE(test.why);
        ResponseParser parser;
        parser.expect(test.method);
        std::size_t consumed = 0;
        if (parser.read_head(test.input, consumed) != ParseStatus::done) continue;
        std::string_view rest = std::string_view(test.input).substr(consumed);
        const std::optional<std::string> body = read_body(parser, rest);
        if (!body) continue;
        ++messages;
        const std::string text = forward(parser, *body);
        ResponseParser client;
        client.expect(test.method);
        ASSERT_EQ(client.read_head(text, consumed), ParseStatus::done) << client.failure().reason;
        std::string_view behind = std::string_view(text).substr(consumed);
        EXPECT_EQ(read_body(client, behind), body);
        EXPECT_TRUE(behind.empty());
        EXPECT_EQ(client.head().status(), parser.head().status());
        EXPECT_EQ(client.head().reason(), parser.head().reason());
        expect_nothing_of_one_hop(client.head(), parser.head().framing() != BodyFraming::none);
    }
    EXPECT_GE(messages, 30U);
}

} // namespace
} // namespace headroom::net
