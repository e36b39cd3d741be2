// Reads the command line; each option is one row of a table.
#include "tools/load/options.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <limits>

namespace headroom::load {
namespace {

[[noreturn]] void refuse(std::string_view what) {
    throw OptionError(std::string{what} + "; see load --help");
}

template <class Number>
Number parse_number(std::string_view text, std::string_view flag, Number least) {
    Number value{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || !(value >= least)) {
        refuse(fmt::format("{} needs a number of at least {}, not '{}'", flag, least, text));
    }
    return value;
}

template <class Take>
void each_in_list(std::string_view list, Take take) {
    while (true) {
        const std::size_t comma = std::min(list.find(','), list.size());
        take(list.substr(0, comma));
        if (comma == list.size()) return;
        list.remove_prefix(comma + 1);
    }
}

std::string read_file(std::string_view name) {
    std::ifstream file{std::string{name}, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (!file.is_open() || file.bad()) refuse(fmt::format("cannot read --body-file '{}'", name));
    return text;
}

struct Row {
    std::string_view name;
    std::string_view letter;
    bool has_value;
    void (*apply)(Options&, std::string_view);
};

void set_header(Options& o, std::string_view v) {
    const std::size_t colon = v.find(':');
    if (colon == std::string_view::npos || colon == 0 || v.find_first_of("\r\n") != std::string_view::npos) {
        refuse(fmt::format("--header needs 'Name: value', not '{}'", v));
    }
    o.headers.emplace_back(v);
}

void set_sha256(Options& o, std::string_view v) {
    o.expectation.body_sha256 = from_hex(v);
    if (!o.expectation.body_sha256) refuse("--expect-sha256 needs 64 hexadecimal digits");
}

void set_arrivals(Options& o, std::string_view v) {
    if (v != "even" && v != "poisson") refuse(fmt::format("--arrivals is even or poisson, not '{}'", v));
    o.arrivals = v == "even" ? Arrivals::even : Arrivals::poisson;
}

void set_trace_part(Options& o, std::string_view v) {
    const std::size_t slash = std::min(v.find('/'), v.size());
    o.trace.part = parse_number<unsigned>(v.substr(0, slash), "--trace-part I/N", 1);
    o.trace.parts = parse_number<unsigned>(v.substr(std::min(slash + 1, v.size())), "--trace-part I/N", 1);
    if (o.trace.part > o.trace.parts) refuse(fmt::format("--trace-part {}: I is from 1 to N", v));
}

void set_max_tokens(Options& o, std::string_view v) {
    o.trace.max_tokens_by = v == "trace"   ? MaxTokensBy::trace
                            : v == "given" ? MaxTokensBy::given
                            : v == "none"  ? MaxTokensBy::none
                                           : MaxTokensBy::number;
    if (o.trace.max_tokens_by == MaxTokensBy::number)
        o.trace.max_tokens = parse_number<std::int64_t>(v, "--max-tokens", 1);
}

void set_model(Options& o, std::string_view v) {
    const auto is_plain = [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; };
    if (v.empty() || !std::all_of(v.begin(), v.end(), is_plain))
        refuse(fmt::format("--model needs a plain name, not '{}'", v));
    o.trace.model = v;
}

void set_watched(Options& o, std::string_view v) {
    each_in_list(
        v, [&o](std::string_view pid) { o.watched.push_back(parse_number<pid_t>(pid, "--watch-pid", 1)); });
}

void set_statuses(Options& o, std::string_view v) {
    each_in_list(v, [&o](std::string_view status) {
        o.expectation.statuses.push_back(parse_number<int>(status, "--expect-status", 100));
    });
}

constexpr std::array<Row, 36> rows{{
    {"--connections", "-c", true,
     [](Options& o, std::string_view v) { o.connections = parse_number<unsigned>(v, "--connections", 1); }},
    {"--rate", "-r", true,
     [](Options& o, std::string_view v) { o.rate = parse_number<double>(v, "--rate", 1e-3); }},
    {"--arrivals", "", true, set_arrivals},
    {"--seed", "", true,
     [](Options& o, std::string_view v) { o.seed = parse_number<std::uint64_t>(v, "--seed", 0); }},
    {"--ramp", "", true, [](Options& o, std::string_view v) { o.ramp = parse_duration(v); }},
    {"--duration", "-d", true, [](Options& o, std::string_view v) { o.duration = parse_duration(v); }},
    {"--requests", "-n", true,
     [](Options& o, std::string_view v) { o.requests = parse_number<std::uint64_t>(v, "--requests", 1); }},
    {"--warmup", "", true, [](Options& o, std::string_view v) { o.warmup = parse_duration(v); }},
    {"--timeout", "", true, [](Options& o, std::string_view v) { o.timeout = parse_duration(v); }},
    {"--threads", "-t", true,
     [](Options& o, std::string_view v) { o.threads = parse_number<unsigned>(v, "--threads", 1); }},
    {"--body-bytes", "", true,
     [](Options& o, std::string_view v) {
         o.generated_body_bytes = parse_number<std::size_t>(v, "--body-bytes", 1);
     }},
    {"--stream", "", false, [](Options& o, std::string_view) { o.stream = true; }},
    {"--body", "", true, [](Options& o, std::string_view v) { o.body = v; }},
    {"--body-file", "", true, [](Options& o, std::string_view v) { o.body = read_file(v); }},
    {"--trace", "", true, [](Options& o, std::string_view v) { o.trace.file = v; }},
    {"--time-scale", "", true,
     [](Options& o, std::string_view v) {
         o.trace.time_scale = parse_number<double>(v, "--time-scale", 1e-3);
     }},
    {"--trace-limit", "", true,
     [](Options& o, std::string_view v) {
         o.trace.rows_max = parse_number<std::size_t>(v, "--trace-limit", 1);
     }},
    {"--trace-part", "", true, set_trace_part},
    {"--max-tokens", "", true, set_max_tokens},
    {"--load", "", true,
     [](Options& o, std::string_view v) { o.trace.load = parse_number<double>(v, "--load", 1e-3); }},
    {"--quota", "", true,
     [](Options& o, std::string_view v) { o.trace.quota = parse_number<double>(v, "--quota", 1); }},
    {"--model", "", true, set_model},
    {"--method", "-X", true, [](Options& o, std::string_view v) { o.method = v; }},
    {"--header", "-H", true, set_header},
    {"--expect-status", "", true, set_statuses},
    {"--expect-length", "", true,
     [](Options& o, std::string_view v) {
         o.expectation.body_bytes = parse_number<std::uint64_t>(v, "--expect-length", 0);
     }},
    {"--expect-sha256", "", true, set_sha256},
    {"--same-body", "", false, [](Options& o, std::string_view) { o.expectation.same_body = true; }},
    {"--any-stream-end", "", false, [](Options& o, std::string_view) { o.expectation.stream_end = false; }},
    {"--ca", "", true, [](Options& o, std::string_view v) { o.ca_file = v; }},
    {"--insecure", "", false, [](Options& o, std::string_view) { o.insecure = true; }},
    {"--json", "", false, [](Options& o, std::string_view) { o.json = true; }},
    {"--watch-pid", "", true, set_watched},
    {"--allow-errors", "", false, [](Options& o, std::string_view) { o.allow_errors = true; }},
    {"--quiet", "-q", false, [](Options& o, std::string_view) { o.quiet = true; }},
    {"--help", "-h", false, [](Options& o, std::string_view) { o.help = true; }},
}};

const Row& find_row(std::string_view name) {
    const auto* row = std::find_if(rows.begin(), rows.end(),
                                   [name](const Row& r) { return r.name == name || r.letter == name; });
    if (row == rows.end()) refuse(fmt::format("there is no option '{}'", name));
    return *row;
}

void complete_trace(Options& options, bool has_connections) {
    const TraceOptions& trace = options.trace;
    if (trace.file.empty()) {
        if (trace.load > 0 || trace.quota > 0 || trace.rows_max > 0 || trace.parts > 1 ||
            trace.time_scale != 1)
            refuse("--load, --quota, --trace-limit, --trace-part and --time-scale go with --trace");
        return;
    }
    if (options.rate > 0 || options.requests != 0 || options.ramp > Nanoseconds{0})
        refuse("a trace says itself when it sends: --trace goes without --rate, --requests and --ramp");
    if (options.generated_body_bytes != 0 || !options.body.empty() || !options.method.empty())
        refuse("a trace makes up its own requests: --trace goes without a body or method of yours");
    if ((trace.load > 0) != (trace.quota > 0)) refuse("--load and --quota go together");
    if (!has_connections) options.connections = 2048;
    options.warmup = Nanoseconds{0};
}

void complete(Options& options, bool has_url, bool has_warmup) {
    if (options.help) return;
    if (!has_url) refuse("which URL? for example http://127.0.0.1:8080/v1/chat/completions");
    if (options.threads > options.connections) {
        refuse(fmt::format("--threads {} needs at least as many --connections", options.threads));
    }
    if (options.requests != 0 && options.requests < options.threads)
        refuse("--requests must be at least --threads");
    if (options.generated_body_bytes != 0 && !options.body.empty())
        refuse("give --body-bytes or a body of your own, not both");
    if (options.stream && options.generated_body_bytes == 0 && options.trace.file.empty())
        refuse("--stream goes with --body-bytes or --trace");
    if (options.requests != 0 && !has_warmup) options.warmup = Nanoseconds{0};
}

} // namespace

Options parse_options(std::span<const char* const> arguments) {
    Options options;
    bool has_url = false;
    bool has_warmup = false;
    bool has_connections = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view argument = arguments[i];
        if (!argument.starts_with('-')) {
            if (has_url) refuse(fmt::format("one URL at a time; '{}' is the second", argument));
            options.target = parse_target(argument);
            has_url = true;
            continue;
        }
        const std::size_t equals = argument.starts_with("--") ? argument.find('=') : std::string_view::npos;
        const Row& row = find_row(argument.substr(0, equals));
        std::string_view value;
        if (row.has_value) {
            if (equals != std::string_view::npos)
                value = argument.substr(equals + 1);
            else if (++i < arguments.size())
                value = arguments[i];
            else
                refuse(fmt::format("{} needs a value", row.name));
        } else if (equals != std::string_view::npos) {
            refuse(fmt::format("{} takes no value", row.name));
        }
        row.apply(options, value);
        has_warmup = has_warmup || row.name == "--warmup";
        has_connections = has_connections || row.name == "--connections";
    }
    complete_trace(options, has_connections);
    complete(options, has_url, has_warmup);
    return options;
}

Target parse_target(std::string_view url) {
    Target target;
    std::string_view rest = url;
    if (rest.starts_with("https://"))
        target.tls = true;
    else if (!rest.starts_with("http://"))
        refuse(fmt::format("'{}' is no http:// or https:// URL", url));
    rest.remove_prefix(target.tls ? 8 : 7);
    rest = rest.substr(0, rest.find('#'));
    const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
    const std::string_view authority = rest.substr(0, path);
    if (path < rest.size()) target.path = (rest[path] == '?' ? "/" : "") + std::string{rest.substr(path)};
    if (target.path.find_first_of(" \r\n\t") != std::string::npos)
        refuse(fmt::format("'{}' has a blank in it", url));

    const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
    const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    target.host =
        bracket == std::string_view::npos ? authority.substr(0, colon) : authority.substr(1, bracket - 1);
    target.port = target.tls ? 443 : 80;
    if (colon != std::string_view::npos) {
        target.port = parse_number<std::uint16_t>(authority.substr(colon + 1), "the port in the URL", 1);
    }
    if (target.host.empty() || authority.find('@') != std::string_view::npos)
        refuse(fmt::format("'{}' has no host", url));
    target.authority = authority;
    return target;
}

Nanoseconds parse_duration(std::string_view text) {
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit = text.substr(static_cast<std::size_t>(parsed.ptr - text.data()));
    double scale = 0;
    if (unit.empty() || unit == "s")
        scale = 1e9;
    else if (unit == "ms")
        scale = 1e6;
    else if (unit == "us")
        scale = 1e3;
    else if (unit == "m")
        scale = 60e9;
    if (parsed.ec != std::errc{} || scale == 0 || !(value >= 0) || value * scale > 1e15) {
        refuse(fmt::format("'{}' is no duration; write 500ms, 10s or 2m", text));
    }
    return Nanoseconds{static_cast<Nanoseconds::rep>(value * scale)};
}

} // namespace headroom::load
