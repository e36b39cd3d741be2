// Printing findings and the explanation of a configuration.
#include "core/check.hpp"

#include "core/check_json.hpp"
#include "core/config/settings.hpp"
#include "core/config/settings_table.hpp"
#include "core/config/value.hpp"
#include "core/cpu_quota.hpp"
#include "core/memory_quota.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace headroom::core {
namespace {

using Cells = std::array<std::string, 6>;

/// Columns as wide as their widest cell, two blanks apart; the last one is not padded.
void print_table(const std::vector<Cells>& rows, std::ostream& out) {
    std::array<std::size_t, std::tuple_size_v<Cells>> widths{};
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i)
            line += fmt::format("  {:<{}}", row[i], widths[i]);
        line.erase(line.find_last_not_of(' ') + 1);
        out << line << '\n';
    }
}

std::string credential(const BackendConfig& backend) {
    switch (backend.auth) {
        case BackendAuth::key: return "key " + backend.api_key.description();
        case BackendAuth::managed_identity: return "managed identity";
        case BackendAuth::passthrough: return "the client's own";
        case BackendAuth::none: return "none";
    }
    return {};
}

std::string quota(std::uint64_t amount) {
    return amount == 0 ? "learnt" : fmt::format("{}", amount);
}

std::string paths(const BackendConfig& backend) {
    const auto& base = backend.url.base_path;
    return backend.flavour == Flavour::classic
               ? fmt::format("classic {}/openai/deployments/... ({})", base, backend.api_version)
               : fmt::format("v1 {}/...", base);
}

std::string deployments(const BackendConfig& backend) {
    std::string text;
    for (const auto& deployment : backend.deployments) {
        text += fmt::format("{}{}", text.empty() ? "" : ", ", deployment.client_name);
        if (deployment.upstream_name != deployment.client_name) text += " as " + deployment.upstream_name;
        if (deployment.tokens_per_minute != 0) text += fmt::format(" ({} tpm)", deployment.tokens_per_minute);
        if (deployment.requests_per_minute != 0)
            text += fmt::format(" ({} rpm)", deployment.requests_per_minute);
    }
    if (backend.only_listed_deployments) return text + "; no others";
    const auto others = backend.deployment.empty() ? "as the client says" : "as " + backend.deployment;
    if (text.empty()) return backend.deployment.empty() ? others : "all " + others;
    return text + "; others " + others;
}

void print_backends(const Config& config, std::ostream& out) {
    std::vector<const BackendConfig*> order;
    order.reserve(config.backends.size());
    for (const auto& backend : config.backends)
        order.push_back(&backend);
    // Equal priorities keep the order of the configuration: these are addresses within one array.
    std::ranges::sort(order, {}, [](const auto* backend) { return std::pair{backend->priority, backend}; });
    std::vector<Cells> rows{{"PRIORITY", "NAME", "URL", "CREDENTIAL", "TPM", "RPM"}};
    std::vector<Cells> paths_rows{{"NAME", "PATHS", "DEPLOYMENTS"}};
    for (const auto* backend : order) {
        rows.push_back({fmt::format("{}", backend->priority), backend->name, backend->url.text,
                        credential(*backend), quota(backend->tokens_per_minute),
                        quota(backend->requests_per_minute)});
        paths_rows.push_back({backend->name, paths(*backend), deployments(*backend)});
    }
    out << "\nBackends, in the order of their priority:\n";
    print_table(rows, out);
    out << "\nWhat they are asked for:\n";
    print_table(paths_rows, out);
    const auto first = static_cast<std::size_t>(std::ranges::count(
        config.backends, order.empty() ? 0 : order.front()->priority, &BackendConfig::priority));
    out << "\nA request goes to the backend of the lowest priority number that has the largest part of its "
           "quota left"
        << (first < order.size() ? ",\nand to the next number only when none of the lower ones can take it.\n"
                                 : ".\n");
    out << fmt::format(
        "Before anything has reached the client, up to {} of {} backends are tried, each once.\n",
        config.attempts_max(), config.backends.size());
}

void print_main(const Config& config, std::ostream& out) {
    const auto* scheme = config.tls.enabled() ? "https" : "http";
    for (const auto& where : config.listen)
        out << fmt::format("Clients connect to  {}://{}\n", scheme, to_string(where));
    out << fmt::format("Admin               http://{} (/healthz, /readyz, /metrics)\n",
                       to_string(config.admin));
    out << (config.workers == 0 ? fmt::format("Workers             {} (the CPU quota here)\n", usable_cpus())
                                : fmt::format("Workers             {}\n", config.workers));
    const auto bound = memory_bound_bytes(config.limits.memory_bytes_total);
    out << fmt::format("Buffers             at most {}{}\n", shown_bytes(bound >> 20U << 20U),
                       config.limits.memory_bytes_total == 0 ? " (half of the memory here)" : "");
}

void print_changes(const Loaded& loaded, std::ostream& out) {
    std::vector<Cells> rows;
    for (const auto& row : main_settings()) {
        const auto origin = loaded.origins.find(std::string{row.key});
        if (origin == loaded.origins.end()) continue;
        rows.push_back({std::string{row.key}, row.show(loaded.config), "from " + origin->second});
    }
    if (rows.empty()) return;
    out << "\nSettings that were given (all others have their default, see headroom help settings):\n";
    print_table(rows, out);
}

} // namespace

void print_findings(const Findings& findings, std::ostream& err) {
    for (const auto& finding : findings.all())
        err << to_string(finding) << '\n';
    if (findings.dropped() > 0) err << fmt::format("... and {} more\n", findings.dropped());
    if (const auto count = findings.mistakes(); count > 0) {
        err << fmt::format(
            "headroom: {} mistake{} in the configuration; every setting is explained by headroom help "
            "settings\n",
            count, count == 1 ? "" : "s");
    }
}

void print_explanation(const Loaded& loaded, std::ostream& out) {
    out << "The configuration is fine: "
        << (loaded.config_file.empty() ? "from the environment and the command line, without a file"
                                       : loaded.config_file + ", the environment and the command line")
        << ".\n\n";
    print_main(loaded.config, out);
    print_backends(loaded.config, out);
    print_changes(loaded, out);
}

void print_settings(std::ostream& out) {
    out << settings_text();
}

int run_check(const Options& options, const Environment& environment, std::ostream& out, std::ostream& err) {
    const auto loaded = load_config(options, environment);
    if (options.json) {
        out << check_json(loaded) << '\n';
    } else {
        print_findings(loaded.findings, err);
        if (loaded.ok()) print_explanation(loaded, out);
    }
    return loaded.ok() ? 0 : 2;
}

} // namespace headroom::core
