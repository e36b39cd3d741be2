// MessageParser: what both roles of parser share: the order of start line, fields and body, and the verdict.
// Use RequestParser or ResponseParser (net/http/parser.hpp).
#pragma once

#include "net/http/body_spans.hpp"
#include "net/http/chunked.hpp"
#include "net/http/field_scanner.hpp"
#include "net/http/head.hpp"
#include "net/http/parse_status.hpp"
#include "net/http/trailers.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>

namespace headroom::net {

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

    /// Valid from done until reset(); its bytes are the caller's (Head::rebase). Of a request that is not
    /// done or failed, method() is HEAD if that has been seen.
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
    /// Bytes of a message have been seen; an empty line before a request is not one.
    bool begun() const noexcept { return phase_ != Phase::start_line || position_ > 0; }
    /// The body has been read to its end.
    bool complete() const noexcept { return phase_ == Phase::complete; }
    const ParseFailure& failure() const noexcept { return failure_; }

  protected:
    enum class Role : std::uint8_t { request, response };
    explicit MessageParser(Role role) noexcept;

    std::string_view upgrade_asked_;
    Method request_method_ = Method::get;

  private:
    enum class Phase : std::uint8_t { start_line, fields, body, trailers, complete, failed };

    ParseStatus fail(ParseFailure failure) noexcept;
    ParseStatus read_start_line(std::string_view input) noexcept;
    ParseStatus read_partial_line(std::string_view input, std::size_t begin) noexcept;
    ParseStatus read_fields(std::string_view input) noexcept;
    ParseStatus settle() noexcept;
    ParseStatus read_counted(std::string_view input, std::size_t& consumed, BodySpans& out) noexcept;
    ParseStatus read_chunked(std::string_view input, std::size_t& consumed, BodySpans& out) noexcept;
    ParseStatus read_trailers(std::string_view input, std::size_t& consumed) noexcept;

    Head head_;
    std::unique_ptr<FieldScanner> scanner_;
    std::unique_ptr<Trailers> trailers_;
    ChunkedDecoder chunks_;
    ParseFailure failure_;
    std::uint64_t body_bytes_ = 0;
    std::uint64_t body_bytes_max_ = std::numeric_limits<std::uint64_t>::max();
    /// Bytes of the head looked at, while it is being read.
    std::uint32_t position_ = 0;
    std::uint16_t interim_count_ = 0;
    Role role_;
    Phase phase_ = Phase::start_line;
};

} // namespace headroom::net
