// The bounds of everything that net/ reads from a peer. They may not be changed by a user.
// Shared by the HTTP parsers, readers and writers. Not here: bounds of configuration (core/limits.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace headroom::net::limits {

/// A whole head: start line, fields and the empty line. Over it: 431 (request), malformed (response).
/// Bearer credentials alone may reach 10 KB.
inline constexpr std::size_t head_bytes_max = 64U << 10U;
/// A request line or status line. Over it: 414. RFC 9112 §3 asks for at least 8,000.
inline constexpr std::size_t start_line_bytes_max = 16U << 10U;
/// Field lines in one head. Over it: 431.
inline constexpr std::size_t fields_max = 128;

/// Options in the Connection fields of one head.
inline constexpr unsigned connection_options_max = 64;

/// One chunk-size line with its extensions and CRLF (RFC 9112 §7.1.1 asks for a bound).
inline constexpr std::size_t chunk_line_bytes_max = 1024;
/// The extensions of all chunks of one body together.
inline constexpr std::size_t chunk_extension_bytes_max = 16U << 10U;
/// The trailer section after the last chunk, the empty line included.
inline constexpr std::size_t trailer_bytes_max = 8U << 10U;
/// Field lines in one trailer section.
inline constexpr std::size_t trailers_max = 32;

/// Interim (1xx) responses before a final one.
inline constexpr unsigned interim_responses_max = 16;

} // namespace headroom::net::limits
