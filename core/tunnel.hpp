// Tunnel: a WebSocket (Realtime, Responses) once the backend has agreed to it: bytes both ways until both
// ends are done. RFC 6455 for the handshake, which is relayed; frames are not looked at.
#pragma once

#include "core/attempt.hpp"
#include "net/task.hpp"

namespace headroom::core {

/// Relays the 101 of `attempt`, then the bytes; the client's connection is of no further use afterwards.
net::Task<Attempt::End> run_tunnel(Attempt* attempt);

} // namespace headroom::core
