// The settings of one backend, and of one deployment of it.
#include "core/config/backend_url.hpp"
#include "core/config/deployments.hpp"
#include "core/config/settings.hpp"
#include "core/config/text.hpp"
#include "core/limits.hpp"

#include <fmt/core.h>

#include <array>

namespace headroom::core {
namespace {

constexpr std::array<Named<std::optional<Flavour>>, 3> flavours{
    {{"auto", std::nullopt}, {"classic", Flavour::classic}, {"v1", Flavour::v1}}};
constexpr std::array<Named<std::optional<BackendAuth>>, 5> auths{
    {{"auto", std::nullopt},
     {"key", BackendAuth::key},
     {"managed_identity", BackendAuth::managed_identity},
     {"passthrough", BackendAuth::passthrough},
     {"none", BackendAuth::none}}};

constexpr std::array<Named<BackendCharging>, 2> chargings{
    {{"arrival", BackendCharging::arrival}, {"usage", BackendCharging::usage}}};

std::string or_none(const std::string& text) {
    return text.empty() ? "none" : text;
}
std::string or_unknown(std::uint64_t amount) {
    return amount == 0 ? "not known" : fmt::format("{}", amount);
}
std::string yes_no(bool value) {
    return value ? "true" : "false";
}

template <typename T, std::size_t N>
std::string word_of(T value, const std::array<Named<std::optional<T>>, N>& words) {
    for (const auto& [word, candidate] : words) {
        if (candidate == value) return std::string{word};
    }
    return {};
}

void read_url(BackendDraft& draft, Reader& reader) {
    draft.url_given = true;
    auto parsed = parse_backend_url(reader.text());
    draft.url_valid = parsed.mistake.empty();
    if (draft.url_valid) {
        draft.config.url = std::move(parsed.url);
        draft.url_api_version = std::move(parsed.api_version);
    } else {
        reader.mistake(parsed.mistake);
    }
}

// The three spellings of a credential fill one field, so that a later source replaces the whole of it.
constexpr std::array backend_rows{
    BackendSetting{.key = "name",
                   .unit = "name",
                   .fallback = "backend1, backend2, ...",
                   .example = "eastus",
                   .meaning =
                       "For logs and metrics; BACKEND_X_... variables speak of the backend called X, without "
                       "regard to case, '-' and '_'",
                   .read = [](BackendDraft& d, Reader& r) { r.name(d.config.name); },
                   .show = [](const BackendConfig& b) { return or_none(b.name); }},
    BackendSetting{
        .key = "url",
        .env = "URL",
        .unit = "URL",
        .fallback = "required",
        .example = "https://openai1.openai.azure.com",
        .meaning = "Base URL, with a path when the service has one: https://host, https://host/openai/v1",
        .read = read_url,
        .show = [](const BackendConfig& b) { return or_none(b.url.text); }},
    BackendSetting{
        .key = "priority",
        .env = "PRIORITY",
        .unit = "number",
        .example = "2",
        .meaning = "Backends with the lowest number are used first; equal numbers share the load",
        .read = [](BackendDraft& d, Reader& r) { r.number(d.config.priority, 0, limits::priority_max); },
        .show = [](const BackendConfig& b) { return fmt::format("{}", b.priority); }},
    BackendSetting{
        .key = "weight",
        .env = "WEIGHT",
        .unit = "number",
        .example = "5",
        .meaning = "Share among equal priorities while no quota is known",
        .read = [](BackendDraft& d, Reader& r) { r.number(d.config.weight, 1, limits::weight_max); },
        .show = [](const BackendConfig& b) { return fmt::format("{}", b.weight); }},
    BackendSetting{
        .key = "price",
        .env = "PRICE",
        .unit = "number",
        .example = "250",
        .meaning = "What a million tokens cost here, in any currency; of equals the cheaper one is preferred",
        .read = [](BackendDraft& d, Reader& r) { r.number(d.config.price, 0, limits::price_max); },
        .show = [](const BackendConfig& b) { return fmt::format("{}", b.price); }},
    BackendSetting{
        .key = "tpm",
        .env = "TPM",
        .unit = "tokens per minute",
        .example = "30000",
        .meaning = "Quota of each deployment that has none of its own, such as 30000 or 30K",
        .read = [](BackendDraft& d,
                   Reader& r) { r.amount(d.config.tokens_per_minute, limits::tokens_per_minute_max); },
        .show = [](const BackendConfig& b) { return or_unknown(b.tokens_per_minute); }},
    BackendSetting{
        .key = "rpm",
        .env = "RPM",
        .unit = "requests per minute",
        .example = "180",
        .meaning = "Quota of each deployment that has none of its own",
        .read = [](BackendDraft& d,
                   Reader& r) { r.amount(d.config.requests_per_minute, limits::requests_per_minute_max); },
        .show = [](const BackendConfig& b) { return or_unknown(b.requests_per_minute); }},
    BackendSetting{.key = "charging",
                   .env = "CHARGING",
                   .unit = "arrival or usage",
                   .example = "usage",
                   .meaning = "What its quota is taken to count until that is learned from its answers: an "
                              "estimate when a request arrives (Azure OpenAI), or what was used when it ends "
                              "(provisioned throughput, most other servers)",
                   .read = [](BackendDraft& d, Reader& r) { r.choice(d.config.charging, chargings); },
                   .show =
                       [](const BackendConfig& b) {
                           return std::string(b.charging == BackendCharging::usage ? "usage" : "arrival");
                       }},
    BackendSetting{
        .key = "api_key",
        .env = "APIKEY",
        .unit = "secret",
        .example = "0123456789abcdef0123456789abcdef",
        .meaning = "Key of the backend, sent as api-key; to v1 backends outside Azure also as bearer token",
        .secret = true,
        .read = [](BackendDraft& d, Reader& r) { r.secret(d.config.api_key); },
        .show = [](const BackendConfig& b) { return b.api_key.description(); }},
    BackendSetting{.key = "api_key_env",
                   .unit = "variable",
                   .example = "EASTUS_KEY",
                   .meaning = "Name of the environment variable that holds the key",
                   .secret = true,
                   .read = [](BackendDraft& d, Reader& r) { r.secret_from_environment(d.config.api_key); },
                   .show = [](const BackendConfig& b) { return b.api_key.description(); }},
    BackendSetting{.key = "api_key_file",
                   .env = "APIKEY_FILE",
                   .unit = "file",
                   .example = "/run/secrets/eastus",
                   .meaning = "File that holds the key and nothing else",
                   .secret = true,
                   .read = [](BackendDraft& d, Reader& r) { r.secret_from_file(d.config.api_key); },
                   .show = [](const BackendConfig& b) { return b.api_key.description(); }},
    BackendSetting{.key = "auth",
                   .env = "AUTH",
                   .unit = "auto, key, managed_identity, passthrough or none",
                   .fallback = "auto",
                   .example = "passthrough",
                   .meaning =
                       "Whose credential the backend sees. auto: the key; without one the managed identity; "
                       "without that the client's own",
                   .read = [](BackendDraft& d, Reader& r) { r.choice(d.auth, auths); },
                   .show = [](const BackendConfig& b) { return word_of(b.auth, auths); }},
    BackendSetting{.key = "flavour",
                   .env = "FLAVOUR",
                   .unit = "auto, classic or v1",
                   .fallback = "auto",
                   .example = "v1",
                   .meaning = "How the backend spells its paths. auto: v1 when the URL ends in /v1 or is "
                              "api.openai.com, else classic (/openai/deployments/...)",
                   .read = [](BackendDraft& d, Reader& r) { r.choice(d.flavour, flavours); },
                   .show = [](const BackendConfig& b) { return word_of(b.flavour, flavours); }},
    BackendSetting{.key = "api_version",
                   .env = "API_VERSION",
                   .unit = "text",
                   .example = "2025-04-01-preview",
                   .meaning = "Version asked of a classic backend when the client names none",
                   .read = [](BackendDraft& d, Reader& r) { r.name(d.config.api_version); },
                   .show = [](const BackendConfig& b) { return b.api_version; }},
    BackendSetting{
        .key = "deployment",
        .env = "DEPLOYMENT_NAME",
        .unit = "text",
        .example = "gpt-4o-eastus",
        .meaning = "Replaces the deployment (or model) of every request that `deployments` does not list",
        .read = [](BackendDraft& d, Reader& r) { read_deployment_name(d.config.deployment, r); },
        .show = [](const BackendConfig& b) { return or_none(b.deployment); }},
    BackendSetting{
        .key = "deployments",
        .env = "DEPLOYMENTS",
        .unit = "name=name, several allowed",
        .example = "gpt-4o=gpt-4o-eastus,mini=mini-2",
        .meaning = "What clients ask for = what the backend calls it; in the file a mapping, see below",
        .list = true,
        .read = read_deployments,
        .show = [](const BackendConfig& b) { return shown_deployments(b.deployments); }},
    BackendSetting{.key = "only_listed_deployments",
                   .env = "ONLY_LISTED_DEPLOYMENTS",
                   .unit = "true or false",
                   .example = "true",
                   .meaning = "Requests for a deployment that is not listed never go to this backend",
                   .read = [](BackendDraft& d, Reader& r) { r.yes_no(d.config.only_listed_deployments); },
                   .show = [](const BackendConfig& b) { return yes_no(b.only_listed_deployments); }},
    BackendSetting{.key = "tls.ca_file",
                   .env = "TLS_CA_FILE",
                   .unit = "file (PEM)",
                   .example = "/etc/headroom/ca.pem",
                   .meaning = "Certificates to trust instead of the system's",
                   .read = [](BackendDraft& d, Reader& r) { r.file(d.config.ca_file); },
                   .show = [](const BackendConfig& b) { return or_none(b.ca_file); }},
    BackendSetting{.key = "tls.verify",
                   .env = "TLS_VERIFY",
                   .unit = "true or false",
                   .example = "false",
                   .meaning = "Check the backend's certificate and its name; false only for tests",
                   .read = [](BackendDraft& d, Reader& r) { r.yes_no(d.config.tls_verify); },
                   .show = [](const BackendConfig& b) { return yes_no(b.tls_verify); }},
    BackendSetting{.key = "tls.server_name",
                   .env = "TLS_SERVER_NAME",
                   .unit = "name",
                   .example = "openai1.internal",
                   .meaning = "Name asked for and verified instead of the URL's host",
                   .read = [](BackendDraft& d, Reader& r) { r.name(d.config.tls_server_name); },
                   .show = [](const BackendConfig& b) { return or_none(b.tls_server_name); }},
};

constexpr std::array deployment_rows{
    DeploymentSetting{
        .key = "name",
        .unit = "text",
        .fallback = "the client's name",
        .example = "gpt-4o-eastus",
        .meaning = "What the backend calls it",
        .read = [](DeploymentConfig& d, Reader& r) { read_deployment_name(d.upstream_name, r); },
        .show = [](const DeploymentConfig& d) { return or_none(d.upstream_name); }},
    DeploymentSetting{.key = "tpm",
                      .unit = "tokens per minute",
                      .fallback = "the backend's",
                      .example = "50000",
                      .meaning = "Quota of this deployment",
                      .read = [](DeploymentConfig& d,
                                 Reader& r) { r.amount(d.tokens_per_minute, limits::tokens_per_minute_max); },
                      .show = [](const DeploymentConfig& d) { return or_unknown(d.tokens_per_minute); }},
    DeploymentSetting{
        .key = "rpm",
        .unit = "requests per minute",
        .fallback = "the backend's",
        .example = "300",
        .meaning = "Quota of this deployment",
        .read = [](DeploymentConfig& d,
                   Reader& r) { r.amount(d.requests_per_minute, limits::requests_per_minute_max); },
        .show = [](const DeploymentConfig& d) { return or_unknown(d.requests_per_minute); }},
};

} // namespace

std::span<const BackendSetting> backend_settings() {
    return backend_rows;
}
std::span<const DeploymentSetting> deployment_settings() {
    return deployment_rows;
}

} // namespace headroom::core
