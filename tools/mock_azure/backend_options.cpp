// The table of backend keys.
#include "tools/mock_azure/backend_options.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace headroom::mock {

namespace {

using MaybeError = std::optional<std::string>;

MaybeError expected(std::string_view key, std::string_view what, std::string_view got) {
    return fmt::format("{}: expected {}, got '{}'", key, what, got);
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

struct NumberKey {
    std::string_view key;
    std::int64_t least;
    std::int64_t most;
    std::int64_t BackendOptions::* member;
};

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::array number_keys = {
    NumberKey{"ttft", 0, day_ms, &BackendOptions::ttft_ms},
    NumberKey{"ttft_jitter", 0, day_ms, &BackendOptions::ttft_jitter_ms},
    NumberKey{"token_ms", 0, day_ms, &BackendOptions::token_ms},
    NumberKey{"output", 1, 1'000'000, &BackendOptions::output_tokens},
    NumberKey{"context", 1, 100'000'000, &BackendOptions::context_tokens},
    NumberKey{"idle_ms", 0, day_ms, &BackendOptions::idle_ms},
    NumberKey{"requests_per_connection", 0, 1'000'000'000, &BackendOptions::requests_per_connection},
    NumberKey{"custom_headers", 0, 1'000, &BackendOptions::custom_headers_max},
    NumberKey{"body_bytes", 1, 1LL << 40, &BackendOptions::body_bytes_max},
};

struct QuirkKey {
    std::string_view key;
    bool Quirks::* member;
};

constexpr std::array quirk_keys = {
    QuirkKey{"no-ratelimit", &Quirks::no_ratelimit},
    QuirkKey{"no-retry-after", &Quirks::no_retry_after},
    QuirkKey{"no-retry-after-ms", &Quirks::no_retry_after_ms},
    QuirkKey{"minus-one", &Quirks::minus_one},
    QuirkKey{"zero", &Quirks::zero},
    QuirkKey{"huge", &Quirks::huge},
    QuirkKey{"negative", &Quirks::negative},
    QuirkKey{"date", &Quirks::date},
    QuirkKey{"misspelt", &Quirks::misspelt},
    QuirkKey{"garbage", &Quirks::garbage},
    QuirkKey{"new-words", &Quirks::new_words},
};

MaybeError set_quirks(BackendOptions* options, std::string_view value) {
    Quirks quirks;
    for (const std::string_view word : split(value, ';')) {
        if (word.empty() || word == "none") continue;
        const auto* key = std::find_if(quirk_keys.begin(), quirk_keys.end(),
                                       [word](const QuirkKey& one) { return one.key == word; });
        if (key == quirk_keys.end()) {
            std::string known = "none";
            for (const QuirkKey& one : quirk_keys)
                known += fmt::format(", {}", one.key);
            return expected("quirks", "a list separated by ';' of: " + known, word);
        }
        quirks.*(key->member) = true;
    }
    options->quirks = quirks;
    return std::nullopt;
}

MaybeError set_deployments(BackendOptions* options, std::string_view value) {
    std::vector<DeploymentOptions> deployments;
    for (const std::string_view text : split(value, ';')) {
        const std::vector<std::string_view> parts = split(text, ':');
        if (parts.size() > 4 || parts[0].empty())
            return expected("deployments", "NAME:MODEL[:TPM[:RPM]] separated by ';'", text);
        DeploymentOptions one{
            std::string(parts[0]), std::string(parts.size() > 1 ? parts[1] : parts[0]), {}, {}};
        if (parts.size() > 2) one.tpm = number<std::int64_t>(parts[2]);
        if (parts.size() > 3) one.rpm = number<std::int64_t>(parts[3]);
        if ((parts.size() > 2 && one.tpm.value_or(-1) < 0) ||
            (parts.size() > 3 && one.rpm.value_or(-1) < 0)) {
            return expected("deployments", "numbers for TPM and RPM in NAME:MODEL[:TPM[:RPM]]", text);
        }
        deployments.push_back(std::move(one));
    }
    options->deployments = std::move(deployments);
    return std::nullopt;
}

MaybeError set_limit(BackendOptions* options, std::string_view key, std::string_view value) {
    LimiterSettings& limits = options->limits;
    const auto amount = number<std::int64_t>(value);
    if (key == "charge" || key == "window" || key == "count_rejected") {
        if (key == "charge") {
            const auto charge = charge_by_from(value);
            if (!charge) return expected(key, "prompt+max, max, billed or reserve", value);
            limits.charge = *charge;
        } else if (key == "window") {
            const auto window = window_kind_from(value);
            if (!window) return expected(key, "sliding, fixed or gcra", value);
            limits.window = *window;
        } else {
            if (value != "true" && value != "false") return expected(key, "true or false", value);
            limits.count_rejected = value == "true";
        }
        return std::nullopt;
    }
    if (!amount || *amount < 0 || *amount > 1'000'000'000'000)
        return expected(key, "a number that is not negative", value);
    if (key == "tpm") {
        limits.tpm = *amount;
        if (options->rpm_follows_tpm) limits.rpm = (*amount * 6 + 999) / 1'000;
    } else if (key == "rpm") {
        limits.rpm = *amount;
        options->rpm_follows_tpm = false;
    } else if (key == "default_max") {
        limits.default_max_tokens = *amount;
    } else {
        if (*amount < 1 || *amount > 60) return expected(key, "1 to 60 seconds", value);
        limits.slice = std::chrono::seconds(*amount);
    }
    return std::nullopt;
}

std::vector<std::string> strings(std::string_view value) {
    std::vector<std::string> all;
    for (const std::string_view one : split(value, ';')) {
        if (!one.empty()) all.emplace_back(one);
    }
    return all;
}

MaybeError set_tls(BackendOptions* options, std::string_view value) {
    const std::vector<std::string_view> files = split(value, ':');
    if (files.size() != 2 || files[0].empty() || files[1].empty())
        return expected("tls", "CERTIFICATE.pem:KEY.pem", value);
    options->tls_certificate = files[0];
    options->tls_key = files[1];
    return std::nullopt;
}

MaybeError set_flavour(BackendOptions* options, std::string_view value) {
    if (value == "both") {
        options->flavour = Flavour::both;
    } else if (value == "classic") {
        options->flavour = Flavour::classic;
    } else if (value == "v1") {
        options->flavour = Flavour::v1;
    } else if (value == "openai") {
        options->flavour = Flavour::openai;
    } else {
        return expected("flavour", "both, classic, v1 or openai", value);
    }
    return std::nullopt;
}

MaybeError set_address(BackendOptions* options, std::string_view value) {
    const std::string text(value);
    in_addr parsed{};
    if (inet_pton(AF_INET, text.c_str(), &parsed) != 1) return expected("address", "an IPv4 address", value);
    options->address = text;
    return std::nullopt;
}

MaybeError set_word(BackendOptions* options, std::string_view key, std::string_view value) {
    if (key == "port") {
        const auto port = number<std::uint16_t>(value);
        if (!port) return expected(key, "0 to 65535", value);
        options->port = *port;
    } else if (key == "seed") {
        const auto seed = number<std::uint64_t>(value);
        if (!seed) return expected(key, "a number", value);
        options->seed = *seed;
    } else if (key == "keys") {
        options->open = value == "none";
        options->keys = options->open ? std::vector<std::string>{} : strings(value);
    } else if (key == "tokens") {
        options->tokens = strings(value);
    } else if (key == "address") {
        return set_address(options, value);
    } else if (key == "prefix") {
        if (!value.starts_with('/')) return expected(key, "a path that starts with '/'", value);
        options->prefix = value.ends_with('/') ? value.substr(0, value.size() - 1) : value;
    } else if (key == "region") {
        options->region = value;
    } else if (key == "stream_options") {
        if (value != "known" && value != "refused" && value != "ignored")
            return expected(key, "known, refused or ignored", value);
        options->stream_options = value == "known"     ? StreamOptions::known
                                  : value == "refused" ? StreamOptions::refused
                                                       : StreamOptions::ignored;
    } else if (key == "filter") {
        if (value != "sync" && value != "async") return expected(key, "sync or async", value);
        options->async_filter = value == "async";
    } else {
        return fmt::format("unknown key '{}'; known keys:\n{}", key, backend_options_help());
    }
    return std::nullopt;
}

} // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

std::optional<std::string> set_option(BackendOptions* options, std::string_view key, std::string_view value) {
    for (const NumberKey& one : number_keys) {
        if (one.key != key) continue;
        const auto amount = number<std::int64_t>(value);
        if (!amount || *amount < one.least || *amount > one.most) {
            return expected(key, fmt::format("a number from {} to {}", one.least, one.most), value);
        }
        options->*(one.member) = *amount;
        return std::nullopt;
    }
    constexpr std::array<std::string_view, 7> limit_keys = {
        "tpm", "rpm", "slice", "charge", "window", "default_max", "count_rejected"};
    if (std::find(limit_keys.begin(), limit_keys.end(), key) != limit_keys.end())
        return set_limit(options, key, value);
    if (key == "deployments") return set_deployments(options, value);
    if (key == "quirks") return set_quirks(options, value);
    if (key == "tls") return set_tls(options, value);
    if (key == "flavour") return set_flavour(options, value);
    return set_word(options, key, value);
}

BackendOptionsOrError read_backend_options(std::string_view text) {
    BackendOptionsOrError result;
    const std::vector<std::string_view> parts = split(text, ',');
    result.options.name = parts[0];
    if (parts[0].empty() || parts[0].find('=') != std::string_view::npos) {
        result.error = fmt::format("--backend: expected NAME[,key=value]..., got '{}'", text);
        return result;
    }
    for (std::size_t i = 1; i < parts.size() && !result.error; ++i) {
        const std::size_t equals = parts[i].find('=');
        if (equals == std::string_view::npos) {
            result.error = fmt::format("--backend {}: expected key=value, got '{}'", parts[0], parts[i]);
        } else if (auto error =
                       set_option(&result.options, parts[i].substr(0, equals), parts[i].substr(equals + 1))) {
            result.error = fmt::format("--backend {}: {}", parts[0], *error);
        }
    }
    return result;
}

std::string_view backend_options_help() {
    return R"(  port=0                 0 takes a free one
  address=127.0.0.1      where it listens; 0.0.0.0 when clients are in other containers
  tpm=30000              tokens per minute of every deployment; 0 is unlimited
  rpm=180                requests per minute; follows tpm (6 per 1,000) until given; 0 is unlimited
  slice=10               seconds over which rpm is enforced (Azure uses 1 or 10)
  window=sliding         sliding | fixed (whole minutes) | gcra (continuous)
  charge=prompt+max      prompt+max | max (max_tokens or 16) | billed (at the end) | reserve (context if unset, released)
  default_max=16         charged when a request has no max_tokens
  count_rejected=true    refused requests use up rpm, too
  deployments=chat:gpt-4o;embedding:text-embedding-3-small      NAME:MODEL[:TPM[:RPM]];...
  keys=k1;k2             accepted keys; without it any key is; none: no key needed
  tokens=t1;t2           accepted bearer tokens on classic paths; without it the keys
  flavour=both           both | classic | v1 | openai (paths below /v1)
  prefix=/base           path in front of all paths
  tls=CERT.pem:KEY.pem   serve https
  region="East US"       what x-ms-region says
  ttft=0                 ms to the first token; ttft_jitter=0 plus or minus
  token_ms=0             ms per output token
  output=120             mean length of an answer in tokens
  seed=1                 of the answers and of jitter
  context=128000         context window; beyond it 400 context_length_exceeded
  filter=sync            sync | async (filter results in chunks of their own)
  stream_options=known   known | refused (400, as old API versions do) | ignored (no usage in streams)
  quirks=a;b             no-ratelimit no-retry-after no-retry-after-ms minus-one zero huge negative date misspelt garbage
                         new-words
  idle_ms=0              real ms after which an idle connection is closed
  requests_per_connection=0, custom_headers=0 (431 beyond), body_bytes=67108864 (413 beyond)
)";
}

} // namespace headroom::mock
