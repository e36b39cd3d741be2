// Canned answers for races: what the mock sends when it must cost nearly nothing.
// Made once, then shared by all threads. Not here: the connection (fixed_session.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace headroom::mock {

struct FixedOptions {
    bool json = false;
    std::int64_t json_bytes = 1'500; ///< size of the body
    bool sse = false;
    std::int64_t sse_chunks = 100;
    std::chrono::milliseconds sse_interval{10}; ///< real time
    std::chrono::milliseconds sse_step{0};      ///< streams send at multiples of it; 0: each in its own time
    bool any() const { return json || sse; }
};

struct FixedAnswer {
    bool json = false;
    bool sse = false;
    std::string json_reply; ///< head and body
    std::string sse_head;
    std::string sse_chunk; ///< one content event, framed
    std::string sse_tail;  ///< finish, usage, [DONE], last chunk
    std::int64_t sse_chunks = 0;
    std::chrono::milliseconds sse_interval{0};
    std::chrono::milliseconds sse_step{0};
};

FixedAnswer make_fixed_answer(const FixedOptions& options);

} // namespace headroom::mock
