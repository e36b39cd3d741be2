// What a model "says": a deterministic list of tokens for a prompt and a seed, capped as the caller asked.
// Pure. The same prompt and seed give the same answer on every backend, so a test can compare across retries.
#pragma once

#include "tools/mock_azure/marks.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::mock {

struct TextPlan {
    std::vector<std::string> tokens;         ///< each a whole number of UTF-8 characters
    std::string_view finish_reason = "stop"; ///< stop, length or content_filter
    std::string text() const;
};

struct TextWish {
    std::uint64_t seed = 0;
    std::int64_t mean_tokens = 120; ///< the drawn length is spread around it, a quarter to four times
    std::optional<std::int64_t> max_tokens;
    Marks marks;
    std::string_view last_user_text; ///< used by [[echo]]
    bool json = false;               ///< response_format json: the text is one JSON object
};

/// Draws the answer; finish_reason is "length" when the cap cut it.
TextPlan plan_text(const TextWish& wish);

/// Characters (code points) of UTF-8 text; broken bytes count as they come.
std::int64_t count_characters(std::string_view text);

} // namespace headroom::mock
