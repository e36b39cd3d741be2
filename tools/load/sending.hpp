// One request of a trace as it goes out, and what it stands for.
// Made by TracePlan, owned by the connection that sends it.
#pragma once

#include <cstdint>
#include <string>

namespace headroom::load {

/// The request of one row.
struct Sending {
    std::string bytes;       ///< Head and body.
    std::int64_t charge = 0; ///< As a quota counts it at arrival: characters of the prompt / 4 + max_tokens.
    std::int64_t tokens = 0; ///< Prompt and answer, when it is answered as it asks.
};

} // namespace headroom::load
