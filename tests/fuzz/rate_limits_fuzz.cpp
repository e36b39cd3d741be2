// Whatever a backend says about its quota, what we make of it is bounded: lines "name: value", then a body.
#include "balance/classify.hpp"
#include "balance/http_date.hpp"
#include "balance/rate_limits.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace headroom::balance;

void require(bool holds) {
    if (!holds) std::abort();
}

bool within(const std::optional<std::int64_t>& count, std::int64_t least) {
    return !count || (*count >= least && *count <= std::int64_t{1} << 40);
}

bool within(const std::optional<Duration>& span) {
    return !span || (*span >= Duration::zero() && *span <= std::chrono::hours(24 * 366));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    RateLimits limits;
    while (true) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() + (line.size() < text.size() ? 1 : 0));
        const std::size_t colon = line.find(':');
        if (colon == line.npos) break;
        limits.on_field(line.substr(0, colon), line.substr(colon + 1));
        static_cast<void>(parse_http_date(line.substr(colon + 1)));
    }
    require(within(limits.limit_tokens, 1) && within(limits.limit_requests, 1));
    require(within(limits.remaining_tokens, 0) && within(limits.remaining_requests, 0));
    require(within(limits.reset_tokens) && within(limits.reset_requests));
    require(within(limits.retry_after) && within(limits.retry_after_ms));
    const WallTime wall_now{std::chrono::seconds(1'700'000'000)};
    for (const int status : {429, 503}) {
        const Refusal refusal = refusal_from(status, limits, text, wall_now);
        require(refusal.retry_after >= refusal_wait_min && refusal.retry_after <= refusal_wait_max);
    }
    for (const int status : {200, 400, 401, 404, 410, 429, 500}) {
        static_cast<void>(classify({status, text, Operation::chat, true, false}));
    }
    return 0;
}
