// Request lines and status lines, more strictly than llhttp reads them (RFC 9112 §3 and §4): one space, CRLF,
// HTTP/1.0 or 1.1, no control character anywhere, a target of RFC 3986.
#pragma once

#include "net/http/head.hpp"
#include "net/http/parse_status.hpp"

#include <cstddef>
#include <string_view>

namespace headroom::net {

/// Whether `host` is host [":" port] (RFC 3986 §3.2.2, 3.2.3): a name or an IP literal, not empty, no user
/// information; the port, if any, at most 65535.
bool is_authority(std::string_view host) noexcept;

/// Reads start lines into a Head; ranges are offsets from the first byte of `bytes`.
class StartLine {
  public:
    StartLine(Head& head, std::string_view bytes) noexcept : head_(head), bytes_(bytes) {}

    /// The line at [begin, end), CRLF excluded. Errors: 400 syntax, 505 other versions, 501 other methods.
    ParseFailure read_request(std::size_t begin, std::size_t end) noexcept;
    /// Errors: 400 (for the parser to turn into 502).
    ParseFailure read_status(std::size_t begin, std::size_t end) noexcept;

  private:
    bool read_target(std::size_t begin, std::size_t end) noexcept;
    bool read_path_and_query(std::size_t begin, std::size_t end) noexcept;
    bool read_absolute(std::size_t scheme_end, std::size_t end) noexcept;

    Head& head_;
    std::string_view bytes_;
};

} // namespace headroom::net
