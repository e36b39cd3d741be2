// The command is the one that Azure documents for changing a deployment's capacity: create, with the same
// name.
#include "bench/lab/azure_commands.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace headroom::lab {
namespace {

constexpr std::int64_t unit_tpm = 1'000;

std::string word(const std::string& said, std::string_view variable) {
    return said.empty() ? fmt::format("\"${}\"", variable) : shell_quoted(said);
}

std::string command_for(const BackendModel& backend) {
    const AzureNames& azure = backend.azure;
    return fmt::format(
        "az cognitiveservices account deployment create --resource-group {} --name {} --deployment-name {} "
        "--model-format OpenAI --model-name {} --model-version {} --sku-name {} --sku-capacity {}",
        word(azure.resource_group, "RESOURCE_GROUP"),
        shell_quoted(azure.account.empty() ? backend.name : azure.account),
        word(azure.deployment, "DEPLOYMENT"), word(azure.model, "MODEL"),
        word(azure.version, "MODEL_VERSION"), word(azure.sku, "SKU"), backend.limiter.tpm / unit_tpm);
}

} // namespace

std::string shell_quoted(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'') {
            quoted += R"('\'')";
        } else {
            quoted += c;
        }
    }
    return quoted + '\'';
}

std::vector<std::string> commands_for(const FleetModel& before, const FleetModel& after) {
    std::vector<std::string> lower;
    std::vector<std::string> raise;
    for (std::size_t i = 0; i < std::min(before.backends.size(), after.backends.size()); ++i) {
        const std::int64_t change = after.backends[i].limiter.tpm - before.backends[i].limiter.tpm;
        if (change == 0 || after.backends[i].limiter.window == WindowKind::ptu) continue;
        (change < 0 ? lower : raise).push_back(command_for(after.backends[i]));
    }
    lower.insert(lower.end(), raise.begin(), raise.end());
    return lower;
}

} // namespace headroom::lab
