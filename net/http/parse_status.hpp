// ParseStatus and ParseFailure: what a step of parsing came to.
#pragma once

#include <cstdint>

namespace headroom::net {

enum class ParseStatus : std::uint8_t {
    need_more, ///< all input was looked at and the end is not there yet
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

    explicit operator bool() const noexcept { return status != 0; }
};

} // namespace headroom::net
