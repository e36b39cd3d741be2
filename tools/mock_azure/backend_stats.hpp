// What a backend counts, for GET /stats. Plain values; the backend's mutex guards them.
#pragma once

#include "tools/mock_azure/limiter.hpp"
#include "tools/mock_azure/mock_time.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace headroom::mock {

struct DeploymentStats {
    std::int64_t requests = 0;
    std::int64_t completed = 0; ///< 200 and sent to the end
    std::int64_t throttled_tokens = 0;
    std::int64_t throttled_requests = 0;
    std::int64_t tokens_charged = 0;
    std::int64_t tokens_billed = 0;
    std::int64_t tokens_prompt = 0;
    std::int64_t tokens_completion = 0;
    std::int64_t tokens_cached = 0;
    std::int64_t in_flight = 0;
    std::int64_t in_flight_max = 0;
    std::int64_t streams = 0;
    std::int64_t aborted_by_peer = 0;
};

struct Abort {
    std::uint64_t request_seq = 0;
    std::uint64_t seq = 0; ///< when, in the order of arrivals
    MockTime at{0};
    std::int64_t events_sent = 0;
    std::int64_t bytes_sent = 0;
};

struct BackendStats {
    std::int64_t requests = 0;
    std::map<int, std::int64_t> statuses; ///< 0: none was sent
    std::int64_t in_flight = 0;
    std::int64_t in_flight_max = 0;
    std::int64_t connections_accepted = 0;
    std::int64_t connections_open = 0;
    std::int64_t connections_open_max = 0;
    std::int64_t tls_handshakes = 0;
    std::int64_t tls_resumed = 0;
    std::int64_t tls_failed = 0;
    std::int64_t faults_struck = 0;
    std::int64_t unreadable_requests = 0;
    std::int64_t websockets = 0;
    std::int64_t aborted_by_peer = 0;
    std::deque<Abort> aborts; ///< the last 200
    std::map<std::string, DeploymentStats> deployments;
};

} // namespace headroom::mock
