// Writes heads; the order and the case of the fields are those of the gateway.
#include "tools/mock_azure/reply_head.hpp"

#include "tools/mock_azure/mock_time.hpp"
#include "tools/mock_azure/problem.hpp"

#include <fmt/format.h>

#include <ctime>

namespace headroom::mock {

namespace {

using Out = std::back_insert_iterator<std::string>;

void add_quota(Out out, const QuotaView& quota, const Quirks& quirks) {
    if (quirks.no_ratelimit) return;
    const auto reset_tokens = ceil_count<std::chrono::seconds>(quota.reset_tokens);
    if (quirks.misspelt) {
        fmt::format_to(out, "x-rate-limit-reset-tokens: {}\r\n", reset_tokens);
        return;
    }
    if (quirks.minus_one) {
        fmt::format_to(out,
                       "x-ratelimit-limit-tokens: -1\r\nx-ratelimit-remaining-tokens: "
                       "-1\r\nx-ratelimit-reset-tokens: 0\r\n");
        return;
    }
    if (quota.limit_requests > 0) {
        fmt::format_to(out,
                       "x-ratelimit-limit-requests: {}\r\nx-ratelimit-remaining-requests: "
                       "{}\r\nx-ratelimit-reset-requests: {}\r\n",
                       quota.limit_requests, quota.remaining_requests,
                       ceil_count<std::chrono::seconds>(quota.reset_requests));
    }
    if (quota.limit_tokens > 0) {
        fmt::format_to(out,
                       "x-ratelimit-limit-tokens: {}\r\nx-ratelimit-remaining-tokens: "
                       "{}\r\nx-ratelimit-reset-tokens: {}\r\n",
                       quota.limit_tokens, quota.remaining_tokens, reset_tokens);
    }
}

void add_retry_after(Out out, std::chrono::nanoseconds wait, const Quirks& quirks) {
    if (quirks.minus_one || quirks.misspelt) return;
    if (quirks.zero) {
        fmt::format_to(out, "retry-after: 0\r\nretry-after-ms: 0\r\n");
    } else if (quirks.huge) {
        fmt::format_to(out, "retry-after: 86400\r\n");
    } else if (quirks.negative) {
        fmt::format_to(out, "retry-after: -1\r\n");
    } else if (quirks.garbage) {
        fmt::format_to(out, "retry-after: soon\r\n");
    } else if (quirks.date) {
        const auto rounded_up =
            std::chrono::ceil<std::chrono::seconds>(std::chrono::system_clock::now() + wait);
        fmt::format_to(out, "retry-after: {}\r\n", http_date(rounded_up));
    } else {
        if (!quirks.no_retry_after)
            fmt::format_to(out, "retry-after: {}\r\n", ceil_count<std::chrono::seconds>(wait));
        if (!quirks.no_retry_after_ms) {
            fmt::format_to(out, "retry-after-ms: {}\r\n", ceil_count<std::chrono::milliseconds>(wait));
        }
    }
}

void add_model_fields(Out out, const ReplyHead& head) {
    fmt::format_to(out,
                   "x-ms-rai-invoked: true\r\nx-ms-deployment-name: {}\r\nx-ms-served-model: {}\r\n"
                   "azureml-model-session: d20260{}-pod\r\nx-aml-cluster: hyena-{}-01\r\n"
                   "cmp-upstream-response-duration: 12\r\nx-envoy-upstream-service-time: "
                   "14\r\nx-accel-buffering: no\r\n",
                   head.deployment, head.model, head.request_id.substr(0, 6), head.request_id.substr(24));
    if (head.streaming) fmt::format_to(out, "azureai-fe-is-streaming: true\r\n");
}

} // namespace

std::string http_date(std::chrono::system_clock::time_point at) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[40];
    const std::size_t length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text, length};
}

std::string uuid(std::uint64_t high, std::uint64_t low) {
    return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xffffU,
                       high & 0xfffU, 0x8000U | ((low >> 48U) & 0x3fffU), low & 0xffffffffffffULL);
}

std::string serialize(const ReplyHead& head, const Quirks& quirks) {
    std::string text;
    text.reserve(1'400);
    Out out = std::back_inserter(text);
    fmt::format_to(out, "HTTP/1.1 {} {}\r\n", head.status, reason_phrase(head.status));
    if (head.content_length) fmt::format_to(out, "Content-Length: {}\r\n", *head.content_length);
    if (head.chunked) fmt::format_to(out, "Transfer-Encoding: chunked\r\n");
    if (!head.content_type.empty()) fmt::format_to(out, "Content-Type: {}\r\n", head.content_type);
    if (!head.keep_alive) fmt::format_to(out, "Connection: close\r\n");
    if (head.quota) add_quota(out, *head.quota, quirks);
    if (head.retry_after) add_retry_after(out, *head.retry_after, quirks);
    if (!head.deployment.empty() && head.status == 200) add_model_fields(out, head);
    if (!head.client_request_id.empty())
        fmt::format_to(out, "x-ms-client-request-id: {}\r\n", head.client_request_id);
    fmt::format_to(out,
                   "apim-request-id: {0}\r\nx-request-id: {0}\r\nx-ms-region: {1}\r\n"
                   "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n"
                   "x-content-type-options: nosniff\r\n",
                   head.request_id, head.region);
    text += head.extra;
    fmt::format_to(out, "Date: {}\r\n\r\n", http_date(std::chrono::system_clock::now()));
    return text;
}

} // namespace headroom::mock
