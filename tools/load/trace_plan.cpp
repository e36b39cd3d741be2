// The frame of a chat completion costs tokens, too, so that many words fewer are made up.
#include "tools/load/trace_plan.hpp"

#include "tools/load/request_text.hpp"
#include "tools/load/trace_prompt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <iterator>
#include <utility>

namespace headroom::load {
namespace {

// Seven for a chat of one message (OpenAI cookbook: three per message, one for its role, three for the
// answer), five for " [[tokens=N]]".
constexpr std::int64_t frame_tokens = 12;

std::int64_t words_of(const TraceRow& row) noexcept {
    return std::max<std::int64_t>(0, row.prompt_tokens - frame_tokens);
}

std::string mark_of(const TraceRow& row) {
    return fmt::format(" [[tokens={}]]", std::max<std::int64_t>(1, row.completion_tokens));
}

} // namespace

std::int64_t usual_cap(std::int64_t tokens) noexcept {
    const auto least = static_cast<std::uint64_t>(std::max<std::int64_t>(16, tokens));
    return static_cast<std::int64_t>(std::bit_ceil(least));
}

std::int64_t prompt_charge(const TraceRow& row) noexcept {
    const double characters = static_cast<double>(words_of(row)) * trace_word_characters() +
                              static_cast<double>(mark_of(row).size());
    return std::llround(std::ceil(characters / 4));
}

TracePlan::TracePlan(Trace trace, const Options& options) : trace_(std::move(trace)), options_(&options) {
    const TraceOptions& asked = options.trace;
    if (asked.rows_max != 0 && asked.rows_max < trace_.rows.size()) trace_.rows.resize(asked.rows_max);
    if (trace_.rows.size() < options.threads)
        throw OptionError(
            fmt::format("--threads {} needs a trace of at least as many rows", options.threads));
    add_up();
    if (asked.load > 0) {
        if (totals_.charge_per_minute <= 0)
            throw OptionError("--load needs a trace whose rows do not all have one time");
        pace_ = asked.load * asked.quota / totals_.charge_per_minute;
    }
    if (asked.parts > 1) keep_part();
    totals_.seconds /= pace_;
    totals_.charge_per_minute *= pace_;
}

// The pace is that of the whole trace, so that all parts keep step.
void TracePlan::keep_part() {
    std::vector<TraceRow> mine;
    for (std::size_t i = options_->trace.part - 1; i < trace_.rows.size(); i += options_->trace.parts)
        mine.push_back(std::move(trace_.rows[i]));
    trace_.rows = std::move(mine);
    if (trace_.rows.size() < options_->threads)
        throw OptionError("--trace-part: a part needs at least as many rows as --threads");
    totals_ = {};
    add_up();
}

void TracePlan::add_up() {
    totals_.rows = trace_.rows.size();
    for (const TraceRow& row : trace_.rows) {
        totals_.prompt_tokens += row.prompt_tokens;
        totals_.completion_tokens += row.completion_tokens;
        totals_.charge += charge(row);
        totals_.charge_max = std::max(totals_.charge_max, charge(row));
    }
    totals_.seconds = std::chrono::duration<double>(trace_.rows.back().time).count();
    if (totals_.seconds > 0)
        totals_.charge_per_minute = static_cast<double>(totals_.charge) * 60 / totals_.seconds;
}

Nanoseconds TracePlan::due(std::size_t index) const noexcept {
    const auto recorded = static_cast<double>(trace_.rows[index].time.count());
    return Nanoseconds{std::llround(recorded / pace_ / options_->trace.time_scale)};
}

std::optional<std::int64_t> TracePlan::max_tokens(const TraceRow& row) const noexcept {
    switch (options_->trace.max_tokens_by) {
        case MaxTokensBy::none: return std::nullopt;
        case MaxTokensBy::given: return row.max_tokens;
        case MaxTokensBy::number: return options_->trace.max_tokens;
        case MaxTokensBy::trace: break;
    }
    return row.max_tokens ? row.max_tokens : usual_cap(row.completion_tokens);
}

std::int64_t TracePlan::charge(const TraceRow& row) const noexcept {
    constexpr std::int64_t default_max_tokens = 16; // what Azure's limiter assumes
    return prompt_charge(row) + max_tokens(row).value_or(default_max_tokens);
}

Sending TracePlan::sending(std::size_t index) const {
    const TraceRow& row = trace_.rows[index];
    std::string body =
        fmt::format(R"({{"model":"{}","messages":[{{"role":"user","content":")", options_->trace.model);
    // Numbered in the whole trace, so that no two parts make up the same words.
    const TraceOptions& asked = options_->trace;
    body += trace_prompt(row, index * asked.parts + asked.part - 1, words_of(row));
    body += mark_of(row) + R"("}])";
    if (const auto most = max_tokens(row)) body += fmt::format(R"(,"max_tokens":{})", *most);
    if (options_->stream) body += R"(,"stream":true,"stream_options":{"include_usage":true})";
    body += '}';
    const std::int64_t answer = std::min(std::max<std::int64_t>(1, row.completion_tokens),
                                         max_tokens(row).value_or(row.completion_tokens));
    std::string field = row.tenant.empty() ? std::string{} : "x-headroom-tenant: " + row.tenant + "\r\n";
    return {message_text(*options_, "POST", body, field), charge(row), row.prompt_tokens + answer};
}

TracePlan plan_trace(const Options& options) {
    const std::string& name = options.trace.file;
    std::ifstream file{name, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (!file.is_open() || file.bad()) throw OptionError(fmt::format("cannot read --trace '{}'", name));
    try {
        return TracePlan{read_trace(text), options};
    } catch (const TraceError& error) {
        throw OptionError(error.in_file(name));
    }
}

} // namespace headroom::load
