// Reads one HTTP/1.1 response in pieces of any size (RFC 9112) and hands on its body without framing.
// Owned by one connection, used again for each response. It is strict: a load generator that forgives hides
// faults. Not here: what a good answer is (tools/load/answer_check.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace headroom::load {

/// Takes the body of a response as it comes.
class BodySink {
  public:
    BodySink(const BodySink&) = delete;
    BodySink& operator=(const BodySink&) = delete;

    virtual void on_body(std::string_view bytes) = 0;

  protected:
    BodySink() = default;
    ~BodySink() = default;
};

class ResponseReader {
  public:
    enum class State : std::uint8_t { head, body, done, malformed };

    /// Starts over for the next response; `to_head` says that the request was a HEAD, whose response has no
    /// body.
    void reset(bool to_head) noexcept;

    /// Takes bytes from the wire, returns how many of them belong to this response; stops at its end and at
    /// an error.
    std::size_t feed(std::string_view bytes, BodySink& sink);

    /// The peer closed the connection: true when that is a proper end of this response.
    [[nodiscard]] bool finish() noexcept;

    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] bool begun() const noexcept { return begun_; } ///< A byte of the response has come.
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] bool keeps_alive() const noexcept {
        return keep_alive_ && framing_ != Framing::until_close;
    }
    [[nodiscard]] bool is_event_stream() const noexcept { return event_stream_; }
    [[nodiscard]] std::uint64_t chunks() const noexcept { return chunks_; } ///< HTTP chunks with data.

  private:
    enum class Framing : std::uint8_t { none, length, chunked, until_close };
    enum class ChunkPart : std::uint8_t { size, data, data_end, trailer };

    std::size_t feed_head(std::string_view bytes);
    void end_head(std::string_view head);
    bool parse_status_line(std::string_view line) noexcept;
    bool parse_field(std::string_view line) noexcept;
    bool set_length(std::string_view value) noexcept;
    std::size_t feed_chunked(std::string_view bytes, BodySink& sink);
    std::size_t feed_chunk_line(std::string_view bytes);
    void end_chunk_line() noexcept;

    State state_ = State::head;
    Framing framing_ = Framing::until_close;
    ChunkPart part_ = ChunkPart::size;
    int status_ = 0;
    bool begun_ = false;
    bool to_head_ = false;
    bool keep_alive_ = true;
    bool event_stream_ = false;
    bool has_length_ = false;
    bool has_coding_ = false;
    std::uint64_t left_ = 0; // of the body, or of the current chunk
    std::uint64_t chunks_ = 0;
    std::string line_; // the head, or a chunk's line, when it came in pieces
};

} // namespace headroom::load
