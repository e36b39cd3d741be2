// MessageReader on bytes that are pushed: what is copied, what is held, what is given back, and how it fails.
#include "net/http/reader.hpp"
#include "net/limits.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace headroom::net {
namespace {

class HttpReader : public testing::Test {
  protected:
    Slice slice(std::string_view bytes, BlockSize size = BlockSize::small) {
        Slice one = pool_.acquire_slice(size);
        one.append(bytes);
        return one;
    }

    /// Pushes and takes the body until more is needed; "" is the end.
    template <typename Reader>
    static std::string body(Reader& reader, bool* last = nullptr) {
        std::string text;
        BodyParts parts;
        while (reader.try_read_body(parts) && !reader.failed()) {
            for (std::size_t i = 0; i < parts.count; ++i)
                text += parts.pieces[i].view();
            if (last != nullptr) *last = parts.last;
            if (parts.last) break;
        }
        return text;
    }

    BufferPool pool_{std::size_t{1} << 20};
    Stream stream_; // not connected: nothing here receives
    RequestReader requests_{stream_, pool_};
    ResponseReader responses_{stream_, pool_};
};

TEST_F(HttpReader, KeepsAHeadWhereItWasReceived) {
    Slice received = slice("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    const char* first = received.data();
    requests_.push(std::move(received));
    ASSERT_TRUE(requests_.try_read_head());
    ASSERT_FALSE(requests_.failed());
    EXPECT_EQ(requests_.head().bytes().data(), first);
    EXPECT_EQ(requests_.head().path(), "/a");
    EXPECT_TRUE(requests_.complete());
    EXPECT_FALSE(requests_.excess());
    EXPECT_EQ(pool_.bytes_in_use(), BufferPool::small_bytes);
    requests_.finish_message();
    EXPECT_EQ(pool_.bytes_in_use(), 0U);
}

TEST_F(HttpReader, GathersAHeadThatSpansReceives) {
    const std::string value(20000, 'v');
    const std::string text =
        "POST /a HTTP/1.1\r\nHost: h\r\nA: " + value + "\r\nContent-Length: 5\r\n\r\nhello";
    for (std::size_t at = 0; at < text.size(); at += 7000) {
        EXPECT_FALSE(requests_.try_read_head());
        requests_.push(slice(std::string_view(text).substr(at, 7000)));
    }
    ASSERT_TRUE(requests_.try_read_head());
    EXPECT_EQ(requests_.head().find("a"), value);
    EXPECT_EQ(body(requests_), "hello");
    EXPECT_TRUE(requests_.complete());
    EXPECT_EQ(requests_.received_bytes(), text.size());
    requests_.finish_message();
    EXPECT_EQ(pool_.bytes_in_use(), 0U);
}

TEST_F(HttpReader, AHeadInManyTinyReceivesHoldsOneBlock) {
    const std::string text = "GET /a HTTP/1.1\r\nHost: h\r\nA: " + std::string(3000, 'v') + "\r\n\r\n";
    for (const char byte : text) {
        EXPECT_FALSE(requests_.try_read_head());
        requests_.push(slice({&byte, 1}));
        EXPECT_LE(pool_.bytes_in_use(), 2 * BufferPool::small_bytes);
    }
    ASSERT_TRUE(requests_.try_read_head());
    EXPECT_EQ(requests_.head().bytes(), text);
}

TEST_F(HttpReader, GivesBodiesAsSlicesOfTheReceives) {
    requests_.push(slice("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello"));
    ASSERT_TRUE(requests_.try_read_head());
    const char* behind_head = requests_.head().bytes().data() + requests_.head().bytes().size();
    BodyParts parts;
    ASSERT_TRUE(requests_.try_read_body(parts));
    ASSERT_EQ(parts.count, 1U);
    EXPECT_EQ(parts.pieces[0].data(), behind_head);
    EXPECT_FALSE(parts.last);
    EXPECT_FALSE(requests_.try_read_body(parts));
    EXPECT_EQ(requests_.parser().expected_bytes(), 5U);
    Slice more = slice("world");
    const char* place = more.data();
    requests_.push(std::move(more));
    ASSERT_TRUE(requests_.try_read_body(parts));
    ASSERT_EQ(parts.count, 1U);
    EXPECT_EQ(parts.pieces[0].data(), place);
    EXPECT_EQ(parts.bytes(), 5U);
    EXPECT_TRUE(parts.last);
    EXPECT_EQ(requests_.parser().body_bytes(), 10U);
}

TEST_F(HttpReader, GivesChunksInBatches) {
    std::string text = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 40; ++i)
        text += "2\r\nab\r\n";
    requests_.push(slice(text + "0\r\nA: b\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n"));
    ASSERT_TRUE(requests_.try_read_head());
    BodyParts parts;
    ASSERT_TRUE(requests_.try_read_body(parts));
    EXPECT_EQ(parts.count, BodySpans::pieces_max);
    EXPECT_FALSE(parts.last);
    EXPECT_EQ(body(requests_).size(), 80U - parts.bytes());
    ASSERT_EQ(requests_.trailers().size(), 1U);
    EXPECT_EQ(requests_.trailers().field(0).value, "b");
    requests_.finish_message();
    ASSERT_TRUE(requests_.try_read_head());
    EXPECT_EQ(requests_.head().path(), "/next");
}

TEST_F(HttpReader, ReadsPipelinedRequestsOneByOne) {
    requests_.push(
        slice("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok"
              "GET /3 HTTP/1.1\r\nHost: h\r\n\r\nGET /4"));
    for (const char* path : {"/1", "/2", "/3"}) {
        EXPECT_TRUE(requests_.head_begun());
        ASSERT_TRUE(requests_.try_read_head());
        EXPECT_EQ(requests_.head().path(), path);
        bool last = false;
        body(requests_, &last);
        EXPECT_TRUE(last);
        requests_.finish_message();
    }
    EXPECT_FALSE(requests_.try_read_head());
    EXPECT_EQ(requests_.buffered().view(), "GET /4");
}

TEST_F(HttpReader, SaysWhatToAnswer) {
    const std::pair<const char*, std::pair<int, ErrorCode>> refused[] = {
        {"GET / HTTP/1.1\r\n\r\n", {400, ErrorCode::malformed}},
        {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", {505, ErrorCode::unsupported}},
        {"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", {501, ErrorCode::unsupported}},
        {"GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", {417, ErrorCode::unsupported}},
    };
    for (const auto& [text, expected] : refused) {
        RequestReader reader(stream_, pool_);
        reader.push(slice(text));
        ASSERT_TRUE(reader.try_read_head());
        ASSERT_TRUE(reader.failed());
        EXPECT_EQ(reader.bad().status, expected.first);
        EXPECT_STRNE(reader.bad().reason, "");
        EXPECT_EQ(reader.error(), (Error{expected.second, Side::client, false}));
    }
    responses_.push(slice("HTTP/2 200\r\n\r\n"));
    ASSERT_TRUE(responses_.try_read_head());
    EXPECT_EQ(responses_.bad().status, 502);
    EXPECT_EQ(responses_.error(), (Error{ErrorCode::malformed, Side::backend, true}));
}

TEST_F(HttpReader, RefusesBodiesOverTheLimit) {
    requests_.parser().limit_body(4);
    requests_.push(slice("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"));
    ASSERT_TRUE(requests_.try_read_head());
    BodyParts parts;
    ASSERT_TRUE(requests_.try_read_body(parts));
    EXPECT_EQ(parts.count, 0U);
    EXPECT_EQ(requests_.bad().status, 413);
    EXPECT_EQ(requests_.error().code, ErrorCode::too_large);
    RequestReader chunked(stream_, pool_);
    chunked.parser().limit_body(4);
    chunked.push(slice("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n1\r\n"));
    ASSERT_TRUE(chunked.try_read_head());
    ASSERT_TRUE(chunked.try_read_body(parts));
    EXPECT_EQ(chunked.bad().status, 413);
}

TEST_F(HttpReader, AnEndBetweenMessagesIsNoFault) {
    requests_.push(Slice());
    ASSERT_TRUE(requests_.try_read_head());
    EXPECT_EQ(requests_.error(), (Error{ErrorCode::closed, Side::client, false}));
    EXPECT_EQ(requests_.bad().status, 0);
    responses_.push(Slice()); // a stale connection: another one may do
    ASSERT_TRUE(responses_.try_read_head());
    EXPECT_EQ(responses_.error(), (Error{ErrorCode::closed, Side::backend, true}));
    EXPECT_TRUE(responses_.ended());
}

TEST_F(HttpReader, AnEndInsideAMessageIsNeverLast) {
    for (const char* text :
         {"POST / HT", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nhello",
          "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
        RequestReader reader(stream_, pool_);
        reader.push(slice(text));
        bool last = false;
        if (reader.try_read_head()) body(reader, &last);
        EXPECT_FALSE(last);
        reader.push(Slice());
        BodyParts parts;
        ASSERT_TRUE(reader.head().bytes().empty() ? reader.try_read_head() : reader.try_read_body(parts));
        EXPECT_FALSE(parts.last);
        EXPECT_EQ(reader.error().code, ErrorCode::closed);
        EXPECT_EQ(reader.bad().status, 400);
    }
}

TEST_F(HttpReader, AnEndMayEndAResponse) {
    responses_.push(slice("HTTP/1.1 200 OK\r\n\r\nhello"));
    ASSERT_TRUE(responses_.try_read_head());
    bool last = false;
    EXPECT_EQ(body(responses_, &last), "hello");
    EXPECT_FALSE(last);
    responses_.push(Slice());
    EXPECT_EQ(body(responses_, &last), "");
    EXPECT_TRUE(last);
    EXPECT_FALSE(responses_.head().keep_alive());
}

TEST_F(HttpReader, SkipsInterimResponsesUnlessAsked) {
    const char* text =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!";
    responses_.push(slice(text));
    ASSERT_TRUE(responses_.try_read_head());
    EXPECT_EQ(responses_.head().status(), 200);
    EXPECT_EQ(body(responses_), "ok");
    EXPECT_TRUE(responses_.excess());
    ResponseReader asked(stream_, pool_);
    asked.report_interim(true);
    asked.push(slice(text));
    for (const int status : {100, 103, 200}) {
        ASSERT_TRUE(asked.try_read_head());
        EXPECT_EQ(asked.head().status(), status);
        EXPECT_EQ(asked.head().interim(), status < 200);
        EXPECT_EQ(body(asked), status < 200 ? "" : "ok");
        asked.finish_message();
    }
}

TEST_F(HttpReader, HandsATunnelItsBytes) {
    const char* text = "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw";
    responses_.parser().expect(Method::get, "websocket");
    responses_.push(slice(text));
    ASSERT_TRUE(responses_.try_read_head());
    EXPECT_EQ(responses_.head().framing(), BodyFraming::tunnel);
    EXPECT_EQ(responses_.take_buffered().view(), "raw");
    EXPECT_FALSE(responses_.excess());
    ResponseReader reader(stream_, pool_);
    reader.parser().expect(Method::get, "websocket");
    reader.push(slice(text));
    ASSERT_TRUE(reader.try_read_head());
    bool last = false;
    EXPECT_EQ(body(reader, &last), "raw");
    EXPECT_FALSE(last);
    reader.push(Slice());
    EXPECT_EQ(body(reader, &last), "");
    EXPECT_TRUE(last);
}

TEST_F(HttpReader, StopsWhereMemoryEnds) {
    BufferPool tight(3 * BufferPool::small_bytes);
    RequestReader reader(stream_, tight);
    const std::string part(BufferPool::small_bytes, 'a');
    reader.push(slice("GET / HTTP/1.1\r\nHost: h\r\nA: "));
    for (int i = 0; i < 5 && !reader.failed(); ++i) {
        EXPECT_FALSE(reader.try_read_head());
        reader.push(slice(part));
    }
    EXPECT_EQ(reader.error(), (Error{ErrorCode::no_memory, Side::local, false}));
    RequestReader flooded(stream_, pool_);
    for (int i = 0; i < 40; ++i)
        flooded.push(slice(part)); // and nobody reads
    EXPECT_EQ(flooded.error().code, ErrorCode::too_large);
    EXPECT_LE(pool_.bytes_in_use(), 2 * (limits::head_bytes_max + BufferPool::large_bytes));
}

TEST_F(HttpReader, HeadBytesOutliveTheMessage) {
    requests_.push(slice("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"));
    ASSERT_TRUE(requests_.try_read_head());
    const Slice kept = requests_.head_bytes();
    requests_.finish_message();
    EXPECT_EQ(kept.view(), "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_LE(sizeof(RequestReader), 440U); // of an idle connection
}

} // namespace
} // namespace headroom::net
