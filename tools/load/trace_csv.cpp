// The two CSV formats: Azure's public traces and our own. Columns are known by their names, in any order;
// cells may be quoted (RFC 4180), but end on their line.
#include "tools/load/trace_lines.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace headroom::load {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t name_bytes_max = 128;
constexpr std::array<std::string_view, 6> own_columns = {"time",       "prompt_tokens", "completion_tokens",
                                                         "max_tokens", "tenant",        "prefix"};
constexpr std::size_t own_columns_needed = 3;
constexpr std::array<std::string_view, 3> azure_columns = {"TIMESTAMP", "ContextTokens", "GeneratedTokens"};

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Takes a quoted cell, with what follows it up to the comma, off the front of `rest`; false when it never
/// ends.
bool take_quoted(std::string_view& rest, std::string& cell) {
    for (std::size_t at = 1; at < rest.size(); ++at) {
        if (rest[at] != '"') {
            cell += rest[at];
        } else if (at + 1 < rest.size() && rest[at + 1] == '"') {
            cell += rest[at++];
        } else {
            rest.remove_prefix(at + 1);
            const std::size_t comma = std::min(rest.find(','), rest.size());
            if (!trimmed(rest.substr(0, comma)).empty()) return false;
            rest.remove_prefix(comma);
            return true;
        }
    }
    return false;
}

std::vector<std::string> split(std::string_view line, std::size_t number) {
    std::vector<std::string> cells;
    while (true) {
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        std::string cell;
        if (line.starts_with('"')) {
            if (!take_quoted(line, cell))
                throw TraceError{number, "a quoted cell must end on its line, before a comma"};
        } else {
            const std::size_t comma = std::min(line.find(','), line.size());
            cell = trimmed(line.substr(0, comma));
            line.remove_prefix(comma);
        }
        cells.push_back(std::move(cell));
        if (line.empty()) return cells;
        line.remove_prefix(1);
    }
}

/// Where each of the names stands in a header; `absent` where it does not.
using Places = std::array<std::size_t, own_columns.size()>;
constexpr std::size_t absent = static_cast<std::size_t>(-1);

Places places_in(const std::vector<std::string>& header, std::size_t number,
                 std::span<const std::string_view> names, std::size_t needed) {
    Places places;
    places.fill(absent);
    for (std::size_t i = 0; i < header.size(); ++i) {
        const auto found = std::ranges::find(names, header[i]);
        if (found == names.end())
            throw TraceError{number, fmt::format("there is no column '{}'; expected {}", shown(header[i]),
                                                 fmt::join(names, ", "))};
        std::size_t& place = places[static_cast<std::size_t>(found - names.begin())];
        if (place != absent) throw TraceError{number, fmt::format("the column {} is there twice", *found)};
        place = i;
    }
    for (std::size_t i = 0; i < needed; ++i) {
        if (places[i] == absent)
            throw TraceError{number, fmt::format("expected a column {}, found none", names[i])};
    }
    return places;
}

/// The cells of the current line, as many as the header has.
std::vector<std::string> cells_of(const TraceLines& lines, std::size_t wanted) {
    std::vector<std::string> cells = split(lines.line(), lines.number());
    if (cells.size() == wanted) return cells;
    throw TraceError{lines.number(), fmt::format("expected {} cells, found {}", wanted, cells.size())};
}

std::int64_t tokens_in(std::string_view cell, std::size_t line, std::string_view column) {
    std::int64_t value = -1;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc{} || end != cell.data() + cell.size() || value < 0 || value > trace_tokens_max) {
        throw TraceError{line, fmt::format("{}: expected a number from 0 to {}, found '{}'", column,
                                           trace_tokens_max, shown(cell))};
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
        throw TraceError{line, fmt::format("time: expected seconds from 0, found '{}'", shown(cell))};
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
        throw TraceError{
            line,
            fmt::format("TIMESTAMP: expected UTC as '2023-11-16 18:17:03.9799600', found '{}'", shown(cell))};
    }
    return std::chrono::sys_days{date}.time_since_epoch() + std::chrono::hours{hour} +
           std::chrono::minutes{minute} + std::chrono::seconds{second} + fraction;
}

} // namespace

bool is_azure_header(std::string_view line) noexcept {
    return line.find(azure_columns[0]) != line.npos;
}

bool is_headroom_header(std::string_view line) noexcept {
    return std::ranges::any_of(own_columns.begin(), own_columns.begin() + own_columns_needed,
                               [line](std::string_view name) { return line.find(name) != line.npos; });
}

std::vector<TraceRow> read_azure_csv(TraceLines lines) {
    const std::vector<std::string> header = split(lines.line(), lines.number());
    const Places at = places_in(header, lines.number(), azure_columns, azure_columns.size());
    std::vector<TraceRow> rows;
    while (lines.next()) {
        const std::vector<std::string> cells = cells_of(lines, header.size());
        TraceRow row;
        row.time = timestamp_in(cells[at[0]], lines.number());
        row.prompt_tokens = tokens_in(cells[at[1]], lines.number(), azure_columns[1]);
        row.completion_tokens = tokens_in(cells[at[2]], lines.number(), azure_columns[2]);
        rows.push_back(std::move(row));
    }
    return rows;
}

std::vector<TraceRow> read_headroom_csv(TraceLines lines) {
    const std::vector<std::string> header = split(lines.line(), lines.number());
    const Places at = places_in(header, lines.number(), own_columns, own_columns_needed);
    std::vector<TraceRow> rows;
    while (lines.next()) {
        const std::size_t line = lines.number();
        const std::vector<std::string> cells = cells_of(lines, header.size());
        const auto cell = [&](std::size_t column) {
            return at[column] == absent ? std::string_view{} : std::string_view{cells[at[column]]};
        };
        TraceRow row;
        row.time = seconds_in(cell(0), line);
        row.prompt_tokens = tokens_in(cell(1), line, own_columns[1]);
        row.completion_tokens = tokens_in(cell(2), line, own_columns[2]);
        if (!cell(3).empty()) row.max_tokens = tokens_in(cell(3), line, own_columns[3]);
        row.tenant = name_in(cell(4), line, own_columns[4]);
        row.prefix = name_in(cell(5), line, own_columns[5]);
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace headroom::load
