// Response framing (RFC 9112): every good response in pieces of every size, and every bad one refused.
#include "tools/load/response_reader.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::load {
namespace {

using State = ResponseReader::State;

struct Body final : BodySink {
    void on_body(std::string_view bytes) override { text += bytes; }
    std::string text;
};

struct Read {
    State state = State::head;
    std::size_t used = 0;
    int status = 0;
    bool keeps_alive = false;
    bool event_stream = false;
    std::uint64_t chunks = 0;
    std::string body;
};

Read read(std::string_view wire, std::size_t piece, bool to_head = false) {
    ResponseReader reader;
    reader.reset(to_head);
    Body body;
    std::size_t used = 0;
    while (used < wire.size() && reader.state() != State::done && reader.state() != State::malformed) {
        used += reader.feed(wire.substr(used, piece), body);
    }
    return {reader.state(),  used,     reader.status(), reader.keeps_alive(), reader.is_event_stream(),
            reader.chunks(), body.text};
}

// The same whatever the pieces are; the answer is that of the whole.
Read read_all_ways(std::string_view wire, bool to_head = false) {
    const Read whole = read(wire, wire.size(), to_head);
    for (std::size_t piece = 1; piece < wire.size(); ++piece) {
        const Read cut = read(wire, piece, to_head);
        EXPECT_EQ(cut.state, whole.state) << "pieces of " << piece;
        if (whole.state != State::done) continue;
        EXPECT_EQ(cut.used, whole.used) << "pieces of " << piece;
        EXPECT_EQ(cut.body, whole.body) << "pieces of " << piece;
        EXPECT_EQ(cut.chunks, whole.chunks) << "pieces of " << piece;
        EXPECT_EQ(cut.keeps_alive, whole.keeps_alive) << "pieces of " << piece;
    }
    return whole;
}

TEST(LoadResponseReader, ReadsContentLength) {
    const std::string wire =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncOnTent-LENGTH:  5 \r\n\r\nhello";
    const Read found = read_all_ways(wire + "HTTP/1.1");
    EXPECT_EQ(found.state, State::done);
    EXPECT_EQ(found.used, wire.size()) << "what follows is not touched";
    EXPECT_EQ(found.status, 200);
    EXPECT_EQ(found.body, "hello");
    EXPECT_TRUE(found.keeps_alive);
    EXPECT_FALSE(found.event_stream);
}

TEST(LoadResponseReader, ReadsChunks) {
    const Read found = read_all_ways(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: "
        "chunked\r\n\r\n"
        "5\r\nhello\r\nA;name=value\r\n, my world\r\n0\r\nTrailer: x\r\n\r\n");
    EXPECT_EQ(found.state, State::done);
    EXPECT_EQ(found.body, "hello, my world");
    EXPECT_EQ(found.chunks, 2U);
    EXPECT_TRUE(found.event_stream);
    EXPECT_TRUE(found.keeps_alive);
}

TEST(LoadResponseReader, SkipsInterimResponses) {
    const Read found = read_all_ways(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_EQ(found.state, State::done);
    EXPECT_EQ(found.status, 204);
}

TEST(LoadResponseReader, KnowsResponsesWithoutABody) {
    EXPECT_EQ(read_all_ways("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").state, State::done);
    EXPECT_EQ(read_all_ways("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n").state, State::done);
    EXPECT_EQ(read_all_ways("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", true).state, State::done)
        << "to a HEAD";
}

TEST(LoadResponseReader, EndsWithTheConnectionOnlyWhereThatIsTheFraming) {
    ResponseReader reader;
    Body body;
    reader.reset(false);
    reader.feed("HTTP/1.1 200\r\n\r\nall of it", body);
    EXPECT_EQ(reader.state(), State::body);
    EXPECT_FALSE(reader.keeps_alive());
    EXPECT_TRUE(reader.finish());
    EXPECT_EQ(body.text, "all of it");

    for (const char* cut : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 O",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"}) {
        reader.reset(false);
        reader.feed(cut, body);
        EXPECT_FALSE(reader.finish()) << cut;
    }
}

TEST(LoadResponseReader, KnowsWhenTheConnectionEnds) {
    EXPECT_FALSE(
        read_all_ways("HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 0\r\n\r\n").keeps_alive);
    EXPECT_FALSE(read_all_ways("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").keeps_alive);
    EXPECT_TRUE(
        read_all_ways("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n").keeps_alive);
}

TEST(LoadResponseReader, RefusesWhatIsNotHttp) {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    for (const std::string& wire : {std::string{"HTTP/2 200 OK\r\n\r\n"},
                                    std::string{"HTTP/1.1 20 OK\r\n\r\n"},
                                    std::string{"HTTP/1.1 2000\r\n\r\n"},
                                    std::string{"HTTP/1.1 600 x\r\n\r\n"},
                                    std::string{"ICY 200 OK OK\r\n\r\n"},
                                    ok + "no colon\r\n\r\n",
                                    ok + "a b: c\r\n\r\n",
                                    ok + ": c\r\n\r\n",
                                    ok + "a: b\rc\r\n\r\n",
                                    ok + "Content-Length: -1\r\n\r\n",
                                    ok + "Content-Length: 5x\r\n\r\n",
                                    ok + "Content-Length: 99999999999999999999\r\n\r\n",
                                    ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
                                    ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                                    ok + "Transfer-Encoding: gzip\r\n\r\n",
                                    ok + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
                                    ok + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n",
                                    ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n",
                                    ok + "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
                                    std::string{"HTTP/1.1 101 Switching\r\n\r\n"}}) {
        EXPECT_EQ(read_all_ways(wire).state, State::malformed) << wire;
    }
}

TEST(LoadResponseReader, RefusesEndlessHeadsAndChunkLines) {
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\n" + std::string(100'000, 'a'), 1000).state, State::malformed);
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(10'000, 'a'), 1000)
                  .state,
              State::malformed);
}

} // namespace
} // namespace headroom::load
