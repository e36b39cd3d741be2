// What simdjson takes for the same text, as a measure of how fast the machine is at that moment.
#pragma once

#include <string>
#include <vector>

namespace headroom::bench {

/// Processor time of this thread.
double thread_seconds();

/// Seconds that simdjson needs for these texts as JSON strings, the best of a few.
double simdjson_seconds(const std::vector<std::string>& texts);

} // namespace headroom::bench
