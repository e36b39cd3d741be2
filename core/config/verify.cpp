// The checks across settings.
#include "core/config/verify.hpp"

#include "core/config/backend_url.hpp"
#include "core/config/text.hpp"
#include "core/config/tls_files.hpp"
#include "core/config/value.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace headroom::core {
namespace {

bool is_any_address(std::string_view address) {
    return address == "0.0.0.0" || address == "::";
}

/// Whether binding both would take the same port of the same address; a wildcard takes all of its family.
bool overlap(const ListenAddress& a, const ListenAddress& b) {
    if (a.port == 0 || a.port != b.port) return false;
    const bool same_family =
        (a.address.find(':') == std::string::npos) == (b.address.find(':') == std::string::npos);
    return a.address == b.address ||
           (same_family && (is_any_address(a.address) || is_any_address(b.address)));
}

void verify_addresses(const ConfigDraft& draft, Findings& findings) {
    const auto& listen = draft.config.listen;
    for (std::size_t i = 0; i < listen.size(); ++i) {
        for (std::size_t j = i + 1; j < listen.size(); ++j) {
            if (!overlap(listen[i], listen[j])) continue;
            findings.mistake(
                draft.source_of("listen"),
                fmt::format("listen: {} and {} overlap", to_string(listen[i]), to_string(listen[j])));
        }
        if (overlap(listen[i], draft.config.admin)) {
            findings.mistake(draft.given("admin") ? draft.source_of("admin") : draft.source_of("listen"),
                             fmt::format("listen {} and admin {} overlap", to_string(listen[i]),
                                         to_string(draft.config.admin)));
        }
    }
}

void report(const PemReport& pem, const std::string& source, std::string_view key, Findings& findings) {
    if (!pem.mistake.empty()) findings.mistake(source, fmt::format("{}: {}", key, pem.mistake));
    if (!pem.warning.empty()) findings.warning(source, fmt::format("{}: {}", key, pem.warning));
}

void verify_client_tls(const ConfigDraft& draft, Findings& findings) {
    const auto& tls = draft.config.tls;
    if (tls.certificate_file.empty() && tls.key_file.empty()) return;
    if (tls.key_file.empty()) {
        findings.mistake(draft.source_of("tls.certificate_file"),
                         "tls.certificate_file is set, tls.key_file is not");
    } else if (tls.certificate_file.empty()) {
        findings.mistake(draft.source_of("tls.key_file"), "tls.key_file is set, tls.certificate_file is not");
    } else {
        report(check_certificate_and_key(tls.certificate_file, tls.key_file),
               draft.source_of("tls.certificate_file"), "tls", findings);
    }
}

void verify_backend_tls(const BackendDraft& backend, Findings& findings) {
    const auto& config = backend.config;
    const auto name = in_ticks(config.name);
    if (!config.ca_file.empty()) {
        report(check_ca_file(config.ca_file), backend.source_of("tls.ca_file"), "tls.ca_file", findings);
    }
    if (!backend.url_valid) return;
    if (!config.url.tls) {
        for (const std::string_view key : {"tls.ca_file", "tls.verify", "tls.server_name"}) {
            if (backend.given(key)) {
                findings.warning(backend.source_of(key),
                                 fmt::format("{} has no effect: the URL of backend {} is http", key, name));
            }
        }
        const bool credential =
            config.auth == BackendAuth::key || config.auth == BackendAuth::managed_identity;
        if (credential && !is_loopback_host(config.url.host)) {
            findings.warning(backend.source_of("url"),
                             fmt::format("backend {}: its credential travels unencrypted to {}; use https",
                                         name, in_ticks(config.url.authority)));
        }
    } else if (!config.tls_verify) {
        findings.warning(
            backend.source_of("tls.verify"),
            fmt::format("backend {}: its certificate is not verified, so anybody in between can read its "
                        "traffic and credential",
                        name));
    }
}

void verify_limits(const ConfigDraft& draft, Findings& findings) {
    const auto& limits = draft.config.limits;
    const auto needed = static_cast<std::uint64_t>(limits.body_bytes_max) + limits.head_bytes_max;
    if (limits.connection_bytes_max < needed) {
        const auto key = draft.given("limits.connection_bytes_max") ? "limits.connection_bytes_max"
                                                                    : "limits.body_bytes_max";
        findings.mistake(
            draft.source_of(key),
            fmt::format("limits.connection_bytes_max ({}) cannot hold the largest head and body ({})",
                        shown_bytes(limits.connection_bytes_max), shown_bytes(needed)));
    }
    if (limits.memory_bytes_total != 0 && limits.memory_bytes_total < limits.connection_bytes_max) {
        findings.mistake(
            draft.source_of("limits.memory_bytes_total"),
            fmt::format("limits.memory_bytes_total ({}) is less than limits.connection_bytes_max ({})",
                        shown_bytes(limits.memory_bytes_total), shown_bytes(limits.connection_bytes_max)));
    }
}

void verify_drain(const ConfigDraft& draft, Findings& findings) {
    const auto& timeouts = draft.config.timeouts;
    if (timeouts.drain < timeouts.grace) return;
    findings.warning(
        draft.source_of(draft.given("timeouts.drain") ? "timeouts.drain" : "timeouts.grace"),
        fmt::format("timeouts.drain ({}) is not shorter than timeouts.grace ({}), after which the platform "
                    "kills; raise the platform's own (terminationGracePeriodSeconds, stop_grace_period, "
                    "TimeoutStopSec), and say it in timeouts.grace",
                    shown(timeouts.drain), shown(timeouts.grace)));
}

void warn_about_balance(const ConfigDraft& draft, Findings& findings) {
    const auto& backends = draft.config.backends;
    std::set<unsigned> priorities;
    std::string unknown;
    for (const auto& backend : backends) {
        priorities.insert(backend.priority);
        const bool known =
            backend.tokens_per_minute != 0 ||
            std::ranges::any_of(backend.deployments, [](const auto& d) { return d.tokens_per_minute != 0; });
        if (!known) unknown += (unknown.empty() ? "" : ", ") + backend.name;
    }
    if (backends.size() > 1 && priorities.size() == backends.size()) {
        findings.warning(
            "",
            "every backend has a priority of its own: this is failover, not balancing; the quota of "
            "the later ones is used only when the earlier ones refuse. Give equal priorities to share "
            "the load");
    }
    if (!unknown.empty() && backends.size() > 1) {
        findings.warning(
            "", fmt::format("no tpm for {}: the quota is learnt from the backend's answers, which costs "
                            "some refused attempts at first",
                            unknown));
    }
}

void warn_about_twins(const ConfigDraft& draft, Findings& findings) {
    for (auto a = draft.backends.begin(); a != draft.backends.end(); ++a) {
        for (auto b = std::next(a); b != draft.backends.end(); ++b) {
            if (!a->url_valid || a->config.url.text != b->config.url.text) continue;
            if (a->config.deployment != b->config.deployment || !(a->config.api_key == b->config.api_key))
                continue;
            findings.warning(
                b->source_of("url"),
                fmt::format("backends {} and {} have the same URL, deployment and key, so one quota is "
                            "counted twice",
                            in_ticks(a->config.name), in_ticks(b->config.name)));
        }
    }
}

} // namespace

void verify(const ConfigDraft& draft, Findings& findings) {
    verify_addresses(draft, findings);
    verify_client_tls(draft, findings);
    for (const auto& backend : draft.backends)
        verify_backend_tls(backend, findings);
    verify_limits(draft, findings);
    verify_drain(draft, findings);
    if (!draft.config.identity.endpoint.empty() && draft.config.identity.endpoint_secret.empty()) {
        findings.warning(draft.source_of("identity.endpoint"),
                         "IDENTITY_HEADER is not set; Azure refuses requests for a token without it");
    }
    if (findings.mistakes() > 0)
        return; // hints about the balance of half a configuration would only distract
    warn_about_balance(draft, findings);
    warn_about_twins(draft, findings);
}

} // namespace headroom::core
