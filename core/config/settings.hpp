// The one table of every setting: key in the file, environment variable, flag, default, meaning, and how it
// is read and shown. The readers, `check`, `help settings` and docs/configuration.md all come from it. Adding
// a setting is adding a row (and a field in core/config.hpp).
#pragma once

#include "core/config.hpp"
#include "core/config/draft.hpp"
#include "core/config/reader.hpp"

#include <span>
#include <string>
#include <string_view>

namespace headroom::core {

template <typename Draft, typename Shown>
struct Setting {
    std::string_view key{}; ///< With dots for nesting: "timeouts.idle".
    /// Variable, or for a backend what follows BACKEND_X_; empty: cannot be given there.
    std::string_view env{};
    std::string_view env_also{}; ///< A second name, from the ancestor or the platform; the first one wins.
    std::string_view flag{};
    std::string_view unit{};
    std::string_view fallback{}; ///< The default in words, where it follows from something else.
    std::string_view example{};  ///< A legal value that is not the default, spelt as show() spells it.
    std::string_view meaning{};
    bool list = false;
    bool pairs = false;  ///< Of a list: "key=value" each, and in the file a mapping will do.
    bool secret = false; ///< show() gives only a description.
    void (*read)(Draft&, Reader&) = nullptr;
    std::string (*show)(const Shown&) = nullptr;
};

using MainSetting = Setting<Config, Config>;
using BackendSetting = Setting<BackendDraft, BackendConfig>;
using DeploymentSetting = Setting<DeploymentConfig, DeploymentConfig>;

[[nodiscard]] std::span<const MainSetting> main_settings();
[[nodiscard]] std::span<const BackendSetting> backend_settings();
/// Keys below `backends[].deployments.<client's name>`.
[[nodiscard]] std::span<const DeploymentSetting> deployment_settings();

/// The row of a key, or nullptr.
template <typename Row>
[[nodiscard]] const Row* find_setting(std::span<const Row> rows, std::string_view key) {
    for (const Row& row : rows) {
        if (row.key == key) return &row;
    }
    return nullptr;
}

} // namespace headroom::core
