// MessageReader: HTTP messages from a Stream, one after the other, as views into the receive blocks.
// A head that arrives in one receive is not copied; one that spans receives is gathered in one block.
// Body pieces are Slices of the receive blocks: compacting tiny ones is the consumer's business.
// try_* work on what is buffered, without a coroutine frame; read_* also receive. One owner, one message at a
// time: read_head, read_body until `last`, finish_message.
#pragma once

#include "net/buffer.hpp"
#include "net/http/parser.hpp"
#include "net/result.hpp"
#include "net/stream.hpp"
#include "net/task.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace headroom::net {

/// The next pieces of a body, in order, none empty.
struct BodyParts {
    std::array<Slice, BodySpans::pieces_max> pieces;
    std::size_t count = 0;
    /// The message is complete; may come without pieces.
    bool last = false;

    BodyParts() noexcept = default;
    BodyParts(BodyParts&& other) noexcept { take(other); }
    BodyParts& operator=(BodyParts&& other) noexcept {
        if (this != &other) {
            clear();
            take(other);
        }
        return *this;
    }
    BodyParts(const BodyParts&) = delete;
    BodyParts& operator=(const BodyParts&) = delete;
    ~BodyParts() = default;

    std::size_t bytes() const noexcept {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < count; ++i)
            sum += pieces[i].size();
        return sum;
    }
    void clear() noexcept {
        for (std::size_t i = 0; i < count; ++i)
            pieces[i].reset();
        count = 0;
        last = false;
    }

  private:
    void take(BodyParts& other) noexcept {
        for (std::size_t i = 0; i < other.count; ++i)
            pieces[i] = std::move(other.pieces[i]);
        count = std::exchange(other.count, 0);
        last = std::exchange(other.last, false);
    }
};

template <typename Parser>
class MessageReader {
  public:
    /// Borrows both for its whole life.
    MessageReader(Stream& stream, BufferPool& pool) noexcept : stream_(stream), pool_(pool) {}
    MessageReader(MessageReader&&) = delete;
    MessageReader& operator=(MessageReader&&) = delete;
    MessageReader(const MessageReader&) = delete;
    MessageReader& operator=(const MessageReader&) = delete;
    ~MessageReader() = default;

    /// Gives bytes that were received by other means, behind those that are buffered: best after a try_*
    /// returned false, because it copies otherwise. An empty slice is the peer's orderly end. Failures show
    /// at the next try_* or read_*.
    void push(Slice bytes) noexcept;

    /// Looks for a head in what is buffered. True: head() is there, or failed().
    bool try_read_head() noexcept;
    /// The next head. Errors: `closed` when the peer ended the connection before the first byte of it
    /// (retryable for a backend: a stale connection), malformed, too_large, unsupported (see bad()),
    /// no_memory, and what Stream::receive() says; `interrupted` loses nothing and may be followed by another
    /// call.
    Task<Result<void>> read_head();
    /// Valid until finish_message(). Interim responses are skipped unless report_interim(true).
    const Head& head() const noexcept { return parser_.head(); }
    /// Keeps the head's bytes alive beyond finish_message().
    Slice head_bytes() const noexcept { return head_bytes_.share(0, head_bytes_.size()); }

    /// Takes body pieces from what is buffered into `out` (cleared first). True: there are some, or `last`,
    /// or failed(). False: more bytes must be received first.
    bool try_read_body(BodyParts& out) noexcept;
    /// The next pieces, at least one or `last`. For a tunnel: the raw bytes until the orderly end. Errors as
    /// read_head(); a body cut by the peer is `closed`, never `last`.
    Task<Result<BodyParts>> read_body();
    const Trailers& trailers() const noexcept { return parser_.trailers(); }

    /// Interim responses (1xx except 101) are given as heads of their own, to be finished with
    /// finish_message(), instead of being skipped.
    void report_interim(bool report) noexcept { report_interim_ = report; }
    /// Releases the head and gets ready for the next message. When the body was not read to its end, the
    /// connection is of no further use.
    void finish_message() noexcept;
    /// The message has been read to its end.
    bool complete() const noexcept { return parser_.complete(); }

    /// Bytes behind what was read: the next pipelined request; after a response, an excess that forbids
    /// reuse.
    const Slice& buffered() const noexcept { return input_; }
    bool excess() const noexcept { return !input_.empty(); }
    /// Takes those bytes out, for a tunnel.
    Slice take_buffered() noexcept { return std::move(input_); }
    /// A head has begun to arrive: its deadline is the head's, not the idle one.
    bool head_begun() const noexcept { return !input_.empty(); }
    /// The peer has ended its direction.
    bool ended() const noexcept { return ended_; }

    bool failed() const noexcept { return error_.code != ErrorCode::none; }
    Error error() const noexcept { return error_; }
    /// For failed() by what the peer sent: the status to answer and why; status 0 for any other failure.
    const ParseFailure& bad() const noexcept { return parser_.failure(); }

    Parser& parser() noexcept { return parser_; }
    /// Bytes received on this connection so far, heads and framing included.
    std::uint64_t received_bytes() const noexcept { return received_bytes_; }

  private:
    void fail(Error error) noexcept { error_ = error; }
    void fail_by_parser() noexcept;
    void fail_by_end() noexcept;
    void gather(const Slice& bytes) noexcept;
    void drop(std::size_t count) noexcept;
    void take_pieces(const BodySpans& spans, std::size_t consumed, BodyParts& out) noexcept;
    bool try_read_raw(BodyParts& out) noexcept;
    bool finish_by_end(BodyParts& out) noexcept;
    bool wait_for_more() noexcept;
    Error received(Error error) noexcept;

    Stream& stream_;
    BufferPool& pool_;
    Parser parser_;
    Slice input_;
    Slice head_bytes_;
    std::uint64_t received_bytes_ = 0;
    Error error_;
    bool report_interim_ = false;
    bool head_ready_ = false;
    bool ended_ = false;
};

extern template class MessageReader<RequestParser>;
extern template class MessageReader<ResponseParser>;

using RequestReader = MessageReader<RequestParser>;
using ResponseReader = MessageReader<ResponseParser>;

} // namespace headroom::net
