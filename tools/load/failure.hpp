// The ways in which a request can fail, each with a name for the report.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::load {

enum class Failure : std::uint8_t {
    none,
    connect,   ///< No connection: refused, unreachable, TLS handshake.
    timeout,   ///< No whole response in time.
    closed,    ///< The connection ended before the response was whole.
    malformed, ///< Not HTTP/1.1 as RFC 9112 has it.
    status,    ///< A status that was not expected.
    length,    ///< A body of another length than expected.
    body,      ///< Another body than expected.
    stream,    ///< An event stream without its last event, or with an error event.
    unsent,    ///< Due, but no connection was free for it until a second after the end.
};

constexpr std::size_t failure_count = 10;

/// For people and for JSON; a snake_case word.
[[nodiscard]] constexpr std::string_view name_of(Failure failure) noexcept {
    constexpr std::array<std::string_view, failure_count> names{
        "none", "connect", "timeout", "closed", "malformed", "status", "length", "body", "stream", "unsent"};
    return names[static_cast<std::size_t>(failure)];
}

} // namespace headroom::load
