// Answer: a response that Headroom itself gives (errors in Azure's shape, health), and its bytes.
#pragma once

#include "balance/quantities.hpp"
#include "net/buffer.hpp"
#include "net/clock.hpp"
#include "net/http/head.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace headroom::core {

struct Answer {
    std::uint16_t status = 200;
    std::string body;
    std::string_view content_type = "application/json"; ///< Static text.
    balance::Duration
        retry_after{}; ///< 0: no Retry-After. Sent as retry-after-ms and, rounded up, retry-after.
    bool retry_is_useless = false; ///< x-should-retry: false, which the OpenAI SDKs obey.
    bool close = false;            ///< This connection ends after it.
    std::string_view allow;        ///< For 405; static text.
    std::string_view request_id;   ///< Empty: it belongs to no request. The exchange's.
};

/// An error of ours as Azure would word it; `code` empty: the usual one for the status.
[[nodiscard]] Answer error_answer(std::uint16_t status, std::string_view code, std::string_view message);
/// Every backend refused for quota: 429 with the soonest recovery. `random` adds up to an eighth of it (100
/// ms at least), so that those who are told one instant do not all come back at it. Waits that SDKs do not
/// obey are told as they are, with the request not to retry: they would come back within seconds, in vain.
[[nodiscard]] Answer exhausted_answer(balance::Duration retry_after, std::uint64_t random);

/// Head and body in one block; an empty Slice when there is no memory for it. `request` may be a head that
/// was never completed (a malformed request).
[[nodiscard]] net::Slice serialize(const Answer& answer, const net::Head& request, net::BufferPool& pool,
                                   net::WallTime now);

/// "Mon, 23 Nov 2026 08:49:37 GMT" (RFC 9110 section 5.6.7); the text of the last second is kept per thread.
[[nodiscard]] std::string_view http_date(net::WallTime now) noexcept;

} // namespace headroom::core
