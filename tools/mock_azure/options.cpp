// Reads arguments; a file is JSON with the same words.
#include "tools/mock_azure/options.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <sstream>

namespace headroom::mock {

namespace json = boost::json;

namespace {

using MaybeError = std::optional<std::string>;

template <class Number>
bool read_number(std::string_view text, Number* out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
    return error == std::errc{} && end == text.data() + text.size();
}

/// JSON values as the words that the command line would have had.
std::string word_of(const json::value& value) {
    if (value.is_string()) return std::string(value.get_string().data(), value.get_string().size());
    if (value.is_array()) {
        std::string all;
        for (const json::value& one : value.get_array())
            all += (all.empty() ? "" : ";") + word_of(one);
        return all;
    }
    return json::serialize(value);
}

MaybeError set_time_scale(Options* options, std::string_view value) {
    if (!read_number(value, &options->time_scale) || options->time_scale < 0.001 ||
        options->time_scale > 100'000) {
        return fmt::format(
            "--time-scale: expected a factor from 0.001 to 100000 (60 makes a minute a second), got '{}'",
            value);
    }
    return std::nullopt;
}

MaybeError set_fixed_sse(Options* options, std::string_view value) {
    const auto parts = split(value, ':');
    std::int64_t interval = 0;
    std::int64_t step = 0;
    const bool right_shape = parts.size() == 2 || parts.size() == 3;
    if (!right_shape || !read_number(parts[0], &options->fixed.sse_chunks) ||
        !read_number(parts[1], &interval) || (parts.size() == 3 && !read_number(parts[2], &step)) ||
        options->fixed.sse_chunks < 0 || interval < 0 || step < 0) {
        return fmt::format("--fixed-sse: expected CHUNKS:MS[:STEP_MS] such as 100:20, got '{}'", value);
    }
    options->fixed.sse_step = std::chrono::milliseconds(step);
    options->fixed.sse = true;
    options->fixed.sse_interval = std::chrono::milliseconds(interval);
    return std::nullopt;
}

MaybeError add_backend(Options* options, const BackendOptions& backend) {
    for (const BackendOptions& one : options->backends) {
        if (one.name == backend.name)
            return fmt::format("two backends are called '{}': names must differ", backend.name);
    }
    options->backends.push_back(backend);
    return std::nullopt;
}

MaybeError set_flag(Options* options, std::string_view name, std::string_view value);

MaybeError read_file(Options* options, std::string_view path) {
    std::ifstream file{std::string(path)};
    if (!file) return fmt::format("--config: cannot read '{}'", path);
    std::ostringstream text;
    text << file.rdbuf();
    boost::system::error_code error;
    const json::value document = json::parse(text.str(), error);
    if (error || !document.is_object())
        return fmt::format(
            R"(--config: {}: expected a JSON object such as {{"backends":[{{"name":"openai1"}}]}})", path);
    for (const auto& [key, value] : document.get_object()) {
        const std::string name(key.data(), key.size());
        if (name != "backends") {
            if (auto problem = set_flag(options, "--" + name, word_of(value))) return problem;
            continue;
        }
        if (!value.is_array())
            return std::string("--config: backends: expected an array of objects with a \"name\"");
        for (const json::value& one : value.get_array()) {
            BackendOptions backend;
            const json::value* backend_name =
                one.is_object() ? one.get_object().if_contains("name") : nullptr;
            if (!backend_name || !backend_name->is_string())
                return std::string("--config: every backend needs a \"name\"");
            backend.name = word_of(*backend_name);
            if (auto problem = apply_json(&backend, json::serialize(one)))
                return "--config: " + backend.name + ": " + *problem;
            if (auto problem = add_backend(options, backend)) return problem;
        }
    }
    return std::nullopt;
}

MaybeError set_flag(Options* options, std::string_view name, std::string_view value) {
    if (name == "--backend") {
        const BackendOptionsOrError read = read_backend_options(value);
        return read.error ? read.error : add_backend(options, read.options);
    }
    if (name == "--config") return read_file(options, value);
    if (name == "--time-scale" || name == "--time_scale") return set_time_scale(options, value);
    if (name == "--fixed-sse") return set_fixed_sse(options, value);
    if (name == "--threads") {
        if (read_number(value, &options->threads) && options->threads >= 1 && options->threads <= 256)
            return std::nullopt;
        return fmt::format("--threads: expected 1 to 256, got '{}'", value);
    }
    if (name == "--admin-port") {
        if (read_number(value, &options->admin_port)) return std::nullopt;
        return fmt::format("--admin-port: expected 0 to 65535, got '{}'", value);
    }
    if (name == "--keep-requests") {
        if (read_number(value, &options->kept_requests) && options->kept_requests >= 0) return std::nullopt;
        return fmt::format("--keep-requests: expected a number, got '{}'", value);
    }
    if (name == "--fixed-bytes") {
        options->fixed.json = true;
        if (read_number(value, &options->fixed.json_bytes) && options->fixed.json_bytes >= 0)
            return std::nullopt;
        return fmt::format("--fixed-bytes: expected a size in bytes, got '{}'", value);
    }
    return fmt::format("unknown option '{}'; see mock_azure --help", name);
}

} // namespace

std::optional<std::string> apply_json(BackendOptions* options, const std::string& json_object) {
    boost::system::error_code error;
    const json::value document = json::parse(json_object, error);
    if (error || !document.is_object())
        return R"(expected a JSON object such as {"backend":"openai1","tpm":60000})";
    for (const auto& [key, value] : document.get_object()) {
        const std::string_view name(key.data(), key.size());
        if (name == "name" || name == "backend") continue;
        if (auto problem = set_option(options, name, word_of(value))) return problem;
    }
    return std::nullopt;
}

OptionsOrError read_options(const std::vector<std::string>& arguments) {
    OptionsOrError result;
    for (std::size_t i = 0; i < arguments.size() && !result.error; ++i) {
        const std::string& argument = arguments[i];
        const std::size_t equals = argument.find('=');
        const std::string name = argument.substr(0, equals);
        if (name == "--help" || name == "-h") {
            result.options.help = true;
        } else if (name == "--fixed") {
            result.options.fixed.json = true;
        } else if (equals != std::string::npos && name != "--backend") {
            result.error = set_flag(&result.options, name, argument.substr(equals + 1));
        } else if (name == "--backend" && equals != std::string::npos) {
            result.error = set_flag(&result.options, name, std::string_view(argument).substr(equals + 1));
        } else if (i + 1 == arguments.size()) {
            result.error =
                fmt::format("{}: expected a value or one of the options of mock_azure --help", argument);
        } else {
            result.error = set_flag(&result.options, argument, arguments[++i]);
        }
    }
    if (result.options.backends.empty()) {
        const BackendOptionsOrError one = read_backend_options("openai1");
        result.options.backends.push_back(one.options);
    }
    return result;
}

std::string help_text() {
    return fmt::format(
        R"(mock_azure - an Azure OpenAI to test against: real paths, headers, quotas, streams and faults, on this machine only.

usage: mock_azure [--backend NAME[,key=value]...]... [options]

examples
  mock_azure
      one backend "openai1" on a free port, 30,000 tokens and 180 requests per minute, any key accepted
  mock_azure --backend openai1,tpm=30000 --backend openai2,tpm=60000,ttft=200,token_ms=15 --time-scale 60
      two backends whose minute lasts one second
  mock_azure --backend 'a,port=9001,keys=k1;k2,deployments=chat:gpt-4o:30000:180;embedding:text-embedding-3-small'
  mock_azure --backend race,port=9000 --fixed --fixed-sse 100:20 --threads 2
      canned answers at the least cost, for races: JSON, or SSE when the request says "stream":true

It prints one JSON object per line: {{"event":"listening","backend":"openai1","url":"http://127.0.0.1:PORT"}} for each backend,
{{"event":"admin","url":"http://127.0.0.1:PORT"}}, then {{"event":"ready"}}. SIGTERM or SIGINT stops it with exit code 0.

options
  --backend NAME[,key=value]...   a simulated resource; may be repeated; the keys are below
  --config FILE                   JSON with the same words: {{"time-scale":60,"backends":[{{"name":"openai1","tpm":30000}}]}}
  --time-scale K                  windows, latencies and cool-downs run K times faster; retry-after-ms is real time and exact,
                                  retry-after is real time rounded up to whole seconds (so 1 s may be a whole window)
  --threads N                     default 1
  --admin-port PORT               default 0, a free one
  --keep-requests N               how many requests GET /requests remembers; default 1000; 0 is fastest
  --fixed                         answer everything with a canned JSON body of 1,500 bytes; --fixed-bytes N for another size;
                                  quotas, faults and counters do not apply to canned answers
  --fixed-sse CHUNKS:MS[:STEP_MS] answer with a canned stream; together with --fixed the request's "stream" decides; with a step
                                  all streams send at multiples of it, as an engine does that decodes many at once

keys of a backend, on the command line, in --config and in POST /config (quote the ; in a shell)
{}
marks in a prompt
  [[tokens=N]] [[ttft=MS]] [[token_ms=MS]] [[echo]] [[content_filter]] [[context_length]] [[filter_output]]

admin port
  GET /stats                      counters per backend and deployment
  GET /requests?n=50&backend=NAME what reached the backends: headers, keys, body, outcome
  GET /faults, POST /faults       {{"backend":"openai1","kind":"503","count":3}}; GET /faults/kinds lists them
  DELETE /faults?backend=NAME     no more faults; refused ports open again
  GET /config, POST /config       {{"backend":"openai1","tpm":60000,"quirks":"no-retry-after"}}
  POST /reset?backend=NAME        forget counters, quota use, faults, stored objects
  GET /healthz
)",
        backend_options_help());
}

} // namespace headroom::mock
