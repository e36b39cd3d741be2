// HEADROOM_ASSERT: checks of our own invariants, kept in release builds.
// Never reached by network input: what the world gets wrong is a Result, not an assert.
#pragma once

namespace headroom::net {

/// Prints the failed expression with its place to stderr and aborts; never returns.
[[noreturn]] void assert_failed(const char* expression, const char* file, int line) noexcept;

} // namespace headroom::net

#define HEADROOM_ASSERT(expression)                       \
    (static_cast<bool>(expression) ? static_cast<void>(0) \
                                   : ::headroom::net::assert_failed(#expression, __FILE__, __LINE__))
