// Parsers for untrusted text: every one reads a bounded prefix and yields a clamped value or nothing.
#include "balance/rate_limits.hpp"

#include "balance/ascii.hpp"
#include "balance/http_date.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace headroom::balance {
namespace {

using std::chrono::duration_cast;

// Nothing a backend says is believed beyond a year; this also keeps sums of durations far from overflow.
constexpr double seconds_max = 366.0 * 86'400;
constexpr std::int64_t count_max = std::int64_t{1} << 40;

constexpr Duration from_seconds(double seconds) noexcept {
    return duration_cast<Duration>(std::chrono::duration<double>(std::min(seconds, seconds_max)));
}

/// Digits with an optional fraction at the start of `text`; removes them. Exponents are not part of any of
/// these formats.
std::optional<double> take_number(std::string_view& text) noexcept {
    std::size_t size = 0;
    bool point = false;
    while (size < text.size() && (is_digit(text[size]) || (text[size] == '.' && !point && size != 0))) {
        point = point || text[size] == '.';
        ++size;
    }
    double value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + size, value, std::chars_format::fixed);
    if (size == 0 || error == std::errc::invalid_argument) return std::nullopt;
    text.remove_prefix(size);
    return error == std::errc::result_out_of_range ? seconds_max : value;
}

/// "450000"; also "450000, 450000" and "450000.0", of which the whole part counts. Negative and other text:
/// nothing.
std::optional<std::int64_t> parse_count(std::string_view text) noexcept {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    return static_cast<std::int64_t>(std::min(*number, static_cast<double>(count_max)));
}

/// Seconds per unit at the start of `text`, removing it; 0 when there is none.
double take_unit(std::string_view& text) noexcept {
    struct Unit {
        std::string_view name;
        double seconds;
    };
    // Longer names first: "ms" is not "m", "milliseconds" not "minutes".
    static constexpr std::array<Unit, 14> units{{{"milliseconds", 1e-3},
                                                 {"millisecond", 1e-3},
                                                 {"minutes", 60},
                                                 {"minute", 60},
                                                 {"seconds", 1},
                                                 {"second", 1},
                                                 {"hours", 3600},
                                                 {"hour", 3600},
                                                 {"days", 86'400},
                                                 {"day", 86'400},
                                                 {"ms", 1e-3},
                                                 {"s", 1},
                                                 {"m", 60},
                                                 {"h", 3600}}};
    for (const Unit& unit : units) {
        if (!starts_with_nocase(text, unit.name)) continue;
        const std::string_view rest = text.substr(unit.name.size());
        if (!rest.empty() && is_letter(rest[0])) continue;
        text = rest;
        return unit.seconds;
    }
    return 0;
}

/// "22", "1.5", "20ms", "1s", "6m0s", "1h2m3.5s", with `blank` also "22 seconds"; a plain number is in
/// seconds.
std::optional<Duration> parse_span(std::string_view text, bool blank) noexcept {
    double seconds = 0;
    bool any = false;
    while (!text.empty() && is_digit(text[0])) {
        const auto number = take_number(text);
        if (!number) break;
        if (blank && text.starts_with(' ')) text.remove_prefix(1);
        const double unit = take_unit(text);
        if (unit == 0 && any) break;
        seconds += *number * (unit == 0 ? 1 : unit);
        any = true;
        if (unit == 0) break;
    }
    if (!any || !std::isfinite(seconds)) return std::nullopt;
    return from_seconds(seconds);
}

template <class Value>
void set_once(std::optional<Value>& field, std::optional<Value> value) noexcept {
    if (!field && value) field = value;
}

bool positive(const std::optional<std::int64_t>& count) noexcept {
    return count && *count > 0;
}

bool contains_any(std::string_view text, std::span<const std::string_view> words) noexcept {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return find_nocase(text, word) != text.npos; });
}

constexpr std::array<std::string_view, 6> capacity_words{
    "high demand", "temporarily unable", "overloaded", "no capacity", "at capacity", "engine_overloaded"};
constexpr std::array<std::string_view, 6> token_words{
    "token rate limit", "tokens per min", "token limit", "(tpm)", "tokens_per_min", "\"tokens\""};
constexpr std::array<std::string_view, 6> request_words{
    "call rate limit", "requests per", "request rate", "(rpm)", "\"requests\"", "requests_per_min"};

Refusal::Kind kind_of(int status, const RateLimits& limits, std::string_view body) noexcept {
    if (contains_any(body, token_words)) return Refusal::Kind::tokens;
    if (contains_any(body, request_words)) return Refusal::Kind::requests;
    if (status != 429 || contains_any(body, capacity_words)) return Refusal::Kind::capacity;
    if (limits.remaining_tokens == 0) return Refusal::Kind::tokens;
    if (limits.remaining_requests == 0) return Refusal::Kind::requests;
    return Refusal::Kind::unknown;
}

/// "Please retry after 22 seconds", "try again in 6m0s", "Please try again in 20ms": the number behind
/// "after" or "in" that follows a word about trying again.
std::optional<Duration> wait_in_text(std::string_view body) noexcept {
    constexpr std::size_t words_between_max = 48;
    for (const std::string_view call :
         {std::string_view("retry"), std::string_view("try again"), std::string_view("wait")}) {
        std::size_t at = find_nocase(body, call);
        for (; at != body.npos; at = find_nocase(body, call, at + 1)) {
            const std::string_view rest = body.substr(at + call.size(), words_between_max);
            for (const std::string_view word :
                 {std::string_view(" after "), std::string_view(" in "), std::string_view(" for ")}) {
                const std::size_t found = find_nocase(rest, word);
                if (found == rest.npos) continue;
                const auto span = parse_span(rest.substr(found + word.size()), true);
                if (span && *span > Duration::zero()) return span;
            }
        }
    }
    return std::nullopt;
}

std::optional<Duration> usable(const std::optional<Duration>& span) noexcept {
    return span && *span > Duration::zero() ? span : std::nullopt;
}

std::optional<Duration> reset_of(const RateLimits& limits, Refusal::Kind kind) noexcept {
    const auto tokens = usable(limits.reset_tokens);
    const auto requests = usable(limits.reset_requests);
    switch (kind) {
        case Refusal::Kind::tokens: return tokens ? tokens : requests;
        case Refusal::Kind::requests: return requests ? requests : tokens;
        case Refusal::Kind::capacity: return std::nullopt;
        case Refusal::Kind::unknown: break;
    }
    if (tokens && requests) return std::min(*tokens, *requests);
    return tokens ? tokens : requests;
}

std::optional<Duration> stated_wait(const Refusal& refusal, std::string_view body,
                                    WallTime wall_now) noexcept {
    const RateLimits& limits = refusal.limits;
    if (const auto wait = usable(limits.retry_after_ms)) return wait;
    if (const auto wait = usable(limits.retry_after)) return wait;
    if (limits.retry_at && *limits.retry_at > wall_now) {
        const auto wait = std::chrono::duration<double>(*limits.retry_at - wall_now).count();
        return from_seconds(wait);
    }
    if (const auto wait = reset_of(limits, refusal.kind)) return wait;
    return wait_in_text(body);
}

} // namespace

bool RateLimits::on_field(std::string_view name, std::string_view value) noexcept {
    constexpr std::size_t shortest = std::string_view("retry-after").size();
    if (name.size() < shortest || ((name[0] | 0x20) != 'r' && (name[0] | 0x20) != 'x')) return false;
    value = trim(value.substr(0, 64));
    if (equal_nocase(name, "retry-after-ms")) {
        if (const auto ms = take_number(value))
            set_once(retry_after_ms, std::optional(from_seconds(*ms / 1000)));
        return true;
    }
    if (equal_nocase(name, "retry-after")) {
        if (!value.empty() && is_digit(value[0])) {
            set_once(retry_after, parse_span(value, false));
        } else {
            set_once(retry_at, parse_http_date(value));
        }
        return true;
    }
    if (!starts_with_nocase(name, "x-rate")) return false;
    name.remove_prefix(6);
    if (name[0] == '-') name.remove_prefix(1);
    if (!starts_with_nocase(name, "limit-")) return false;
    name.remove_prefix(6);
    const auto count = [&](std::optional<std::int64_t>& field, bool zero_counts) {
        const auto parsed = parse_count(value);
        if (positive(parsed) || (zero_counts && parsed)) set_once(field, parsed);
        return true;
    };
    if (equal_nocase(name, "limit-tokens")) return count(limit_tokens, false);
    if (equal_nocase(name, "limit-requests")) return count(limit_requests, false);
    if (equal_nocase(name, "remaining-tokens")) return count(remaining_tokens, true);
    if (equal_nocase(name, "remaining-requests")) return count(remaining_requests, true);
    if (equal_nocase(name, "reset-tokens")) return set_once(reset_tokens, parse_span(value, false)), true;
    if (equal_nocase(name, "reset-requests")) return set_once(reset_requests, parse_span(value, false)), true;
    return false;
}

Refusal refusal_from(int status, const RateLimits& limits, std::string_view body,
                     WallTime wall_now) noexcept {
    Refusal refusal;
    refusal.limits = limits;
    body = body.substr(0, refusal_body_bytes_max);
    refusal.kind = kind_of(status, limits, body);
    if (find_nocase(body, "insufficient_quota") != body.npos) {
        // The account is out of money: no window will open, so the longest wait is the most honest one.
        refusal.stated = refusal.overlong = true;
        refusal.retry_after = refusal_wait_max;
        return refusal;
    }
    const auto wait = stated_wait(refusal, body, wall_now);
    refusal.stated = wait.has_value();
    refusal.overlong = wait && *wait > refusal_wait_max;
    refusal.retry_after = std::clamp(wait.value_or(refusal_wait_default), refusal_wait_min, refusal_wait_max);
    return refusal;
}

} // namespace headroom::balance
