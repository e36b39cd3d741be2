// MessageParser: what both roles of parser share: the llhttp trampoline, the head, the body, the verdict.
// Use RequestParser or ResponseParser (net/http/parser.hpp).
#pragma once

#include "net/http/head.hpp"
#include "net/http/trailers.hpp"

#include <llhttp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>

namespace headroom::net {

static_assert(LLHTTP_VERSION_MAJOR > 9 || (LLHTTP_VERSION_MAJOR == 9 && LLHTTP_VERSION_MINOR >= 2),
              "llhttp before 9.2 accepts smuggled requests");

enum class ParseStatus : std::uint8_t {
    need_more, ///< all input was used and the end is not there yet
    done,      ///< the head, or the whole message, is complete; the rest of the input is not of it
    interim,   ///< read_head of a response: a 1xx head is complete; call next_head() and go on
    full,      ///< read_body: out of places for pieces; take them and call again with what is left
    error,     ///< see failure(); the connection is of no further use
};

/// Why a message was refused.
struct ParseFailure {
    /// What to answer the client: 400, 413, 414, 417, 431, 501 or 505; 502 for a response. 0: nothing is
    /// wrong.
    std::uint16_t status = 0;
    /// A few fixed words for the log; holds nothing of the peer's bytes.
    const char* reason = "";
};

/// Decoded pieces of a body, views into the input.
struct BodySpans {
    static constexpr std::size_t pieces_max = 16;
    std::array<std::string_view, pieces_max> pieces;
    std::size_t count = 0;
};

class MessageParser {
  public:
    MessageParser(MessageParser&&) = delete;
    MessageParser& operator=(MessageParser&&) = delete;
    MessageParser(const MessageParser&) = delete;
    MessageParser& operator=(const MessageParser&) = delete;
    ~MessageParser() = default;

    /// Reads a head from `input`, which holds every byte since the end of the previous message: a longer
    /// input is the same bytes with more behind them, perhaps at another place. done and interim: `consumed`
    /// bytes are the head's. need_more: nothing is consumed. At most head_bytes_max bytes are looked at.
    ParseStatus read_head(std::string_view input, std::size_t& consumed) noexcept;
    /// After `interim`: forget that head, its bytes are gone from the input.
    void next_head() noexcept;
    /// Decodes the next part of the body from `input`, the bytes that follow those consumed before. Pieces
    /// are added to `out` (set its count to 0 first). done: the message is complete, also when there is no
    /// body. Not for a tunnel.
    ParseStatus read_body(std::string_view input, std::size_t& consumed, BodySpans& out) noexcept;
    /// The peer ended the connection in order. True when the message is whole: it was, or its body is
    /// until_close. Otherwise the message is cut; failure() says so if a head had begun.
    bool on_eof() noexcept;
    /// Ready for the next message of the connection; frees what the last one needed.
    void reset() noexcept;

    /// Valid from done until reset(); its bytes are the caller's (Head::rebase).
    const Head& head() const noexcept { return head_; }
    Head& head() noexcept { return head_; }
    /// Complete when the body of a chunked message is done.
    const Trailers& trailers() const noexcept;

    /// A body with more bytes than this is refused with 413, at the latest when read_body passes it.
    void limit_body(std::uint64_t bytes_max) noexcept { body_bytes_max_ = bytes_max; }
    /// Decoded bytes of this message's body so far.
    std::uint64_t body_bytes() const noexcept { return body_bytes_; }
    /// Bytes that are certain to follow for this body: of its length, or of the current chunk; 0 when
    /// unknown.
    std::uint64_t expected_bytes() const noexcept;
    /// The body has been read to its end.
    bool complete() const noexcept { return phase_ == Phase::complete; }
    const ParseFailure& failure() const noexcept { return failure_; }

  protected:
    enum class Role : std::uint8_t { request, response };
    explicit MessageParser(Role role) noexcept;

    std::string_view upgrade_asked_;
    Method request_method_ = Method::get;

  private:
    enum class Phase : std::uint8_t { start_line, fields, body, complete, failed };
    struct Callbacks;

    llhttp_t machine_;
    Head head_;
    std::unique_ptr<Trailers> trailers_;
    ParseFailure failure_;
    std::uint64_t body_bytes_ = 0;
    std::uint64_t body_bytes_max_ = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t remaining_bytes_ = 0;
    Role role_;
    Phase phase_ = Phase::start_line;
};

} // namespace headroom::net
