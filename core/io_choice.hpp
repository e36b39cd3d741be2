// Which I/O backend this process runs on: itself, or its sibling flavour by exec.
// Asio picks its reactor when it is compiled, so the program exists twice; the user starts one.
#pragma once

#include "core/config.hpp"

#include <span>

namespace headroom::core {

/// Returns 0 when this flavour shall serve; does not return when the sibling took over; another value is the
/// exit code, said on stderr. `automatic` on io_uring tries a real ring first (net::Loop::probe) and says in
/// one line why not.
[[nodiscard]] int settle_io(IoMode mode, std::span<const char* const> arguments);

} // namespace headroom::core
