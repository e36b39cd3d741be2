// MessageReader over real sockets, on whichever loop is linked.
#include "net/http/reader.hpp"
#include "tests/net/loop_fixture.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <utility>

namespace headroom::net {
namespace {

/// What a task has read from its stream.
struct Messages {
    std::string text;
    std::size_t count = 0;
    std::size_t interruptions = 0;
    Error error;
};

/// Reads until something fails; an interruption is followed by another try.
Task<void> read_requests(RequestReader* reader, Messages* into) {
    while (true) {
        const Result<void> head = co_await reader->read_head();
        if (!head && head.error().code == ErrorCode::interrupted) {
            ++into->interruptions;
            continue;
        }
        if (!head) {
            into->error = head.error();
            co_return;
        }
        into->text += std::string(reader->head().path()) + "[";
        for (bool last = false; !last;) {
            Result<BodyParts> parts = co_await reader->read_body();
            if (!parts && parts.error().code == ErrorCode::interrupted) {
                ++into->interruptions;
                continue;
            }
            if (!parts) {
                into->error = parts.error();
                co_return;
            }
            for (std::size_t i = 0; i < parts->count; ++i)
                into->text += parts->pieces[i].view();
            last = parts->last;
        }
        into->text += "]";
        ++into->count;
        reader->finish_message();
    }
}

class HttpStream : public LoopTest {
  protected:
    void open() {
        Connection connection = accepted();
        stream_ = Stream(std::move(connection.socket));
        peer_ = std::move(connection.peer);
    }

    Stream stream_;
    Descriptor peer_;
};

TEST_F(HttpStream, ReadsMessagesFromPieces) {
    open();
    RequestReader reader(stream_, loop_.buffers());
    Messages messages;
    start(read_requests(&reader, &messages));
    const std::string large = noise(300'000, 7);
    const std::string input =
        "GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n" +
        large + "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (std::size_t at = 0; at < input.size();) {
        const std::size_t size = at < 100 || at > 300'000 ? 1 : 9999;
        const std::size_t sent = peer_.write_some(std::string_view(input).substr(at, size));
        at += sent;
        if (at % 7 == 0 || sent == 0) loop_.turn(Duration::zero());
    }
    run_until([&] { return messages.count == 3; });
    EXPECT_TRUE(messages.text == "/a[]/b[" + large + "]/c[abc]");
    ::shutdown(peer_.get(), SHUT_WR);
    run_until([&] { return messages.error.code != ErrorCode::none; });
    EXPECT_EQ(messages.error, (Error{ErrorCode::closed, Side::client, false}));
    EXPECT_EQ(reader.bad().status, 0);
    EXPECT_EQ(reader.received_bytes(), input.size());
}

TEST_F(HttpStream, AnInterruptionLosesNothing) {
    open();
    RequestReader reader(stream_, loop_.buffers());
    Messages messages;
    start(read_requests(&reader, &messages));
    std::size_t pieces = 0;
    for (const char* piece : {"POST /a HT", "TP/1.1\r\nHost: h\r\nContent-Le", "ngth: 6\r\n\r\nabc", "def"}) {
        peer_.write(piece);
        settle();
        stream_.interrupt_receive();
        settle();
        EXPECT_EQ(messages.interruptions, ++pieces);
    }
    run_until([&] { return messages.count == 1; });
    EXPECT_EQ(messages.text, "/a[abcdef]");
    stream_.cancel({ErrorCode::cancelled, Side::local, false});
    run_until([&] { return messages.error.code != ErrorCode::none; });
    EXPECT_EQ(messages.error.code, ErrorCode::cancelled);
    EXPECT_TRUE(reader.failed());
}

TEST_F(HttpStream, AResetIsNotAnEnd) {
    open();
    RequestReader reader(stream_, loop_.buffers());
    Messages messages;
    start(read_requests(&reader, &messages));
    peer_.write("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
    settle();
    peer_.reset();
    run_until([&] { return messages.error.code != ErrorCode::none; });
    EXPECT_EQ(messages.error.code, ErrorCode::reset);
    EXPECT_EQ(messages.text, "/a[abc");
    EXPECT_EQ(messages.count, 0U);
}

} // namespace
} // namespace headroom::net
