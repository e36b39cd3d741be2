// A line is written when a request ends, so it came "duration_ms" before "time".
#include "bench/lab/access_log.hpp"

#include "tools/load/trace_lines.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <tuple>
#include <utility>

namespace headroom::lab {
namespace {

using simdjson::dom::element;

int digits(std::string_view text, std::size_t at, std::size_t count) {
    int value = -1;
    if (text.size() >= at + count) std::from_chars(text.data() + at, text.data() + at + count, value);
    return value;
}

/// "2026-01-31T12:34:56.789Z", as core/report.cpp writes it.
std::chrono::nanoseconds time_in(std::string_view text, std::size_t line) {
    using namespace std::chrono;
    const year_month_day date{year(digits(text, 0, 4)), month(static_cast<unsigned>(digits(text, 5, 2))),
                              day(static_cast<unsigned>(digits(text, 8, 2)))};
    const int h = digits(text, 11, 2);
    const int m = digits(text, 14, 2);
    const int s = digits(text, 17, 2);
    const int ms = digits(text, 20, 3);
    if (!date.ok() || h < 0 || m < 0 || s < 0 || ms < 0 || !text.ends_with('Z'))
        throw load::TraceError{line, "time: expected UTC as Headroom writes it"};
    return sys_days{date}.time_since_epoch() + hours(h) + minutes(m) + seconds(s) + milliseconds(ms);
}

std::int64_t count_in(const element& object, std::string_view key, std::int64_t otherwise) {
    std::int64_t value = 0;
    if (object[key].get(value) != simdjson::SUCCESS) return otherwise;
    return std::clamp<std::int64_t>(value, 0, load::trace_tokens_max);
}

bool read_line(const element& object, std::size_t line, load::TraceRow& row) {
    std::string_view event;
    std::string_view time;
    if (object["event"].get(event) != simdjson::SUCCESS || event != "request") return false;
    if (object["time"].get(time) != simdjson::SUCCESS) throw load::TraceError{line, "expected a time"};
    row.time = time_in(time, line) - std::chrono::milliseconds(count_in(object, "duration_ms", 0));
    const std::int64_t estimated = count_in(object, "estimated_tokens", 0);
    row.completion_tokens =
        count_in(object, "completion_tokens", count_in(object, "counted_output_tokens", 0));
    row.prompt_tokens = count_in(object, "prompt_tokens", estimated);
    return row.prompt_tokens > 0;
}

} // namespace

bool is_access_log(std::string_view text) noexcept {
    load::TraceLines lines{text};
    return lines.next() && lines.line().starts_with(R"({"time":")");
}

std::vector<load::TraceRow> read_access_log(std::string_view text) {
    std::vector<load::TraceRow> rows;
    simdjson::dom::parser parser;
    for (load::TraceLines lines{text}; lines.next();) {
        element object;
        const auto error = parser.parse(lines.line().data(), lines.line().size()).get(object);
        if (error != simdjson::SUCCESS || !object.is_object())
            throw load::TraceError{lines.number(), "expected a JSON object"};
        load::TraceRow row;
        if (read_line(object, lines.number(), row)) rows.push_back(std::move(row));
    }
    if (rows.empty()) throw load::TraceError{0, "the log has no request that charged tokens"};
    // Lines stand in the order of their ends; equal times are as good in one order as in the other, but it is
    // fixed.
    std::ranges::sort(rows, {}, [](const load::TraceRow& row) {
        return std::tuple(row.time, row.prompt_tokens, row.completion_tokens);
    });
    const std::chrono::nanoseconds begin = rows.front().time;
    for (load::TraceRow& row : rows)
        row.time -= begin;
    return rows;
}

} // namespace headroom::lab
