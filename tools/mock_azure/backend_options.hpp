// The settings of one simulated resource and the one grammar that sets them: command line, file and POST
// /config share it. Pure. Not here: the program's own options (options.hpp).
#pragma once

#include "tools/mock_azure/limiter.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::mock {

struct DeploymentOptions {
    std::string name;
    std::string model;
    std::optional<std::int64_t> tpm; ///< empty: the backend's
    std::optional<std::int64_t> rpm;
};

/// Which paths exist: /openai/deployments/…, /openai/v1/…, both of them, or /v1/… as at api.openai.com.
enum class Flavour { both, classic, v1, openai };

/// What a backend makes of `stream_options`: versions of the API that do not know it refuse it, some other
/// servers pay no heed to it.
enum class StreamOptions { known, refused, ignored };

/// Ways in which quota headers have been seen to lie; any combination.
struct Quirks {
    bool no_ratelimit = false; ///< no x-ratelimit-* at all
    bool no_retry_after = false;
    bool no_retry_after_ms = false;
    bool minus_one = false; ///< limit and remaining -1, reset 0, no retry-after
    bool zero = false;      ///< retry-after 0, retry-after-ms 0
    bool huge = false;      ///< retry-after 86400, no ms
    bool negative = false;  ///< retry-after -1, no ms
    bool date = false;      ///< retry-after as an HTTP date, no ms
    bool misspelt = false;  ///< x-rate-limit-reset-tokens and no retry-after
    bool garbage = false;   ///< retry-after: soon, no ms
    bool new_words = false; ///< the newer words in the body of a 429
};

struct BackendOptions {
    std::string name;
    std::uint16_t port = 0;
    LimiterSettings limits;
    bool rpm_follows_tpm = true; ///< until rpm is given: 6 requests per 1,000 tokens
    std::vector<DeploymentOptions> deployments{{"chat", "gpt-4o", {}, {}},
                                               {"embedding", "text-embedding-3-small", {}, {}}};
    std::vector<std::string> keys;   ///< empty: any key that is not empty
    std::vector<std::string> tokens; ///< bearer tokens (Entra); empty: the keys
    bool open = false;               ///< keys=none: no credential needed
    Flavour flavour = Flavour::both;
    std::string address = "127.0.0.1"; ///< IPv4 address of this machine to listen on
    std::string prefix;                ///< path in front of everything, without a slash at its end
    std::string tls_certificate;
    std::string tls_key;
    std::string region = "East US";
    std::int64_t ttft_ms = 0;
    std::int64_t ttft_jitter_ms = 0; ///< plus or minus
    std::int64_t token_ms = 0;
    std::int64_t output_tokens = 120; ///< mean length of an answer
    std::uint64_t seed = 1;
    std::int64_t context_tokens = 128'000;
    bool async_filter = false;
    StreamOptions stream_options = StreamOptions::known;
    Quirks quirks;
    std::int64_t idle_ms = 0; ///< real milliseconds until an idle connection is closed; 0: never
    std::int64_t requests_per_connection = 0; ///< 0: any number
    std::int64_t custom_headers_max = 0;      ///< 431 beyond; 0: any number; the service documents 10
    std::int64_t body_bytes_max = 64LL << 20; ///< JSON bodies; 413 beyond
};

/// Sets one key; returns what was wrong and what was expected, or nothing.
std::optional<std::string> set_option(BackendOptions* options, std::string_view key, std::string_view value);

struct BackendOptionsOrError {
    BackendOptions options;
    std::optional<std::string> error;
};

/// Reads NAME[,key=value]...
BackendOptionsOrError read_backend_options(std::string_view text);

/// One line per key, for --help.
std::string_view backend_options_help();

std::vector<std::string_view> split(std::string_view text, char separator);

} // namespace headroom::mock
