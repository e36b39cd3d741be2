// Tells the format by the first line, has the rows read, and brings them into the order of their times.
#include "tools/load/trace_reader.hpp"

#include "tools/load/trace_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace headroom::load {
namespace {

constexpr std::string_view azure_header = "TIMESTAMP,ContextTokens,GeneratedTokens";

std::vector<TraceRow> read_rows(std::string_view text, TraceFormat& format) {
    TraceLines lines{text};
    if (!lines.next()) throw TraceError{0, "the trace is empty"};
    const std::string_view first = lines.line();
    if (is_azure_header(first)) {
        format = TraceFormat::azure_csv;
        return read_azure_csv(lines);
    }
    if (first.starts_with('{')) {
        format = TraceFormat::mooncake_jsonl;
        return read_mooncake_jsonl(text);
    }
    if (is_headroom_header(first)) {
        format = TraceFormat::headroom_csv;
        return read_headroom_csv(lines);
    }
    throw TraceError{
        lines.number(),
        fmt::format("expected '{}', a JSON object, or "
                    "'time,prompt_tokens,completion_tokens,max_tokens,tenant,prefix'; found '{}'",
                    azure_header, shown(first))};
}

/// Recorded traces are nearly in order; rows of equal times keep the order of the file.
void put_in_order(std::vector<TraceRow>& rows) {
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&rows](std::size_t a, std::size_t b) {
        return rows[a].time != rows[b].time ? rows[a].time < rows[b].time : a < b;
    });
    std::vector<TraceRow> ordered;
    ordered.reserve(rows.size());
    for (const std::size_t index : order)
        ordered.push_back(std::move(rows[index]));
    rows = std::move(ordered);
}

} // namespace

TraceError::TraceError(std::size_t line, const std::string& what)
    : std::runtime_error(line == 0 ? what : fmt::format("line {}: {}", line, what)),
      line_(line),
      problem_(what) {}

std::string TraceError::in_file(std::string_view name) const {
    return line_ == 0 ? fmt::format("{}: {}", name, problem_)
                      : fmt::format("{}:{}: {}", name, line_, problem_);
}

std::string shown(std::string_view text) {
    constexpr std::size_t most = 60;
    std::string start{text.substr(0, most)};
    std::ranges::replace_if(start, [](unsigned char c) { return c < 0x20 || c >= 0x7F; }, '?');
    return text.size() > most ? start + "..." : start;
}

Trace read_trace(std::string_view text) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    Trace trace;
    trace.rows = read_rows(text, trace.format);
    if (trace.rows.empty()) throw TraceError{0, "the trace has no rows"};
    put_in_order(trace.rows);
    const std::chrono::nanoseconds begin = trace.rows.front().time;
    for (TraceRow& row : trace.rows)
        row.time -= begin;
    return trace;
}

bool TraceLines::next() noexcept {
    while (!rest_.empty()) {
        const std::size_t end = std::min(rest_.find('\n'), rest_.size());
        line_ = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        ++number_;
        if (line_.ends_with('\r')) line_.remove_suffix(1);
        if (line_.find_first_not_of(" \t") != std::string_view::npos) return true;
    }
    return false;
}

} // namespace headroom::load
