// What HeadWriter lets out, and what it must never let out.
#include "net/http/parser.hpp"
#include "net/http/writer.hpp"
#include "net/limits.hpp"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <string>

namespace headroom::net {
namespace {

using Failure = HeadWriter::Failure;

class HttpWriter : public testing::Test {
  protected:
    BufferPool pool_{std::size_t{1} << 20};
    std::array<char, 512> memory_;
};

TEST_F(HttpWriter, WritesARequest) {
    HeadWriter writer(pool_, 100, 1000);
    writer.request_line(Method::post, "/a", "b=c")
        .field("Host", "h")
        .field("Content-Length", 5U)
        .end()
        .body("hello");
    EXPECT_EQ(writer.view(), "POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    const Slice slice = writer.take();
    EXPECT_EQ(slice.view(), "POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_F(HttpWriter, WritesAResponse) {
    HeadWriter writer(memory_);
    writer.status_line(429).field("A", "").field("B", std::uint64_t{18446744073709551615U}).end();
    EXPECT_EQ(writer.view(), "HTTP/1.1 429 Too Many Requests\r\nA: \r\nB: 18446744073709551615\r\n\r\n");
    HeadWriter odd(memory_);
    odd.status_line(299).end(); // the space stays, RFC 9112 §4
    EXPECT_EQ(odd.view(), "HTTP/1.1 299 \r\n\r\n");
}

TEST_F(HttpWriter, RefusesWhatWouldBreakALine) {
    const std::array<std::string, 6> bad = {"a\r\nB: c", "a\nb", "a\rb", std::string("a\0b", 3),
                                            "a\x01",     "a\x7f"};
    for (const std::string& text : bad) {
        HeadWriter value(memory_);
        EXPECT_EQ(value.field("A", text).failure(), Failure::bad_bytes);
        EXPECT_TRUE(value.view().empty());
        EXPECT_EQ(HeadWriter(memory_).field(text, "b").failure(), Failure::bad_bytes);
        EXPECT_EQ(HeadWriter(memory_).status_line(200, text).failure(), Failure::bad_bytes);
        EXPECT_EQ(HeadWriter(memory_).request_line(Method::get, "/" + text, "").failure(),
                  Failure::bad_bytes);
        EXPECT_EQ(HeadWriter(memory_).request_line(Method::get, "/", text).failure(), Failure::bad_bytes);
    }
    for (const char* name : {"", "a b", "a:", "\xc3\xa9"}) {
        EXPECT_EQ(HeadWriter(memory_).field(name, "b").failure(), Failure::bad_bytes) << name;
    }
    for (const char* path : {"", "/a b", "/\xc3\xa9"}) {
        EXPECT_EQ(HeadWriter(memory_).request_line(Method::get, path, "").failure(), Failure::bad_bytes)
            << path;
    }
    for (const std::uint16_t status : std::to_array<std::uint16_t>({0, 99, 600, 1000})) {
        EXPECT_EQ(HeadWriter(memory_).status_line(status, "").failure(), Failure::bad_bytes) << status;
    }
}

TEST_F(HttpWriter, FailureIsFinal) {
    HeadWriter writer(pool_, 10, 100);
    writer.status_line(200).field("A", "\n").field("B", "c").end();
    EXPECT_EQ(writer.failure(), Failure::bad_bytes);
    EXPECT_TRUE(writer.take().empty());
}

TEST_F(HttpWriter, StopsAtItsBound) {
    const std::span<char> place(memory_.data(), 20);
    HeadWriter exact(place);
    exact.body("01234567890123456789");
    EXPECT_TRUE(exact.ok());
    EXPECT_EQ(exact.body("x").failure(), Failure::no_room);
    HeadWriter bounded(pool_, 10, 30000);
    const std::string kilobyte(1000, 'b');
    for (int i = 0; i < 29; ++i)
        bounded.field("A", kilobyte);
    EXPECT_TRUE(bounded.ok());
    EXPECT_EQ(bounded.view().size(), 29U * 1005U);
    EXPECT_EQ(bounded.field("A", kilobyte).failure(), Failure::no_room);
    HeadWriter small(pool_, 10, 100); // its block is larger than its bound
    EXPECT_EQ(small.body(std::string(101, 'x')).failure(), Failure::no_room);
}

TEST_F(HttpWriter, SaysWhenMemoryIsShort) {
    BufferPool none(100);
    HeadWriter writer(none, 10, 1000);
    EXPECT_EQ(writer.status_line(200).end().failure(), Failure::no_memory);
    BufferPool one(BufferPool::small_bytes + 1000);
    HeadWriter growing(one, 10, 60000);
    growing.body(std::string(8000, 'x'));
    EXPECT_TRUE(growing.ok());
    EXPECT_EQ(growing.body(std::string(8000, 'x')).failure(), Failure::no_memory);
}

TEST_F(HttpWriter, GivesItsMemoryBack) {
    {
        HeadWriter dropped(pool_, 10, 20000);
        dropped.body(std::string(15000, 'x'));
        HeadWriter taken(pool_, 10, 20000);
        taken.body(std::string(15000, 'x'));
        const Slice slice = taken.take();
        EXPECT_EQ(slice.size(), 15000U);
        EXPECT_TRUE(taken.take().empty());
        EXPECT_EQ(taken.body("more").failure(), Failure::no_room);
        EXPECT_EQ(slice.view(), std::string(15000, 'x'));
    }
    EXPECT_EQ(pool_.bytes_in_use(), 0U);
}

TEST_F(HttpWriter, CopiesEndToEndFieldsOnly) {
    const std::string text =
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nA: b\r\nTE: "
        "trailers\r\n"
        "Trailer: X\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nProxy-Connection: close\r\nProxy-Authorization: "
        "x\r\n"
        "Content-Length: 0\r\nAuthorization: secret\r\na: c\r\nClose: x\r\n\r\n";
    RequestParser parser;
    std::size_t consumed = 0;
    ASSERT_EQ(parser.read_head(text, consumed), ParseStatus::done);
    HeadWriter all(memory_);
    all.copy_end_to_end(parser.head());
    EXPECT_EQ(all.view(), "Host: h\r\nA: b\r\nAuthorization: secret\r\na: c\r\n");
    HeadWriter some(memory_);
    some.copy_end_to_end(parser.head(),
                         [](const Head::Field& field) { return field.id != FieldId::authorization; });
    EXPECT_EQ(some.view(), "Host: h\r\nA: b\r\na: c\r\n");
}

TEST_F(HttpWriter, FramesChunks) {
    EXPECT_EQ(ChunkHeader(1, false).view(), "1\r\n");
    EXPECT_EQ(ChunkHeader(255, false).view(), "ff\r\n");
    EXPECT_EQ(ChunkHeader(4096, true).view(), "\r\n1000\r\n");
    EXPECT_EQ(ChunkHeader(SIZE_MAX, true).view(), "\r\nffffffffffffffff\r\n");
    EXPECT_EQ(ChunkHeader(SIZE_MAX, true).view().size(), ChunkHeader::bytes_max);
}

TEST_F(HttpWriter, EndsChunkedBodiesWithTrailers) {
    HeadWriter none(memory_);
    write_last_chunk(none, Trailers(), false);
    EXPECT_EQ(none.view(), last_chunk);
    HeadWriter behind(memory_);
    write_last_chunk(behind, Trailers(), true);
    EXPECT_EQ(behind.view(), last_chunk_after_chunk);
    const std::string text =
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\nCookie: "
        "x\r\nC:\r\n\r\n";
    RequestParser parser;
    std::size_t head = 0;
    ASSERT_EQ(parser.read_head(text, head), ParseStatus::done);
    std::size_t consumed = 0;
    BodySpans spans;
    ASSERT_EQ(parser.read_body(std::string_view(text).substr(head), consumed, spans), ParseStatus::done);
    HeadWriter writer(memory_);
    write_last_chunk(writer, parser.trailers(), true);
    EXPECT_EQ(writer.view(), "\r\n0\r\nA: b\r\nC: \r\n\r\n");
}

TEST_F(HttpWriter, KnowsTheReasonsItNeeds) {
    for (const std::uint16_t status : std::to_array<std::uint16_t>(
             {200, 204, 400, 401, 404, 408, 413, 414, 417, 429, 431, 500, 501, 502, 503, 504, 505})) {
        EXPECT_FALSE(reason_phrase(status).empty()) << status;
    }
    EXPECT_EQ(reason_phrase(299), "");
}

} // namespace
} // namespace headroom::net
