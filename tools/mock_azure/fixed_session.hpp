// A connection that answers every request with the same bytes, at the least cost per request: the backend of
// a race. It finds the end of a request (content-length or chunked) and nothing else; trust it only with
// well-formed requests.
#pragma once

#include "tools/mock_azure/fixed_answer.hpp"
#include "tools/mock_azure/wire.hpp"

#include <boost/asio/ssl/context.hpp>

namespace headroom::mock {

/// Serves until the peer closes. `answer` outlives every connection.
void start_fixed_session(Wire::Socket socket, boost::asio::ssl::context* tls, const FixedAnswer* answer);

/// Where the first request in `bytes` ends; 0 while it is incomplete. Exposed for tests.
std::size_t request_end(std::string_view bytes);

} // namespace headroom::mock
