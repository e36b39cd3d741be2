// The errors of Azure OpenAI, with the bodies that clients and proxies match on.
// Pure. Not here: when they happen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace headroom::mock {

struct Problem {
    int status = 400;
    std::string body;
};

/// {"error":{"message","type":"invalid_request_error","param","code"}}; empty param or code become null.
Problem invalid_request(std::string_view message, std::string_view param, std::string_view code);
/// The gateway's short form {"error":{"code","message"}}.
Problem gateway_problem(int status, std::string_view code, std::string_view message);

Problem unreadable_json();
Problem missing_key();
Problem wrong_key();
Problem resource_not_found();
Problem deployment_not_found();
Problem unknown_argument(std::string_view name);
Problem operation_not_supported(std::string_view operation, std::string_view model);
Problem content_filtered();
Problem context_exceeded(std::int64_t context_tokens, std::int64_t prompt_tokens, std::int64_t output_tokens,
                         std::string_view param);
Problem response_not_found(std::string_view id);

/// What the words of a 429 depend on.
struct RateWords {
    std::string_view operation_name; ///< ChatCompletions_Create, …
    std::string_view api_version;
    std::string_view deployment;
    std::string_view model;
    std::string_view region;
    std::int64_t retry_after_s = 1;
    bool tokens = true;     ///< token rate limit, otherwise call rate limit
    bool new_words = false; ///< the wording that is seen since the end of 2025
};

Problem rate_limited(const RateWords& words);
Problem high_demand();
/// A plausible body for any status that a fault orders.
Problem plain_status(int status);

/// The reason phrase of a status line; "Unknown" for what has none.
std::string_view reason_phrase(int status);

} // namespace headroom::mock
