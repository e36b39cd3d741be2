// Prints what was counted; everything derived (rates, CPU per request) is computed here from the window's
// numbers.
#include "tools/load/report.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <iterator>
#include <optional>
#include <string_view>

namespace headroom::load {
namespace {

constexpr std::array<double, 6> quantiles{0.5, 0.75, 0.9, 0.99, 0.999, 0.9999};
constexpr std::array<std::string_view, 6> quantile_names{"p50", "p75", "p90", "p99", "p99_9", "p99_99"};

double per_second(std::uint64_t count, double seconds) {
    return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

// CPU microseconds of each of `count` things in a window in which `cores` were used on average.
std::optional<double> cpu_us_each(std::optional<double> cores, double seconds, std::uint64_t count) {
    if (!cores || count == 0) return std::nullopt;
    return *cores * seconds * 1e6 / static_cast<double>(count);
}

double in_us(Nanoseconds duration) {
    return static_cast<double>(duration.count()) / 1e3;
}

std::string number_or_null(std::optional<double> value) {
    return value ? fmt::format("{:.4f}", *value) : "null";
}

std::string json_of(const Histogram& histogram) {
    if (histogram.count() == 0) return "null";
    std::string text = fmt::format(R"({{"count":{},"mean":{:.2f},"min":{:.2f})", histogram.count(),
                                   in_us(histogram.mean()), in_us(histogram.min()));
    for (std::size_t i = 0; i < quantiles.size(); ++i) {
        text += fmt::format(R"(,"{}":{:.2f})", quantile_names[i], in_us(histogram.quantile(quantiles[i])));
    }
    return text + fmt::format(R"(,"max":{:.2f}}})", in_us(histogram.max()));
}

std::string json_quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) < 0x20)
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else
            out += c;
    }
    return out + '"';
}

std::string json_counts(const Tally& tally) {
    std::string statuses;
    for (std::size_t i = 0; i < tally.statuses.size(); ++i) {
        if (tally.statuses[i] > 0)
            statuses += fmt::format(R"({}"{}":{})", statuses.empty() ? "" : ",", i, tally.statuses[i]);
    }
    std::string failures;
    for (std::size_t i = 1; i < failure_count; ++i) {
        failures += fmt::format(R"("{}":{},)", name_of(static_cast<Failure>(i)), tally.failures[i]);
    }
    return fmt::format(R"("status":{{{}}},"failures":{{{}"outside_window":{}}})", statuses, failures,
                       tally.failures_outside);
}

void add_row(std::string& out, std::string_view name, const Histogram& histogram) {
    if (histogram.count() == 0) return;
    out += fmt::format("{:<14}", name);
    for (const double q : {0.5, 0.9, 0.99, 0.999})
        out += fmt::format("{:>11}", readable(histogram.quantile(q)));
    out += fmt::format("{:>11}{:>11}\n", readable(histogram.max()), readable(histogram.mean()));
}

void add_failures(std::string& out, const Outcome& outcome) {
    const Tally& tally = outcome.tally;
    for (std::size_t i = 1; i < failure_count; ++i) {
        if (tally.failures[i] == 0) continue;
        out += fmt::format("  failed: {:<10}{:>12}\n", name_of(static_cast<Failure>(i)), tally.failures[i]);
    }
    if (tally.failures_outside > 0)
        out += fmt::format("  failed outside the measured time {}\n", tally.failures_outside);
    if (!outcome.first_failure.empty()) out += fmt::format("  the first one: {}\n", outcome.first_failure);
}

void add_cpu(std::string& out, const Outcome& outcome) {
    const Done& done = outcome.tally.done;
    if (const auto each = cpu_us_each(outcome.watched_cores, outcome.seconds, done.responses)) {
        out += fmt::format("watched CPU   {:.2f} cores, {:.2f} us per answer", *outcome.watched_cores, *each);
        if (const auto event = cpu_us_each(outcome.watched_cores, outcome.seconds, done.events)) {
            out += fmt::format(", {:.2f} us per event", *event);
        }
        out += '\n';
    }
    if (outcome.own_cores) out += fmt::format("own CPU       {:.2f} cores\n", *outcome.own_cores);
}

std::string how_it_was_sent(const Options& options, const Outcome& outcome) {
    if (!outcome.trace) {
        return options.rate > 0
                   ? fmt::format("open loop at {:g} requests/s, latency from the time a request was due\n",
                                 options.rate)
                   : std::string{"closed loop, latency from the time a request was sent\n"};
    }
    const TraceTotals& trace = *outcome.trace;
    std::string text =
        fmt::format("trace {}, {} rows in {:.1f} s", options.trace.file, trace.rows, trace.seconds);
    if (options.trace.time_scale != 1) text += fmt::format(", {:g} times as fast", options.trace.time_scale);
    return text +
           fmt::format(
               "; latency from the time a request was due\n"
               "offered       {:.0f} tokens/min as a quota counts them (prompt + max_tokens), {} tokens in "
               "all, {} at most in one request\n"
               "tokens        {} of {} answered (prompt + answer)\n",
               trace.charge_per_minute, trace.charge, trace.charge_max, outcome.tally.tokens_answered,
               trace.prompt_tokens + trace.completion_tokens);
}

std::string json_of(const Options& options, const Outcome& outcome) {
    if (!outcome.trace) return "null";
    const TraceTotals& trace = *outcome.trace;
    return fmt::format(
        R"({{"rows":{},"seconds":{:.3f},"time_scale":{},"prompt_tokens":{},"completion_tokens":{},"charge":{},)"
        R"("charge_max":{},"charge_per_minute":{:.1f},"tokens_answered":{}}})",
        trace.rows, trace.seconds, options.trace.time_scale, trace.prompt_tokens, trace.completion_tokens,
        trace.charge, trace.charge_max, trace.charge_per_minute, outcome.tally.tokens_answered);
}

std::string_view mode_of(const Options& options, const Outcome& outcome) {
    if (outcome.trace) return "trace";
    return options.rate > 0 ? "open" : "closed";
}

} // namespace

std::string readable(Nanoseconds duration) {
    const auto value = static_cast<double>(duration.count());
    if (value < 1e3) return fmt::format("{} ns", duration.count());
    if (value < 1e6) return fmt::format("{:.1f} us", value / 1e3);
    if (value < 1e9) return fmt::format("{:.2f} ms", value / 1e6);
    return fmt::format("{:.2f} s", value / 1e9);
}

std::uint64_t failures_of(const Outcome& outcome) noexcept {
    return outcome.tally.failed() + outcome.tally.failures_outside;
}

std::string table(const Options& options, const Outcome& outcome) {
    const Tally& tally = outcome.tally;
    std::string out =
        fmt::format("{} {}{}, {} connections, {:.2f} s measured{}\n", options.target.tls ? "TLS" : "HTTP",
                    options.target.authority, options.target.path, options.connections, outcome.seconds,
                    outcome.interrupted ? " (interrupted)" : "");
    out += how_it_was_sent(options, outcome);
    out += fmt::format("answers       {:.0f}/s, {} in all, {} as expected, {} failed\n",
                       per_second(tally.done.responses, outcome.seconds), tally.done.responses,
                       tally.succeeded, tally.failed());
    for (std::size_t i = 0; i < tally.statuses.size(); ++i) {
        if (tally.statuses[i] > 0) out += fmt::format("  status {}{:>18}\n", i, tally.statuses[i]);
    }
    add_failures(out, outcome);
    if (tally.done.events > 0) {
        out += fmt::format("events        {:.0f}/s in {:.0f} HTTP chunks/s\n",
                           per_second(tally.done.events, outcome.seconds),
                           per_second(tally.done.chunks, outcome.seconds));
    }
    out += fmt::format("bytes         {:.2f} MB/s in, {:.2f} MB/s out, {} reconnects\n",
                       per_second(tally.done.bytes_in, outcome.seconds) / 1e6,
                       per_second(tally.done.bytes_out, outcome.seconds) / 1e6, tally.reconnects);
    out += fmt::format("\n{:<14}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}\n", "", "p50", "p90", "p99", "p99.9",
                       "max", "mean");
    if (options.rate > 0 || outcome.trace) add_row(out, "sent late", tally.late);
    add_row(out, "latency", tally.latency);
    add_row(out, "first byte", tally.first_byte);
    add_row(out, "first event", tally.first_event);
    add_row(out, "event gap", tally.event_gap);
    out += '\n';
    add_cpu(out, outcome);
    return out;
}

std::string json(const Options& options, const Outcome& outcome) {
    const Tally& tally = outcome.tally;
    const Done& done = tally.done;
    std::string out = fmt::format(
        R"({{"mode":"{}","rate":{},"connections":{},"threads":{},"seconds":{:.6f},"interrupted":{},)",
        mode_of(options, outcome), options.rate, options.connections, options.threads, outcome.seconds,
        outcome.interrupted);
    out += fmt::format(R"("requests":{},"succeeded":{},"failed":{},"first_failure":{},{},)", tally.begun,
                       tally.succeeded, failures_of(outcome), json_quoted(outcome.first_failure),
                       json_counts(tally));
    out += fmt::format(
        R"("answers":{},"answers_per_second":{:.3f},"events":{},"events_per_second":{:.3f},"chunks":{},)",
        done.responses, per_second(done.responses, outcome.seconds), done.events,
        per_second(done.events, outcome.seconds), done.chunks);
    out += fmt::format(R"("bytes_in":{},"bytes_out":{},"reconnects":{},)", done.bytes_in, done.bytes_out,
                       tally.reconnects);
    out += fmt::format(R"("trace":{},"client_429s":{},)", json_of(options, outcome), tally.statuses[429]);
    const Reference& first = tally.reference;
    out += fmt::format(R"("body_bytes":{},"body_sha256":{},)",
                       first.known ? std::to_string(first.body.size()) : "null",
                       first.known ? json_quoted(to_hex(sha256(first.body))) : "null");
    out += fmt::format(
        R"("late_us":{},"latency_us":{},"first_byte_us":{},"first_event_us":{},"event_gap_us":{},)",
        json_of(tally.late), json_of(tally.latency), json_of(tally.first_byte), json_of(tally.first_event),
        json_of(tally.event_gap));
    const auto answers = cpu_us_each(outcome.watched_cores, outcome.seconds, done.responses);
    const auto events = cpu_us_each(outcome.watched_cores, outcome.seconds, done.events);
    out += fmt::format(
        R"("watched_cores":{},"watched_us_per_answer":{},"watched_us_per_event":{},"own_cores":{}}})",
        number_or_null(outcome.watched_cores), number_or_null(answers), number_or_null(events),
        number_or_null(outcome.own_cores));
    return out + '\n';
}

} // namespace headroom::load
