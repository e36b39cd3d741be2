// Server-sent events and chunked framing (RFC 9112 §7.1): how an event looks on the wire.
// Pure.
#pragma once

#include "tools/mock_azure/answer.hpp"

#include <string>

namespace headroom::mock {

/// "event: …" if it has a name, "data: …", empty line.
std::string sse_text(const Event& event);
/// One chunk of chunked transfer coding.
std::string chunk_text(std::string_view data);

} // namespace headroom::mock
