// From drafts to backends.
#include "core/config/resolve.hpp"

#include "core/config/backend_url.hpp"
#include "core/config/source.hpp"
#include "core/config/text.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace headroom::core {
namespace {

void miss_url(const BackendDraft& backend, const ConfigDraft& draft, Findings& findings) {
    if (backend.env_prefix.empty()) {
        findings.mistake(backend.where, fmt::format("backend {} has no url", in_ticks(backend.config.name)));
        return;
    }
    std::vector<std::string_view> others;
    for (const auto& other : draft.backends) {
        if (&other != &backend && other.url_given) others.push_back(other.config.name);
    }
    findings.mistake(backend.where, fmt::format("{}URL is missing{}", backend.env_prefix,
                                                suggestion(backend.config.name, others)));
}

void resolve_path(BackendDraft& backend, Findings& findings) {
    auto& config = backend.config;
    config.flavour = backend.flavour.value_or(detect_flavour(config.url));
    settle_base_path(config.url, config.flavour);
    if (!backend.given("api_version") && !backend.url_api_version.empty()) {
        config.api_version = backend.url_api_version;
    }
    if (config.flavour != Flavour::classic) return;
    if (config.url.base_path.ends_with("/openai")) {
        findings.warning(
            backend.source_of("url"),
            fmt::format("requests will go to {}/openai/deployments/...; remove \"/openai\" from the URL if "
                        "it is there once too often",
                        config.url.text));
    }
    const auto refuse_slash = [&](const std::string& name, std::string_view key) {
        if (name.find('/') == std::string::npos) return;
        findings.mistake(
            backend.source_of(key),
            fmt::format("{}: {} has a '/', which a path to a classic backend cannot carry; is the "
                        "backend's flavour v1?",
                        key, in_ticks(name)));
    };
    refuse_slash(config.deployment, "deployment");
    for (const auto& deployment : config.deployments)
        refuse_slash(deployment.upstream_name, "deployments");
}

void resolve_auth(BackendDraft& backend, const IdentityConfig& identity, Findings& findings) {
    auto& config = backend.config;
    const bool has_key = std::ranges::any_of(backend.origins, [](const auto& origin) {
        return origin.first.starts_with("api_key"); // even one that was refused: one mistake is enough
    });
    const bool has_identity = !identity.endpoint.empty();
    if (backend.auth) {
        config.auth = *backend.auth;
        const auto& source = backend.source_of("auth");
        if (config.auth == BackendAuth::key && !has_key) {
            findings.mistake(
                source, fmt::format("backend {}: auth is key, but no key is given", in_ticks(config.name)));
        } else if (config.auth != BackendAuth::key && has_key) {
            findings.mistake(source, fmt::format("backend {}: a key is given, but auth does not use it",
                                                 in_ticks(config.name)));
        } else if (config.auth == BackendAuth::managed_identity && !has_identity) {
            findings.mistake(
                source, fmt::format("backend {}: no managed identity here, IDENTITY_ENDPOINT is not set; "
                                    "give a key, or assign an identity to the container app",
                                    in_ticks(config.name)));
        }
    } else if (has_key) {
        config.auth = BackendAuth::key;
    } else if (has_identity) {
        config.auth = BackendAuth::managed_identity;
    } else {
        config.auth = BackendAuth::passthrough;
        if (!backend.url_valid) return;
        findings.warning(backend.where,
                         fmt::format("backend {} has no key, and there is no managed identity here "
                                     "(IDENTITY_ENDPOINT): the client's own credential is passed on. "
                                     "Say so with auth passthrough (or none)",
                                     in_ticks(config.name)));
    }
}

void check_name(const BackendDraft& backend, const std::vector<BackendConfig>& earlier, Findings& findings) {
    for (const auto& other : earlier) {
        if (name_key(other.name) != name_key(backend.config.name)) continue;
        const bool same = other.name == backend.config.name;
        findings.mistake(backend.source_of("name"),
                         same ? fmt::format("two backends are called {}", in_ticks(other.name))
                              : fmt::format("the names {} and {} differ only in case, '-' or '_'",
                                            in_ticks(other.name), in_ticks(backend.config.name)));
        return;
    }
}

/// A deployment that clients know by several names has one quota: what is said of one name holds for all.
template <auto Quota>
void share_quota(BackendDraft& backend, std::string_view key, Findings& findings) {
    auto& all = backend.config.deployments;
    for (const auto& said : all) {
        if (said.*Quota == 0) continue;
        for (auto& other : all) {
            if (other.upstream_name != said.upstream_name || other.*Quota == said.*Quota) continue;
            if (other.*Quota != 0) {
                findings.mistake(
                    backend.source_of("deployments"),
                    fmt::format(
                        "deployments: {} and {} are both {} and so one quota, but have a {} of {} and {}",
                        in_ticks(said.client_name), in_ticks(other.client_name), in_ticks(said.upstream_name),
                        key, said.*Quota, other.*Quota));
                return;
            }
            other.*Quota = said.*Quota;
        }
    }
}

void check_deployments(const BackendDraft& backend, Findings& findings) {
    if (backend.config.only_listed_deployments && backend.config.deployments.empty()) {
        findings.mistake(
            backend.source_of("only_listed_deployments"),
            fmt::format("backend {}: only_listed_deployments without deployments leaves nothing to serve",
                        in_ticks(backend.config.name)));
    }
}

} // namespace

void resolve(ConfigDraft& draft, Findings& findings) {
    auto& config = draft.config;
    if (!draft.given("timeouts.first_byte")) config.timeouts.first_byte = config.timeouts.idle;
    if (draft.backends.empty() && findings.mistakes() == 0) {
        findings.mistake(
            "",
            "no backends; set BACKEND_1_URL and BACKEND_1_APIKEY, or list them under `backends:` in a "
            "file given with --config");
    }
    for (auto& backend : draft.backends) {
        std::ranges::sort(backend.config.deployments, {}, &DeploymentConfig::client_name);
        check_name(backend, config.backends, findings);
        check_deployments(backend, findings);
        share_quota<&DeploymentConfig::tokens_per_minute>(backend, "tpm", findings);
        share_quota<&DeploymentConfig::requests_per_minute>(backend, "rpm", findings);
        if (!backend.url_given) miss_url(backend, draft, findings);
        if (backend.url_valid) resolve_path(backend, findings);
        resolve_auth(backend, config.identity, findings);
        config.backends.push_back(backend.config);
    }
}

} // namespace headroom::core
