// Commands inside a prompt, such as [[tokens=50]]: how a test steers one answer through any number of
// proxies. Pure. Not here: faults of the wire, which are ordered through the admin port (faults.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace headroom::mock {

struct Marks {
    bool content_filter = false; ///< [[content_filter]]: 400 content_filter
    bool context_length = false; ///< [[context_length]]: 400 context_length_exceeded
    bool filter_output = false;  ///< [[filter_output]]: the answer ends with finish_reason content_filter
    bool echo = false;           ///< [[echo]]: the answer is the last user text without its marks
    std::optional<std::int64_t>
        output_tokens;                    ///< [[tokens=N]]: length of the answer, still capped by max_tokens
    std::optional<std::int64_t> ttft_ms;  ///< [[ttft=MS]]: mock milliseconds before the first token
    std::optional<std::int64_t> token_ms; ///< [[token_ms=MS]]: mock milliseconds per token
};

/// Finds every known mark; unknown ones are plain text.
Marks find_marks(std::string_view prompt);

} // namespace headroom::mock
