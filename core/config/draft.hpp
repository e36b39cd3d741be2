// The configuration while it is being put together from its sources.
// Used by the stages of load_config; nobody sees a draft afterwards.
#pragma once

#include "core/config.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {

/// Setting key -> where it was given last.
using Origins = std::map<std::string, std::string, std::less<>>;

struct BackendDraft {
    BackendConfig config;
    std::string where;      ///< Source of the backend as a whole: "headroom.yaml:12:5" or "BACKEND_1_URL".
    std::string env_prefix; ///< "BACKEND_1_" when the environment speaks of it, for advice.
    bool url_given = false; ///< Even if it was not valid.
    bool url_valid = false;
    std::string url_api_version;
    std::optional<Flavour> flavour;  ///< Empty: from the URL.
    std::optional<BackendAuth> auth; ///< Empty: from what credentials there are.
    Origins origins;

    [[nodiscard]] bool given(std::string_view key) const { return origins.contains(key); }
    /// Where a setting was given, else the backend as a whole.
    [[nodiscard]] const std::string& source_of(std::string_view key) const {
        const auto found = origins.find(key);
        return found == origins.end() ? where : found->second;
    }
};

struct ConfigDraft {
    Config config; ///< All but the backends.
    std::vector<BackendDraft> backends;
    Origins origins;
    std::string config_file;

    [[nodiscard]] bool given(std::string_view key) const { return origins.contains(key); }
    [[nodiscard]] std::string source_of(std::string_view key) const {
        const auto found = origins.find(key);
        return found == origins.end() ? std::string{} : found->second;
    }
};

} // namespace headroom::core
