// ChunkedDecoder: the chunked coding (RFC 9112 §7.1) up to the last chunk; trailers are the parser's.
// Not left to llhttp, which refuses the whitespace around extensions that must be accepted (RFC 9110 §5.6.3),
// accepts an extension with an empty value, and bounds neither leading zeros nor extensions.
#pragma once

#include "net/http/body_spans.hpp"
#include "net/http/parse_status.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::net {

class ChunkedDecoder {
  public:
    /// Decodes from the front of `input`; `consumed` bytes are used. done: behind the line of the last chunk,
    /// where trailers or the empty line begin. full: `out` has no place left. Errors: 400, or 413 when the
    /// body would have more than `bytes_max` bytes.
    ParseStatus decode(std::string_view input, std::uint64_t bytes_max, std::size_t& consumed,
                       BodySpans& out) noexcept;
    /// Bytes of the current chunk still to come, its CRLF included.
    std::uint64_t expected_bytes() const noexcept { return remaining_ == 0 ? 0 : remaining_ + 2; }
    /// Decoded bytes so far.
    std::uint64_t body_bytes() const noexcept { return body_bytes_; }
    const ParseFailure& failure() const noexcept { return failure_; }

  private:
    enum class State : std::uint8_t {
        size_begin,
        size,
        before_extension, // whitespace, then ";" must come
        name_begin,
        name,
        after_name, // whitespace, then "=" or ";"
        value_begin,
        value,
        quoted,
        quoted_pair,
        after_quoted,
        line_end, // CR seen
        data,
        data_cr,
        data_lf,
        last,
        failed,
    };

    bool line_byte(char c) noexcept;
    bool size_byte(char c) noexcept;
    bool gap_byte(char c) noexcept;
    bool name_byte(char c) noexcept;
    bool value_byte(char c) noexcept;
    bool end_line(std::uint64_t bytes_max) noexcept;
    bool fail(std::uint16_t status, const char* reason) noexcept;

    std::uint64_t remaining_ = 0;
    std::uint64_t body_bytes_ = 0;
    ParseFailure failure_;
    std::uint32_t extension_bytes_ = 0;
    std::uint16_t line_bytes_ = 0;
    State state_ = State::size_begin;
};

} // namespace headroom::net
