// Access lines and counting.
#include "core/report.hpp"

#include "core/session.hpp"
#include "core/shard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <iterator>

namespace headroom::core {
namespace {

/// Text of a client that is shown at most.
constexpr std::size_t shown_bytes_max = 512;

std::string_view shown(std::string_view text) {
    return text.substr(0, shown_bytes_max);
}

std::int64_t milliseconds(net::Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string_view path_of(std::string_view target) {
    return target.substr(0, target.find('?'));
}

void append_url(std::string& out, const AccessRecord& record, const Config& config) {
    const BackendUrl& url = config.backends[static_cast<std::size_t>(record.backend)].url;
    out += url.tls ? "https://" : "http://";
    out += url.authority;
    out += path_of(record.target);
}

std::string_view reason_of(const FailedAttempt& failed) {
    // what began well failed by its end
    const bool answered = failed.status != 0 && failed.verdict != balance::Verdict::pass;
    return answered ? balance::name_of(failed.verdict) : net::name_of(failed.error);
}

/// "openai1 429 quota, openai2 refused"
void append_failed(std::string& out, const AccessRecord& record, const Config& config) {
    for (std::size_t i = 0; i < record.failed_count; ++i) {
        const FailedAttempt& failed = record.failed[i];
        if (i > 0) out += ", ";
        out += config.backends[failed.backend].name;
        if (failed.status != 0) fmt::format_to(std::back_inserter(out), " {}", failed.status);
        (out += ' ') += reason_of(failed);
    }
}

/// " hedge=won:openai2", " hedge=scarce"
void append_hedge(std::string& out, const AccessRecord& record, const Config& config) {
    if (record.hedge == balance::HedgeEnd::none) return;
    (out += " hedge=") += balance::name_of(record.hedge);
    if (record.hedge_backend < 0) return;
    (out += ':') += config.backends[static_cast<std::size_t>(record.hedge_backend)].name;
}

void append_hedge_json(std::string& out, const AccessRecord& record, const Config& config) {
    if (record.hedge == balance::HedgeEnd::none) return;
    fmt::format_to(std::back_inserter(out), R"(,"hedge":"{}")", balance::name_of(record.hedge));
    if (record.hedge_backend < 0) return;
    fmt::format_to(std::back_inserter(out), R"(,"hedge_backend":"{}","hedge_tokens":{})",
                   in_json(config.backends[static_cast<std::size_t>(record.hedge_backend)].name),
                   record.hedge_tokens.count());
}

void append_text(std::string& out, const AccessRecord& record, const Config& config) {
    auto to = std::back_inserter(out);
    if (record.backend >= 0) {
        out += "Proxying to ";
        append_url(out, record, config);
    } else {
        out += "Answering ";
        out += shown(record.path);
    }
    fmt::format_to(to, " {} {} {} {}ms", record.method, record.status, name_of(record.outcome),
                   milliseconds(record.ended - record.started));
    if (record.head_at != net::Time{})
        fmt::format_to(to, " first={}ms", milliseconds(record.head_at - record.started));
    if (record.waited) fmt::format_to(to, " waited={}ms", milliseconds(*record.waited));
    if (record.backend >= 0)
        fmt::format_to(to, " backend={}", config.backends[static_cast<std::size_t>(record.backend)].name);
    if (!record.deployment.empty()) {
        out += " deployment=";
        append_json_text(out, shown(record.deployment));
    }
    if (record.stream) out += " stream";
    if (!record.id.empty()) (out += " id=") += record.id;
    if (record.usage) {
        fmt::format_to(to, " tokens={}+{}", record.usage->prompt.count(), record.usage->completion.count());
    }
    if (record.counted_output) fmt::format_to(to, " counted={}", record.counted_output->count());
    append_hedge(out, record, config);
    if (!record.why.empty()) fmt::format_to(to, " ({})", record.why);
    if (record.failed_count > 0) {
        fmt::format_to(to, " attempts={} after: ", record.attempts);
        append_failed(out, record, config);
    }
    out += '\n';
}

void append_json(std::string& out, const AccessRecord& record, const Config& config, net::WallTime now) {
    auto to = std::back_inserter(out);
    out += R"({"time":")";
    append_timestamp(out, now);
    fmt::format_to(to, R"(","event":"request","id":"{}","method":"{}","path":")", in_json(record.id),
                   record.method);
    append_json_text(out, shown(record.path));
    fmt::format_to(to, R"(","operation":"{}","status":{},"outcome":"{}","duration_ms":{})",
                   balance::name_of(record.operation), record.status, name_of(record.outcome),
                   milliseconds(record.ended - record.started));
    if (record.head_at != net::Time{}) {
        fmt::format_to(to, R"(,"first_byte_ms":{})", milliseconds(record.head_at - record.started));
    }
    if (record.waited) fmt::format_to(to, R"(,"waited_ms":{})", milliseconds(*record.waited));
    if (record.backend >= 0) {
        out += R"(,"message":"Proxying to )";
        std::string url;
        append_url(url, record, config);
        append_json_text(out, url);
        out += R"(","backend":")";
        append_json_text(out, config.backends[static_cast<std::size_t>(record.backend)].name);
        out += '"';
    }
    if (!record.deployment.empty()) {
        out += R"(,"deployment":")";
        append_json_text(out, shown(record.deployment));
        out += '"';
    }
    fmt::format_to(
        to, R"(,"stream":{},"attempts":{},"request_bytes":{},"response_bytes":{},"estimated_tokens":{})",
        record.stream, record.attempts, record.bytes_in, record.bytes_out, record.estimated_tokens);
    if (record.usage) {
        fmt::format_to(
            to, R"(,"prompt_tokens":{},"completion_tokens":{},"cached_tokens":{},"reasoning_tokens":{})",
            record.usage->prompt.count(), record.usage->completion.count(), record.usage->cached.count(),
            record.usage->reasoning.count());
    }
    if (record.counted_output) {
        fmt::format_to(to, R"(,"counted_output_tokens":{})", record.counted_output->count());
    }
    append_hedge_json(out, record, config);
    if (!record.why.empty()) fmt::format_to(to, R"(,"why":"{}")", record.why);
    if (record.failed_count > 0) {
        out += R"(,"failed":")";
        std::string failed;
        append_failed(failed, record, config);
        append_json_text(out, failed);
        out += '"';
    }
    out += "}\n";
}

/// Bytes of the UTF-8 sequence at the start of `text`; 0 when it is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    const std::size_t length = first < 0x80                    ? 1
                               : first >= 0xC2 && first < 0xE0 ? 2
                               : (first & 0xF0U) == 0xE0       ? 3
                               : first >= 0xF0 && first < 0xF5 ? 4
                                                               : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return 0;
    }
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) >= 0xA0) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) >= 0x90) return 0;
    return length;
}

} // namespace

std::string_view name_of(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::none: return "none";
        case Outcome::relayed: return "relayed";
        case Outcome::answered: return "answered";
        case Outcome::exhausted: return "exhausted";
        case Outcome::client_gone: return "client_gone";
        case Outcome::broken: return "broken";
        case Outcome::tunnelled: return "tunnelled";
    }
    return "unknown";
}

std::string access_line(const AccessRecord& record, const Config& config, net::WallTime now) {
    std::string line;
    line.reserve(512);
    if (config.log.format == LogFormat::json) {
        append_json(line, record, config, now);
    } else {
        append_text(line, record, config);
    }
    return line;
}

void report(Shard& shard, const AccessRecord& record) {
    ShardCounters& counters = shard.count();
    counters.responses[std::min<std::size_t>(5, record.status / 100U)].add();
    counters.client_bytes_in.add(record.bytes_in);
    counters.client_bytes_out.add(record.bytes_out);
    if (record.outcome == Outcome::client_gone) counters.client_gone.add();
    const auto spent =
        std::chrono::duration_cast<std::chrono::microseconds>(record.ended - record.started).count();
    counters.duration.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, spent)));
    const LogLevel level = shard.config().log.level;
    if (level < LogLevel::info || (record.why == "health" && level < LogLevel::debug)) return;
    shard.log(access_line(record, shard.config(), shard.loop().wall_now()));
}

void report_malformed(Shard& shard, Session& session, const net::ParseFailure& bad) {
    if (shard.config().log.level < LogLevel::info) return;
    const std::string peer = session.stream().socket().peer().text();
    if (shard.config().log.format == LogFormat::json) {
        std::string line = R"({"time":")";
        append_timestamp(line, shard.loop().wall_now());
        fmt::format_to(std::back_inserter(line),
                       R"(","event":"refused","status":{},"reason":"{}","client":"{}"}})"
                       "\n",
                       bad.status, bad.reason, peer);
        shard.log(line);
        return;
    }
    shard.log(fmt::format("Refused a request from {}: {} {}\n", peer, bad.status, bad.reason));
}

void report_unusable(Shard& shard, std::uint32_t backend, net::Error error, std::string_view detail) {
    if (shard.config().log.level < LogLevel::warning) return;
    const BackendConfig& config = shard.config().backends[backend];
    const std::string_view why = detail.empty() ? net::name_of(error.code) : detail;
    if (shard.config().log.format != LogFormat::json) {
        shard.log(fmt::format("Cannot use backend {} ({}): {}\n", config.name, config.url.text, why));
        return;
    }
    std::string line = R"({"time":")";
    append_timestamp(line, shard.loop().wall_now());
    line += R"(","event":"backend_unusable","backend":")";
    append_json_text(line, config.name);
    line += R"(","error":")";
    line += net::name_of(error.code);
    line += R"(","detail":")";
    append_json_text(line, why);
    shard.log(line + "\"}\n");
}

void report_usage_refused(Shard& shard, std::uint32_t backend) {
    if (shard.config().log.level < LogLevel::warning) return;
    const BackendConfig& config = shard.config().backends[backend];
    if (shard.config().log.format != LogFormat::json) {
        shard.log(fmt::format("Backend {} refuses stream_options: usage of its streams is estimated\n",
                              config.name));
        return;
    }
    std::string line = R"({"time":")";
    append_timestamp(line, shard.loop().wall_now());
    line += R"(","event":"usage_refused","backend":")";
    append_json_text(line, config.name);
    shard.log(line + "\"}\n");
}

void append_json_text(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const char c = text.front();
        const std::size_t length = utf8_length(text);
        if (length == 0) {
            out += "\\ufffd";
        } else if (c == '"' || c == '\\') {
            (out += '\\') += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(1, length));
    }
}

std::string in_json(std::string_view text) {
    std::string escaped;
    append_json_text(escaped, text);
    return escaped;
}

void append_timestamp(std::string& out, net::WallTime now) {
    const auto since = now.time_since_epoch();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                   parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                   parts.tm_sec, ms);
}

} // namespace headroom::core
