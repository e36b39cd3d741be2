// Reading and showing "gpt-4o=gpt-4o-eastus,mini".
#include "core/config/deployments.hpp"

#include "core/config/text.hpp"
#include "core/limits.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace headroom::core {
namespace {

constexpr std::string_view expectation =
    "a deployment name: printable ASCII without blanks, quotes, '=' or ',', at most 128 characters";
constexpr std::size_t deployment_bytes_max = 128;

} // namespace

bool is_deployment_name(std::string_view text) noexcept {
    const auto allowed = [](char c) {
        return c > 0x20 && c < 0x7f && std::string_view{"=,\"\\?#%"}.find(c) == std::string_view::npos;
    };
    return !text.empty() && text.size() <= deployment_bytes_max && std::ranges::all_of(text, allowed);
}

void read_deployment_name(std::string& target, Reader& reader) {
    const auto name = trimmed(reader.text());
    if (is_deployment_name(name)) {
        target = name;
    } else {
        reader.mistake(fmt::format("expected {}, found {}", expectation, in_ticks(name)));
    }
}

void read_deployments(BackendDraft& draft, Reader& reader) {
    std::vector<DeploymentConfig> all;
    for (const auto& item : reader.items()) {
        const auto equals = item.text.find('=');
        const auto client = trimmed(std::string_view{item.text}.substr(0, equals));
        const auto upstream =
            equals == std::string::npos ? client : trimmed(std::string_view{item.text}.substr(equals + 1));
        if (!is_deployment_name(client) || !is_deployment_name(upstream)) {
            reader.mistake(item,
                           fmt::format("expected client's name=backend's name, such as gpt-4o=gpt-4o-eastus, "
                                       "found {}",
                                       in_ticks(item.text)));
        } else if (std::ranges::find(all, client, &DeploymentConfig::client_name) != all.end()) {
            reader.mistake(item, fmt::format("{} is given twice", in_ticks(client)));
        } else if (all.size() == limits::deployments_per_backend_max) {
            reader.mistake(item, fmt::format("at most {} deployments", all.size()));
            break;
        } else {
            all.push_back({.client_name = std::string{client}, .upstream_name = std::string{upstream}});
        }
    }
    draft.config.deployments = std::move(all);
}

void read_models(std::vector<ModelConfig>& models, Reader& reader) {
    std::vector<ModelConfig> all;
    for (const auto& item : reader.items()) {
        const auto equals = item.text.find('=');
        const auto deployment = trimmed(std::string_view{item.text}.substr(0, equals));
        const auto model = equals == std::string::npos
                               ? std::string_view{}
                               : trimmed(std::string_view{item.text}.substr(equals + 1));
        if (!is_deployment_name(deployment) || !is_deployment_name(model)) {
            reader.mistake(item, fmt::format("expected deployment=model, such as chat=gpt-4o, found {}",
                                             in_ticks(item.text)));
        } else if (std::ranges::find(all, deployment, &ModelConfig::deployment) != all.end()) {
            reader.mistake(item, fmt::format("{} is given twice", in_ticks(deployment)));
        } else if (all.size() == limits::models_max) {
            reader.mistake(item, fmt::format("at most {} models", all.size()));
            break;
        } else {
            all.push_back({.deployment = std::string{deployment}, .model = std::string{model}});
        }
    }
    std::ranges::sort(all, {}, &ModelConfig::deployment);
    models = std::move(all);
}

std::string shown_models(const std::vector<ModelConfig>& models) {
    std::string text;
    for (const auto& one : models)
        ((((text += text.empty() ? "" : ",") += one.deployment) += '=') += one.model);
    return text.empty() ? "learnt" : text;
}

std::string shown_deployments(const std::vector<DeploymentConfig>& deployments) {
    std::string text;
    for (const auto& deployment : deployments) {
        if (!text.empty()) text += ',';
        text += deployment.client_name;
        if (deployment.upstream_name != deployment.client_name) text += '=' + deployment.upstream_name;
    }
    return text.empty() ? "none" : text;
}

} // namespace headroom::core
