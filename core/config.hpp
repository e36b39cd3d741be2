// The configuration of Headroom: one immutable value that every part reads.
// Shared by all of core; a new one is published whole, nobody changes one that is in use.
// Promises: what load_config returned without mistakes is complete: defaults are filled in, "auto" is decided
// (except the worker count and the memory bound, which depend on the machine), every number is within its
// bounds. Not here: reading it (core/config/), command line (core/options.hpp), fixed bounds
// (core/limits.hpp).
#pragma once

#include "core/secret.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {

/// A numeric IPv4 or IPv6 address (no brackets) and a TCP port; port 0 lets the kernel choose.
struct ListenAddress {
    std::string address = "0.0.0.0";
    std::uint16_t port = 8080;

    friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

/// "0.0.0.0:8080" or "[::1]:8080".
[[nodiscard]] std::string to_string(const ListenAddress& where);

enum class IoMode : std::uint8_t { automatic, uring, epoll };
enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };
enum class LogFormat : std::uint8_t { text, json };
enum class LogLevel : std::uint8_t { error, warning, info, debug };

/// How a backend spells its paths: `/openai/deployments/{d}/...?api-version=` or `.../v1/...` with `model` in
/// the body.
enum class Flavour : std::uint8_t { classic, v1 };

/// Where the credential that a backend sees comes from; `none` removes the client's and adds nothing.
enum class BackendAuth : std::uint8_t { key, managed_identity, passthrough, none };

/// When a backend's quota counts a request: an estimate as it arrives, or what was used when it ends.
enum class BackendCharging : std::uint8_t { arrival, usage };

/// A backend's base URL in parts.
struct BackendUrl {
    std::string
        text; ///< As the user wrote it, trimmed and without a trailing slash; for logs and explanations.
    bool tls = true;  ///< https
    std::string host; ///< Lower case, no port; an IPv6 address has no brackets.
    std::uint16_t port = 443;
    std::string
        authority; ///< For the Host header: host, brackets where needed, ":port" when it is not the default.
    /// What precedes the operation: classic "" or "/suffix" (then comes "/openai/deployments/..."),
    /// v1 "/openai/v1" or "/v1" or "/suffix/v1" (then comes "/chat/completions"). Never ends in "/".
    std::string base_path;
};

/// One deployment of a backend: its name there and its own quota (0 = not known).
struct DeploymentConfig {
    std::string client_name;   ///< What clients ask for: the deployment in the path or `model` in the body.
    std::string upstream_name; ///< What the backend calls it; equals client_name when not mapped.
    std::uint64_t tokens_per_minute = 0;
    std::uint64_t requests_per_minute = 0;
};

struct BackendConfig {
    std::string name; ///< Unique without regard to case; for logs, metrics and sticky ids.
    BackendUrl url;
    Flavour flavour = Flavour::classic;
    std::string api_version =
        "2024-10-21";      ///< Sent to a classic backend when the client gave none (v1 or bare path).
    unsigned priority = 1; ///< Lower numbers are used first.
    unsigned weight = 1;   ///< Share inside a priority group when nothing better is known.
    unsigned price = 0;    ///< Of a million tokens, in any currency; only ratios matter.
    std::uint64_t tokens_per_minute =
        0; ///< Quota of each deployment that has none of its own; 0 = not known.
    std::uint64_t requests_per_minute = 0; ///< As tokens_per_minute.
    BackendCharging charging = BackendCharging::arrival;
    BackendAuth auth = BackendAuth::key;
    Secret api_key; ///< Empty unless auth is key.
    /// Replaces the deployment (or model) of every request that `deployments` does not map; empty = as the
    /// client says.
    std::string deployment;
    std::vector<DeploymentConfig> deployments; ///< Sorted by client_name.
    bool only_listed_deployments = false; ///< Requests for a deployment that is not listed never come here.
    std::string ca_file;                  ///< PEM; empty = the system's trust store.
    bool tls_verify = true;               ///< Certificate chain and name.
    std::string tls_server_name;          ///< Name for SNI and verification; empty = the URL's host.

    /// The entry for a client's deployment name, or nullptr.
    [[nodiscard]] const DeploymentConfig* find_deployment(std::string_view client_name) const noexcept;
};

/// TLS towards clients; plain HTTP when certificate_file is empty.
struct ClientTlsConfig {
    std::string certificate_file; ///< PEM, leaf first, then the chain.
    std::string key_file;         ///< PEM, unencrypted.
    TlsVersion version_min = TlsVersion::tls_1_2;

    [[nodiscard]] bool enabled() const noexcept { return !certificate_file.empty(); }
};

/// Deadlines belong to a phase; 0 is not allowed for any of them.
struct TimeoutConfig {
    std::chrono::milliseconds handshake{10'000}; ///< TLS handshake with a client.
    std::chrono::milliseconds head{15'000};      ///< From the first byte of a request to the end of its head.
    std::chrono::milliseconds body{
        120'000}; ///< From head to last byte of a held body; per piece when streamed.
    std::chrono::milliseconds connect{5'000}; ///< Connecting to a backend, TLS included.
    std::chrono::milliseconds first_byte{
        100'000};                              ///< From request sent to response head; as `idle` unless set.
    std::chrono::milliseconds idle{100'000};   ///< Between two pieces of a response (HTTP_TIMEOUT_SECONDS).
    std::chrono::milliseconds tunnel{600'000}; ///< WebSocket tunnel without a byte in either direction.
    std::chrono::milliseconds keepalive{120'000};        ///< Client connection between two requests.
    std::chrono::milliseconds backend_keepalive{60'000}; ///< Unused pooled connection to a backend.
    std::chrono::milliseconds drain{25'000};             ///< After SIGTERM, for requests in flight.
    /// What the platform waits between SIGTERM and SIGKILL; only compared with `drain`.
    std::chrono::milliseconds grace{30'000};
};

struct LimitConfig {
    std::size_t body_bytes_max =
        32U << 20U; ///< Held (and so retryable) request body; larger: streamed or 413.
    std::uint64_t streamed_body_bytes_max =
        1ULL << 30U;                         ///< Uploads that pass through without being held; beyond: 413.
    std::size_t head_bytes_max = 64U << 10U; ///< Request line and headers; beyond: 431.
    std::size_t connection_bytes_max = 64U
                                       << 20U; ///< All buffers of one client connection and its backend side.
    std::uint64_t memory_bytes_total =
        0; ///< All buffers of the process; 0 = half of the cgroup's (or machine's) memory.
    unsigned sessions_max = 20'000; ///< Client connections at once, over all workers.
};

/// How long the start of a 200 stream is held back so that a stream that dies early can still be retried.
struct HoldConfig {
    std::size_t bytes_max = 64U << 10U;
    std::chrono::milliseconds time_max{5'000};
};

struct RetryConfig {
    /// Backends tried for one request before it waits or ends; 0 = all of them. Never one backend twice, but
    /// for one that refused for quota and has been waited for.
    unsigned attempts_max = 0;
    unsigned budget_percent = 20;    ///< Retries after faults that a hundred requests earn.
    unsigned budget_per_second = 10; ///< Retries after faults that each second earns.
};

/// A second attempt on another backend while the first one is unusually late with its first content.
struct HedgeConfig {
    bool enabled = false;
    unsigned after_percentile = 99; ///< Of the backend's time to the first content, by the prompt's size.
    unsigned spare_percent = 50;    ///< Of the other backend's quota that must be left with it.
};

/// How quotas are used.
struct QuotaConfig {
    unsigned refusals_per_1000 = 1; ///< Requests that a backend may refuse.
};

/// A tenant's share of what many wait for, relative to 1.
struct TenantWeight {
    std::string tenant;
    unsigned weight = 1;
};

/// Requests that wait for quota.
struct QueueConfig {
    std::chrono::milliseconds wait{15'000}; ///< At most, for clients that do not say how long they would.
    std::chrono::milliseconds wait_max{120'000};     ///< At most, for those that do.
    unsigned length_max = 10'000;                    ///< At once, over all workers; 0: nobody waits.
    std::uint64_t bytes_max = 128ULL << 20U;         ///< Of their bodies, over all workers.
    std::string tenant_header = "x-headroom-tenant"; ///< Names who asks; empty: the credential tells.
    std::vector<TenantWeight> weights;               ///< Of those named by the header, sorted; others have 1.
};

/// The model that a deployment serves, so that its tokens are counted rightly from the first request on.
struct ModelConfig {
    std::string deployment; ///< As clients name it.
    std::string model;      ///< As OpenAI names it: gpt-4o, text-embedding-3-large.
};

/// Usage of streams.
struct UsageConfig {
    /// Asks for the usage of a stream whose client did not, and hides the event that tells it.
    bool add_to_streams = true;
};

struct LogConfig {
    LogFormat format = LogFormat::text;
    LogLevel level = LogLevel::info;
};

/// Azure managed identity, for backends with auth managed_identity.
struct IdentityConfig {
    std::string client_id; ///< AZURE_CLIENT_ID; empty = system-assigned.
    std::string resource = "https://cognitiveservices.azure.com"; ///< Token audience, without "/.default".
    std::string endpoint;   ///< IDENTITY_ENDPOINT; empty = not available here.
    Secret endpoint_secret; ///< IDENTITY_HEADER.
};

struct Config {
    std::vector<ListenAddress> listen{ListenAddress{}};
    ListenAddress admin{"127.0.0.1", 9090};
    ClientTlsConfig tls;
    std::vector<BackendConfig> backends; ///< In the order of the file, then of the environment.
    IoMode io = IoMode::automatic;
    unsigned workers = 0; ///< 0 = from the cgroup CPU quota (core/cpu_quota.hpp).
    TimeoutConfig timeouts;
    LimitConfig limits;
    HoldConfig hold;
    RetryConfig retry;
    QueueConfig queue;
    HedgeConfig hedge;
    QuotaConfig quota;
    UsageConfig usage;
    std::vector<ModelConfig> models; ///< Sorted by deployment; others are learned from responses.
    LogConfig log;
    IdentityConfig identity;
    /// HEADROOM_TEST_TIME_SCALE, for tests against mock_azure --time-scale: a quota's minute lasts 60 s /
    /// this.
    double test_time_scale = 1;

    /// The attempts cap with 0 resolved to the number of backends.
    [[nodiscard]] unsigned attempts_max() const noexcept;
};

} // namespace headroom::core
