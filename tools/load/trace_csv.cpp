// The two CSV formats: Azure's public traces and our own. Neither has quoted cells.
#include "tools/load/trace_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace headroom::load {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t cells_max = 6;
constexpr std::size_t name_bytes_max = 128;
constexpr std::array<std::string_view, cells_max> columns = {
    "time", "prompt_tokens", "completion_tokens", "max_tokens", "tenant", "prefix"};
constexpr std::size_t columns_least = 3;

struct Cells {
    std::array<std::string_view, cells_max> cell;
    std::size_t count = 0; // may exceed cells_max: the line has too many
};

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

Cells split(std::string_view line) noexcept {
    Cells cells;
    while (true) {
        const std::size_t comma = std::min(line.find(','), line.size());
        if (cells.count < cells_max) cells.cell[cells.count] = trimmed(line.substr(0, comma));
        ++cells.count;
        if (comma == line.size()) return cells;
        line.remove_prefix(comma + 1);
    }
}

Cells cells_of(const TraceLines& lines, std::size_t wanted) {
    const Cells cells = split(lines.line());
    if (cells.count == wanted) return cells;
    throw TraceError{lines.number(), fmt::format("expected {} cells, found {}", wanted, cells.count)};
}

std::int64_t tokens_in(std::string_view cell, std::size_t line, std::string_view column) {
    std::int64_t value = -1;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc{} || end != cell.data() + cell.size() || value < 0 || value > trace_tokens_max) {
        throw TraceError{line, fmt::format("{}: expected a number from 0 to {}, found '{}'", column,
                                           trace_tokens_max, cell.substr(0, 40))};
    }
    return value;
}

std::string name_in(std::string_view cell, std::size_t line, std::string_view column) {
    // It becomes a header field, so only what a field may hold.
    const bool visible = std::all_of(cell.begin(), cell.end(), [](char c) { return c >= ' ' && c <= '~'; });
    if (!visible || cell.size() > name_bytes_max) {
        throw TraceError{
            line, fmt::format("{}: expected at most {} visible ASCII characters", column, name_bytes_max)};
    }
    return std::string{cell};
}

nanoseconds seconds_in(std::string_view cell, std::size_t line) {
    constexpr double most = 1e9; // thirty years
    double value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc{} || end != cell.data() + cell.size() || !(value >= 0 && value <= most)) {
        throw TraceError{line, fmt::format("time: expected seconds from 0, found '{}'", cell.substr(0, 40))};
    }
    return nanoseconds{std::llround(value * 1e9)};
}

/// Takes digits and what must follow them off the front of `text`; -1 when they are not there.
int take_number(std::string_view& text, std::size_t digits, char then) {
    int value = 0;
    if (text.size() < digits) return -1;
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    text.remove_prefix(digits);
    if (then == '\0') return value;
    if (!text.starts_with(then)) return -1;
    text.remove_prefix(1);
    return value;
}

/// What may follow the seconds: a fraction of up to nine digits.
nanoseconds take_fraction(std::string_view& text) {
    if (!text.starts_with('.')) return nanoseconds{0};
    text.remove_prefix(1);
    std::int64_t value = 0;
    std::int64_t unit = 1'000'000'000;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        if (unit > 1) {
            unit /= 10;
            value += (text.front() - '0') * unit;
        }
        text.remove_prefix(1);
    }
    return nanoseconds{value};
}

/// Year to fraction of a second, in UTC; some of the traces say so by "+00:00".
nanoseconds timestamp_in(std::string_view cell, std::size_t line) {
    std::string_view rest = cell;
    const int year = take_number(rest, 4, '-');
    const int month = take_number(rest, 2, '-');
    const int day = take_number(rest, 2, ' ');
    const int hour = take_number(rest, 2, ':');
    const int minute = take_number(rest, 2, ':');
    const int second = take_number(rest, 2, '\0');
    const nanoseconds fraction = take_fraction(rest);
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    const bool complete = year >= 1970 && year <= 2200 && hour >= 0 && hour < 24 && minute >= 0 &&
                          minute < 60 && second >= 0 && second <= 60;
    if (!complete || !date.ok() || !(rest.empty() || rest == "+00:00" || rest == "Z")) {
        throw TraceError{line,
                         fmt::format("TIMESTAMP: expected UTC as '2023-11-16 18:17:03.9799600', found '{}'",
                                     cell.substr(0, 40))};
    }
    return std::chrono::sys_days{date}.time_since_epoch() + std::chrono::hours{hour} +
           std::chrono::minutes{minute} + std::chrono::seconds{second} + fraction;
}

} // namespace

bool is_headroom_header(std::string_view line) noexcept {
    const Cells cells = split(line);
    return cells.count >= columns_least && cells.count <= columns.size() &&
           std::equal(cells.cell.begin(), cells.cell.begin() + static_cast<std::ptrdiff_t>(cells.count),
                      columns.begin());
}

std::vector<TraceRow> read_azure_csv(TraceLines lines) {
    std::vector<TraceRow> rows;
    while (lines.next()) {
        const Cells cells = cells_of(lines, 3);
        TraceRow row;
        row.time = timestamp_in(cells.cell[0], lines.number());
        row.prompt_tokens = tokens_in(cells.cell[1], lines.number(), "ContextTokens");
        row.completion_tokens = tokens_in(cells.cell[2], lines.number(), "GeneratedTokens");
        rows.push_back(std::move(row));
    }
    return rows;
}

std::vector<TraceRow> read_headroom_csv(TraceLines lines, std::string_view header) {
    const std::size_t wanted = split(header).count;
    std::vector<TraceRow> rows;
    while (lines.next()) {
        const Cells cells = cells_of(lines, wanted);
        const std::size_t line = lines.number();
        TraceRow row;
        row.time = seconds_in(cells.cell[0], line);
        row.prompt_tokens = tokens_in(cells.cell[1], line, columns[1]);
        row.completion_tokens = tokens_in(cells.cell[2], line, columns[2]);
        if (!cells.cell[3].empty()) row.max_tokens = tokens_in(cells.cell[3], line, columns[3]);
        row.tenant = name_in(cells.cell[4], line, columns[4]);
        row.prefix = name_in(cells.cell[5], line, columns[5]);
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace headroom::load
