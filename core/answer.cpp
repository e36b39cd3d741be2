// Bytes of our own answers.
#include "core/answer.hpp"

#include "balance/exhausted.hpp"
#include "core/request_id.hpp"
#include "net/http/writer.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace headroom::core {
namespace {

constexpr std::size_t head_bytes_max = 1024;

/// The SDKs of OpenAI take a longer Retry-After for a mistake and retry after half a second or a few
/// (versions of 2026 obey up to 120 s).
constexpr balance::Duration obeyed_wait_max = std::chrono::milliseconds(59'999);

std::uint64_t whole_seconds_up(balance::Duration wait) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait);
    return static_cast<std::uint64_t>(std::max<std::int64_t>(1, seconds.count()));
}

std::uint64_t milliseconds_up(balance::Duration wait) {
    return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
}

} // namespace

Answer error_answer(std::uint16_t status, std::string_view code, std::string_view message) {
    Answer answer;
    answer.status = status;
    answer.body = balance::error_body(status, code, message);
    return answer;
}

Answer exhausted_answer(balance::Duration retry_after, std::uint64_t random) {
    Answer answer;
    answer.status = 429;
    const auto exact = std::max<balance::Duration>(retry_after, std::chrono::milliseconds(1));
    const auto spread = std::max<balance::Duration>(exact / 8, std::chrono::milliseconds(100));
    const auto later = exact + balance::Duration(static_cast<balance::Duration::rep>(
                                   random % static_cast<std::uint64_t>(spread.count())));
    answer.retry_is_useless = exact > obeyed_wait_max;
    answer.retry_after = answer.retry_is_useless ? later : std::min(later, obeyed_wait_max);
    answer.body = balance::exhausted_body(answer.retry_after);
    return answer;
}

net::Slice serialize(const Answer& answer, const net::Head& request, net::BufferPool& pool,
                     net::WallTime now) {
    net::HeadWriter writer(pool, head_bytes_max + answer.body.size(), head_bytes_max + answer.body.size());
    writer.status_line(answer.status);
    writer.field("Date", http_date(now));
    if (!answer.body.empty()) writer.field("Content-Type", answer.content_type);
    if (answer.status != 204) writer.field("Content-Length", answer.body.size()); // RFC 9110 section 8.6
    if (answer.retry_after > balance::Duration::zero()) {
        writer.field("Retry-After", whole_seconds_up(answer.retry_after));
        writer.field("retry-after-ms", milliseconds_up(answer.retry_after));
    }
    if (answer.retry_is_useless) writer.field("x-should-retry", "false");
    if (!answer.request_id.empty()) {
        writer.field("x-request-id", answer.request_id); // where the OpenAI SDKs look for it
        writer.field(request_id_field, answer.request_id);
    }
    if (!answer.allow.empty()) writer.field("Allow", answer.allow);
    if (answer.close) {
        writer.field("Connection", "close");
    } else if (request.version() == net::HttpVersion::http10) {
        writer.field("Connection", "keep-alive");
    }
    writer.end();
    if (request.method() != net::Method::head) writer.body(answer.body);
    return writer.take();
}

std::string_view http_date(net::WallTime now) noexcept {
    thread_local std::time_t second = -1;
    thread_local std::array<char, 32> text{};
    thread_local std::size_t size = 0;
    const std::time_t current = std::chrono::system_clock::to_time_t(now);
    if (current != second) {
        std::tm parts{};
        gmtime_r(&current, &parts);
        // strftime's names are English in the C locale, which main never changes
        size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        second = current;
    }
    return {text.data(), size};
}

} // namespace headroom::core
