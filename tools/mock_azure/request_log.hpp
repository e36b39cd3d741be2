// The last requests that reached any backend, as they were on the wire: what tests of a proxy assert on.
// Shared by all threads behind one mutex. It keeps credentials on purpose; only simulated ones ever get here.
#pragma once

#include "tools/mock_azure/mock_time.hpp"

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headroom::mock {

struct RequestRecord {
    std::uint64_t seq = 0; ///< order of arrival over all backends
    MockTime at{0};
    std::string backend;
    std::uint64_t connection = 0;
    std::int64_t nth = 0; ///< 1 for the first request of its connection
    std::string method;
    std::string target;
    int version = 11;
    std::vector<std::pair<std::string, std::string>> headers;
    std::int64_t body_bytes = 0;
    std::string body_sha256;
    std::string body; ///< the first bytes only
    bool body_chunked = false;
    std::string operation;
    std::string deployment;
    std::string api_key;
    std::string authorization;
};

/// How a request ended.
struct RequestOutcome {
    int status = 0; ///< 0: no answer was begun
    std::string fault;
    bool aborted = false; ///< the peer left first
    std::uint64_t end_seq = 0;
    MockTime ended{0};
    std::int64_t events_sent = 0;
    std::int64_t bytes_sent = 0;
    std::int64_t tokens_charged = 0;
    std::int64_t tokens_billed = 0;
};

class RequestLog {
  public:
    explicit RequestLog(std::size_t records_max) : records_max_(records_max) {}

    bool enabled() const { return records_max_ > 0; }
    /// Numbers a request without keeping it.
    std::uint64_t next_seq();
    void begin(RequestRecord record);
    /// Returns the number of this end in the order of arrivals; the record may have been pushed out already.
    std::uint64_t end(std::uint64_t seq, const RequestOutcome& outcome);
    void clear();

    /// JSON array of the last `count`, oldest first; `backend` empty takes all.
    std::string to_json(std::size_t count, std::string_view backend) const;

  private:
    struct Entry {
        RequestRecord record;
        RequestOutcome outcome;
        bool done = false;
    };

    mutable std::mutex mutex_;
    std::size_t records_max_;
    std::uint64_t seq_ = 0;
    std::deque<Entry> entries_;
};

} // namespace headroom::mock
