// A line is written when a request ends, so it came "duration_ms" before "time".
#include "bench/lab/access_log.hpp"

#include "tools/load/trace_lines.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <tuple>
#include <utility>

namespace headroom::lab {
namespace {

using simdjson::dom::element;
using std::chrono::nanoseconds;

constexpr std::string_view mark = R"({"time":")";
constexpr int lines_looked_at = 100;
// A client believes a Retry-After of up to a minute; a little for the way.
constexpr nanoseconds retry_within = std::chrono::seconds(75);
constexpr unsigned retries_max = 2;

/// One request line, as far as it matters here.
struct Line {
    nanoseconds began{};
    nanoseconds ended{};
    std::int64_t status = 0;
    std::int64_t bytes = 0;
    std::int64_t estimated = 0;
    std::int64_t prompt = 0;
    std::optional<std::int64_t> completion;
    std::string deployment;
    std::string path;
    unsigned retries = 0;

    [[nodiscard]] bool will_be_retried() const noexcept {
        return status == 408 || status == 409 || status == 429 || status >= 500;
    }
};

int digits(std::string_view text, std::size_t at, std::size_t count) {
    int value = 0;
    for (std::size_t i = at; i < at + count; ++i) {
        if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/// "2026-01-31T12:34:56.789Z", as core/report.cpp writes it.
nanoseconds time_in(std::string_view text, std::size_t line) {
    using namespace std::chrono;
    const int y = digits(text, 0, 4);
    const year_month_day date{year(y), month(static_cast<unsigned>(digits(text, 5, 2))),
                              day(static_cast<unsigned>(digits(text, 8, 2)))};
    const int h = digits(text, 11, 2);
    const int m = digits(text, 14, 2);
    const int s = digits(text, 17, 2);
    const int ms = digits(text, 20, 3);
    constexpr std::string_view form = "0000-00-00T00:00:00.000Z";
    bool formed = text.size() == form.size();
    for (std::size_t i = 0; formed && i < form.size(); ++i)
        formed = form[i] == '0' || text[i] == form[i];
    if (!formed || y < 1970 || y > 2200 || !date.ok() || h < 0 || m < 0 || s < 0 || ms < 0)
        throw load::TraceError{
            line, fmt::format("time: expected UTC as Headroom writes it, found '{}'", load::shown(text))};
    return sys_days{date}.time_since_epoch() + hours(h) + minutes(m) + seconds(s) + milliseconds(ms);
}

std::optional<std::int64_t> count_in(const element& object, std::string_view key) {
    std::int64_t value = 0;
    if (object[key].get(value) != simdjson::SUCCESS) return std::nullopt;
    return std::clamp<std::int64_t>(value, 0, load::trace_tokens_max);
}

std::string text_in(const element& object, std::string_view key) {
    std::string_view value;
    return object[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

std::optional<Line> line_of(const element& object, std::size_t number) {
    if (text_in(object, "event") != "request") return std::nullopt;
    Line line;
    line.ended = time_in(text_in(object, "time"), number);
    line.began = line.ended - std::chrono::milliseconds(count_in(object, "duration_ms").value_or(0));
    line.status = count_in(object, "status").value_or(0);
    line.bytes = count_in(object, "request_bytes").value_or(0);
    line.completion = count_in(object, "completion_tokens");
    if (!line.completion) line.completion = count_in(object, "counted_output_tokens");
    line.estimated = count_in(object, "estimated_tokens").value_or(0);
    line.prompt = count_in(object, "prompt_tokens").value_or(line.estimated);
    line.deployment = text_in(object, "deployment");
    line.path = text_in(object, "path");
    if (line.prompt == 0) return std::nullopt;
    return line;
}

std::vector<Line> lines_in(std::string_view text, AccessLog& log) {
    std::vector<Line> all;
    simdjson::dom::parser parser;
    for (load::TraceLines lines{text}; lines.next();) {
        const std::size_t at = lines.line().find(mark);
        if (at == std::string_view::npos) {
            ++log.other_lines;
            continue;
        }
        const std::string_view json = lines.line().substr(at);
        element object;
        if (parser.parse(json.data(), json.size()).get(object) != simdjson::SUCCESS) {
            const bool cut = json.data() + json.size() == text.data() + text.size();
            if (!cut)
                throw load::TraceError{lines.number(),
                                       fmt::format("expected a JSON object, found '{}'", load::shown(json))};
            ++log.other_lines;
            continue;
        }
        if (auto line = line_of(object, lines.number())) all.push_back(std::move(*line));
    }
    return all;
}

/// What all tries of one request have in common.
std::string identity(const Line& line) {
    return fmt::format("{} {} {} {}", line.bytes, line.estimated, line.deployment, line.path);
}

/// Tries of one request become one, which came when the first of them came and has the last one's answer.
std::vector<Line> without_retries(std::vector<Line> lines, AccessLog& log) {
    std::vector<Line> kept;
    std::map<std::string, std::size_t> failed; // the place in `kept` of the last that may come again
    for (Line& line : lines) {
        const std::string key = identity(line);
        if (const auto found = failed.find(key); found != failed.end()) {
            Line& earlier = kept[found->second];
            if (line.began >= earlier.ended && line.began - earlier.ended <= retry_within &&
                earlier.retries < retries_max && line.bytes > 0) {
                ++log.retries;
                line.began = earlier.began;
                line.retries = earlier.retries + 1;
                earlier = std::move(line);
                if (!earlier.will_be_retried()) failed.erase(found);
                continue;
            }
        }
        if (line.will_be_retried()) failed[key] = kept.size();
        kept.push_back(std::move(line));
    }
    return kept;
}

std::int64_t mean_completion(const std::vector<Line>& lines) {
    std::int64_t sum = 0;
    std::int64_t count = 0;
    for (const Line& line : lines) {
        if (!line.completion) continue;
        sum += *line.completion;
        ++count;
    }
    return count > 0 ? sum / count : 0;
}

} // namespace

bool is_access_log(std::string_view text) noexcept {
    load::TraceLines lines{text};
    for (int i = 0; i < lines_looked_at && lines.next(); ++i) {
        if (lines.line().find(mark) != std::string_view::npos) return true;
    }
    return false;
}

AccessLog read_access_log(std::string_view text, std::string_view deployment) {
    AccessLog log;
    std::vector<Line> lines = lines_in(text, log);
    for (const Line& line : lines)
        ++log.deployments[line.deployment];
    if (!deployment.empty())
        std::erase_if(lines, [&](const Line& line) { return line.deployment != deployment; });
    if (lines.empty()) {
        std::vector<std::string> names;
        names.reserve(log.deployments.size());
        for (const auto& [name, count] : log.deployments)
            names.push_back(name);
        throw load::TraceError{
            0, names.empty() ? "the log has no request that charged tokens"
                             : fmt::format("the log has no request of the deployment '{}', only of {}",
                                           deployment, fmt::join(names, ", "))};
    }
    // Lines stand in the order of their ends; equal times are as good in one order as in the other, but it is
    // fixed.
    std::ranges::sort(lines, {}, [](const Line& line) {
        return std::tuple(line.began, line.prompt, line.completion.value_or(-1), line.ended, line.bytes);
    });
    const std::int64_t mean = mean_completion(lines);
    lines = without_retries(std::move(lines), log);
    for (const Line& line : lines) {
        load::TraceRow row;
        row.time = line.began - lines.front().began;
        row.prompt_tokens = line.prompt;
        row.completion_tokens = line.completion.value_or(mean);
        if (!line.completion) ++log.guessed;
        log.rows.push_back(std::move(row));
    }
    return log;
}

} // namespace headroom::lab
