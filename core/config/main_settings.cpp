// The settings of the proxy as a whole.
#include "core/config/deployments.hpp"
#include "core/config/queue_settings.hpp"
#include "core/config/settings.hpp"
#include "core/config/text.hpp"
#include "core/config/value.hpp"
#include "core/limits.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace headroom::core {
namespace {

constexpr std::array<Named<IoMode>, 3> io_modes{
    {{"auto", IoMode::automatic}, {"uring", IoMode::uring}, {"epoll", IoMode::epoll}}};
constexpr std::array<Named<TlsVersion>, 2> tls_versions{
    {{"1.2", TlsVersion::tls_1_2}, {"1.3", TlsVersion::tls_1_3}}};
constexpr std::array<Named<LogFormat>, 2> log_formats{{{"text", LogFormat::text}, {"json", LogFormat::json}}};
constexpr std::array<Named<LogLevel>, 4> log_levels{{{"error", LogLevel::error},
                                                     {"warning", LogLevel::warning},
                                                     {"info", LogLevel::info},
                                                     {"debug", LogLevel::debug}}};

template <typename T, std::size_t N>
std::string word_of(T value, const std::array<Named<T>, N>& words) {
    const auto found = std::ranges::find(words, value, &Named<T>::value);
    return found == words.end() ? std::string{} : std::string{found->word};
}

std::string or_auto(std::uint64_t value) {
    return value == 0 ? "auto" : fmt::format("{}", value);
}
std::string or_none(const std::string& text) {
    return text.empty() ? "none" : text;
}

std::string joined(const std::vector<ListenAddress>& addresses) {
    std::string text;
    for (const auto& address : addresses)
        text += (text.empty() ? "" : ",") + to_string(address);
    return text;
}

template <auto Member>
constexpr MainSetting timeout(std::string_view key, std::string_view env, std::string_view example,
                              std::string_view meaning) {
    return {.key = key,
            .env = env,
            .unit = "duration",
            .example = example,
            .meaning = meaning,
            .read = [](Config& c, Reader& r) { r.duration(c.timeouts.*Member); },
            .show = [](const Config& c) { return shown(c.timeouts.*Member); }};
}

template <auto Member, std::uint64_t Least, std::uint64_t Most>
constexpr MainSetting byte_limit(std::string_view key, std::string_view env, std::string_view example,
                                 std::string_view meaning) {
    return {.key = key,
            .env = env,
            .unit = "size",
            .example = example,
            .meaning = meaning,
            .read = [](Config& c, Reader& r) { r.bytes(c.limits.*Member, Least, Most); },
            .show = [](const Config& c) { return shown_bytes(c.limits.*Member); }};
}

constexpr std::uint64_t kib = 1ULL << 10U;
constexpr std::uint64_t mib = 1ULL << 20U;
constexpr std::uint64_t gib = 1ULL << 30U;
constexpr std::uint64_t tib = 1ULL << 40U;

void read_http_url(std::string& target, Reader& reader) {
    std::string url;
    reader.word(url, limits::url_bytes_max);
    if (url.empty()) return;
    if (url.starts_with("http://") || url.starts_with("https://")) {
        target = std::move(url);
    } else {
        reader.mistake(fmt::format("expected a URL such as https://host, found {}", in_ticks(url)));
    }
}

void read_resource(Config& config, Reader& reader) {
    // The scope of the newer protocol names the same audience with a suffix.
    constexpr std::string_view suffix = "/.default";
    read_http_url(config.identity.resource, reader);
    auto& resource = config.identity.resource;
    if (resource.ends_with(suffix)) resource.resize(resource.size() - suffix.size());
}

constexpr std::array own_rows{
    MainSetting{.key = "listen",
                .env = "HEADROOM_LISTEN",
                .env_also = "PORT",
                .flag = "--listen",
                .unit = "address:port, several allowed",
                .example = "127.0.0.1:8443",
                .meaning = "Where clients connect. PORT (a port only) is used when nothing else says where",
                .list = true,
                .read = [](Config& c, Reader& r) { r.addresses(c.listen); },
                .show = [](const Config& c) { return joined(c.listen); }},
    MainSetting{.key = "admin",
                .env = "HEADROOM_ADMIN",
                .flag = "--admin",
                .unit = "address:port",
                .example = "0.0.0.0:9191",
                .meaning = "Where health, readiness and metrics are served",
                .read = [](Config& c, Reader& r) { r.address(c.admin); },
                .show = [](const Config& c) { return to_string(c.admin); }},
    MainSetting{.key = "io",
                .env = "HEADROOM_IO",
                .flag = "--io",
                .unit = "auto, uring or epoll",
                .example = "epoll",
                .meaning = "How bytes are moved; auto takes io_uring when the kernel allows it",
                .read = [](Config& c, Reader& r) { r.choice(c.io, io_modes); },
                .show = [](const Config& c) { return word_of(c.io, io_modes); }},
    MainSetting{.key = "workers",
                .env = "HEADROOM_WORKERS",
                .flag = "--workers",
                .unit = "number or auto",
                .example = "3",
                .meaning = "Threads that serve clients; auto is the CPU quota of the container, rounded up",
                .read = [](Config& c, Reader& r) { r.number_or_auto(c.workers, 1, limits::workers_max); },
                .show = [](const Config& c) { return or_auto(c.workers); }},
    MainSetting{.key = "tls.certificate_file",
                .env = "HEADROOM_TLS_CERTIFICATE_FILE",
                .unit = "file (PEM)",
                .example = "/etc/headroom/tls.crt",
                .meaning = "Certificate shown to clients, leaf first, then the chain; none serves plain HTTP",
                .read = [](Config& c, Reader& r) { r.file(c.tls.certificate_file); },
                .show = [](const Config& c) { return or_none(c.tls.certificate_file); }},
    MainSetting{.key = "tls.key_file",
                .env = "HEADROOM_TLS_KEY_FILE",
                .unit = "file (PEM)",
                .example = "/etc/headroom/tls.key",
                .meaning = "The certificate's private key, not encrypted",
                .read = [](Config& c, Reader& r) { r.file(c.tls.key_file); },
                .show = [](const Config& c) { return or_none(c.tls.key_file); }},
    MainSetting{.key = "tls.version_min",
                .env = "HEADROOM_TLS_VERSION_MIN",
                .unit = "1.2 or 1.3",
                .example = "1.3",
                .meaning = "Oldest TLS version that clients may speak",
                .read = [](Config& c, Reader& r) { r.choice(c.tls.version_min, tls_versions); },
                .show = [](const Config& c) { return word_of(c.tls.version_min, tls_versions); }},
    timeout<&TimeoutConfig::handshake>("timeouts.handshake", "HEADROOM_TIMEOUTS_HANDSHAKE", "7s",
                                       "TLS handshake with a client"),
    timeout<&TimeoutConfig::head>("timeouts.head", "HEADROOM_TIMEOUTS_HEAD", "7s",
                                  "From the first byte of a request to the end of its headers; then 408"),
    timeout<&TimeoutConfig::body>(
        "timeouts.body", "HEADROOM_TIMEOUTS_BODY", "90s",
        "From the headers to the last byte of the body (of a streamed upload: between two "
        "pieces); then 408"),
    timeout<&TimeoutConfig::connect>("timeouts.connect", "HEADROOM_TIMEOUTS_CONNECT", "1500ms",
                                     "Connecting to a backend, TLS included; then the next backend"),
    MainSetting{.key = "timeouts.first_byte",
                .env = "HEADROOM_TIMEOUTS_FIRST_BYTE",
                .unit = "duration",
                .fallback = "as timeouts.idle",
                .example = "45s",
                .meaning = "From the request sent to the response's headers; then the next backend",
                .read = [](Config& c, Reader& r) { r.duration(c.timeouts.first_byte); },
                .show = [](const Config& c) { return shown(c.timeouts.first_byte); }},
    MainSetting{.key = "timeouts.idle",
                .env = "HEADROOM_TIMEOUTS_IDLE",
                .env_also = "HTTP_TIMEOUT_SECONDS",
                .unit = "duration",
                .example = "240s",
                .meaning = "Between two pieces of a response",
                .read = [](Config& c, Reader& r) { r.duration(c.timeouts.idle); },
                .show = [](const Config& c) { return shown(c.timeouts.idle); }},
    timeout<&TimeoutConfig::tunnel>("timeouts.tunnel", "HEADROOM_TIMEOUTS_TUNNEL", "3600s",
                                    "WebSocket tunnel without a byte in either direction"),
    timeout<&TimeoutConfig::keepalive>("timeouts.keepalive", "HEADROOM_TIMEOUTS_KEEPALIVE", "30s",
                                       "Client connection between two requests"),
    timeout<&TimeoutConfig::backend_keepalive>("timeouts.backend_keepalive",
                                               "HEADROOM_TIMEOUTS_BACKEND_KEEPALIVE", "20s",
                                               "Unused connection to a backend"),
    timeout<&TimeoutConfig::drain>("timeouts.drain", "HEADROOM_TIMEOUTS_DRAIN", "10s",
                                   "After SIGTERM, for the requests in flight"),
    timeout<&TimeoutConfig::grace>(
        "timeouts.grace", "HEADROOM_TIMEOUTS_GRACE", "270s",
        "What the platform waits between SIGTERM and SIGKILL, as it is set there; only for the check that "
        "timeouts.drain is shorter"),
    byte_limit<&LimitConfig::body_bytes_max, kib, gib>(
        "limits.body_bytes_max", "HEADROOM_LIMITS_BODY_BYTES_MAX", "16MiB",
        "Largest request body that is held and so can be sent again to another backend; larger ones are "
        "streamed where "
        "that is possible, else 413"),
    byte_limit<&LimitConfig::streamed_body_bytes_max, kib, tib>(
        "limits.streamed_body_bytes_max", "HEADROOM_LIMITS_STREAMED_BODY_BYTES_MAX", "2GiB",
        "Largest upload that passes through without being held; beyond: 413"),
    byte_limit<&LimitConfig::head_bytes_max, 4 * kib, mib>("limits.head_bytes_max",
                                                           "HEADROOM_LIMITS_HEAD_BYTES_MAX", "32KiB",
                                                           "Request line and headers; beyond: 431"),
    byte_limit<&LimitConfig::connection_bytes_max, 64 * kib, 4 * gib>(
        "limits.connection_bytes_max", "HEADROOM_LIMITS_CONNECTION_BYTES_MAX", "80MiB",
        "All buffers of one client connection, its backend's side included"),
    MainSetting{
        .key = "limits.memory_bytes_total",
        .env = "HEADROOM_LIMITS_MEMORY_BYTES_TOTAL",
        .unit = "size or auto",
        .example = "512MiB",
        .meaning = "All buffers of the process; beyond: 503. auto is half of the container's (or machine's) "
                   "memory",
        .read = [](Config& c, Reader& r) { r.bytes(c.limits.memory_bytes_total, 16 * mib, 16 * tib, true); },
        .show =
            [](const Config& c) {
                return c.limits.memory_bytes_total == 0 ? "auto" : shown_bytes(c.limits.memory_bytes_total);
            }},
    MainSetting{.key = "limits.sessions_max",
                .env = "HEADROOM_LIMITS_SESSIONS_MAX",
                .unit = "number",
                .example = "500",
                .meaning = "Client connections at once",
                .read = [](Config& c, Reader& r) { r.number(c.limits.sessions_max, 1, 10'000'000); },
                .show = [](const Config& c) { return fmt::format("{}", c.limits.sessions_max); }},
    MainSetting{
        .key = "hold.bytes_max",
        .env = "HEADROOM_HOLD_BYTES_MAX",
        .unit = "size",
        .example = "8KiB",
        .meaning =
            "How much of a stream's start is held back so that a stream that dies early can be retried; "
            "0 holds nothing",
        .read = [](Config& c, Reader& r) { r.bytes(c.hold.bytes_max, 0, 16 * mib); },
        .show = [](const Config& c) { return shown_bytes(c.hold.bytes_max); }},
    MainSetting{
        .key = "hold.time_max",
        .env = "HEADROOM_HOLD_TIME_MAX",
        .unit = "duration",
        .example = "500ms",
        .meaning = "How long a stream's start is held back at most; 0 holds nothing",
        .read = [](Config& c, Reader& r) { r.duration(c.hold.time_max, std::chrono::milliseconds{0}); },
        .show = [](const Config& c) { return shown(c.hold.time_max); }},
    MainSetting{
        .key = "retry.attempts_max",
        .env = "HEADROOM_RETRY_ATTEMPTS_MAX",
        .unit = "number or auto",
        .example = "2",
        .meaning =
            "Backends tried for one request, each at most once, before it waits or ends; auto is all of "
            "them",
        .read = [](Config& c, Reader& r) { r.number_or_auto(c.retry.attempts_max, 1, limits::backends_max); },
        .show = [](const Config& c) { return or_auto(c.retry.attempts_max); }},
    MainSetting{
        .key = "usage.add_to_streams",
        .env = "HEADROOM_USAGE_ADD_TO_STREAMS",
        .unit = "true or false",
        .example = "false",
        .meaning = "Ask for the usage of a chat or completions stream whose client did not ask; the "
                   "event that tells it is kept from the client",
        .read = [](Config& c, Reader& r) { r.yes_no(c.usage.add_to_streams); },
        .show = [](const Config& c) -> std::string { return c.usage.add_to_streams ? "true" : "false"; }},
    MainSetting{.key = "models",
                .env = "HEADROOM_MODELS",
                .unit = "deployment=model, several allowed",
                .example = "chat=gpt-4o",
                .meaning =
                    "Which model a deployment serves, so that its tokens are counted rightly from the first "
                    "request on; else it is learnt from responses",
                .list = true,
                .pairs = true,
                .read = [](Config& c, Reader& r) { read_models(c.models, r); },
                .show = [](const Config& c) { return shown_models(c.models); }},
    MainSetting{.key = "log.format",
                .env = "HEADROOM_LOG_FORMAT",
                .flag = "--log",
                .unit = "text or json",
                .example = "json",
                .meaning = "Lines for people, or one JSON object per line; always on standard output",
                .read = [](Config& c, Reader& r) { r.choice(c.log.format, log_formats); },
                .show = [](const Config& c) { return word_of(c.log.format, log_formats); }},
    MainSetting{.key = "log.level",
                .env = "HEADROOM_LOG_LEVEL",
                .flag = "--log-level",
                .unit = "error, warning, info or debug",
                .example = "debug",
                .meaning = "The least important line that is written; requests are info",
                .read = [](Config& c, Reader& r) { r.choice(c.log.level, log_levels); },
                .show = [](const Config& c) { return word_of(c.log.level, log_levels); }},
    MainSetting{.key = "identity.client_id",
                .env = "HEADROOM_IDENTITY_CLIENT_ID",
                .env_also = "AZURE_CLIENT_ID",
                .unit = "text",
                .example = "11111111-2222-3333-4444-555555555555",
                .meaning = "User-assigned managed identity; none is the system-assigned one",
                .read = [](Config& c, Reader& r) { r.word(c.identity.client_id, 256); },
                .show = [](const Config& c) { return or_none(c.identity.client_id); }},
    MainSetting{.key = "identity.resource",
                .env = "HEADROOM_IDENTITY_RESOURCE",
                .unit = "URL",
                .example = "https://ai.azure.com",
                .meaning = "Audience of the token, with or without /.default",
                .read = read_resource,
                .show = [](const Config& c) { return c.identity.resource; }},
    MainSetting{.key = "identity.endpoint",
                .env = "HEADROOM_IDENTITY_ENDPOINT",
                .env_also = "IDENTITY_ENDPOINT",
                .unit = "URL",
                .example = "http://localhost:42356/msi/token",
                .meaning = "Where the platform gives out tokens; set by Azure",
                .read = [](Config& c, Reader& r) { read_http_url(c.identity.endpoint, r); },
                .show = [](const Config& c) { return or_none(c.identity.endpoint); }},
    MainSetting{.key = "identity.endpoint_secret",
                .env = "HEADROOM_IDENTITY_ENDPOINT_SECRET",
                .env_also = "IDENTITY_HEADER",
                .unit = "secret",
                .example = "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a",
                .meaning = "Proof that the request for a token comes from here; set by Azure",
                .secret = true,
                .read = [](Config& c, Reader& r) { r.secret(c.identity.endpoint_secret); },
                .show = [](const Config& c) { return c.identity.endpoint_secret.description(); }},
};

constexpr auto rows = [] {
    std::array<MainSetting, own_rows.size() + queue_rows.size()> all;
    std::ranges::copy(queue_rows, std::ranges::copy(own_rows, all.begin()).out);
    return all;
}();

} // namespace

std::span<const MainSetting> main_settings() {
    return rows;
}

} // namespace headroom::core
