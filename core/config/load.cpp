// The stages: file, environment, flags, decisions, checks.
#include "core/config/load.hpp"

#include "core/config/from_environment.hpp"
#include "core/config/from_file.hpp"
#include "core/config/resolve.hpp"
#include "core/config/source.hpp"
#include "core/config/verify.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace headroom::core {
namespace {

void read_flags(const Options& options, Reading& reading) {
    for (const auto& row : main_settings()) {
        std::vector<GivenText> items;
        for (const auto& flag : options.flags) {
            if (flag.key == row.key) items.push_back({flag.text, std::string{flag.flag}});
        }
        if (items.empty()) continue;
        auto shown_key = items.front().source;
        apply(row, reading.draft.config, reading.draft.origins, std::move(items), std::move(shown_key),
              reading);
    }
}

} // namespace

Loaded load_config(const Options& options, const Environment& environment) {
    Loaded loaded;
    ConfigDraft draft;
    Reading reading{.draft = draft, .environment = environment, .findings = loaded.findings, .folder = {}};
    const std::string from_variable{environment.find("HEADROOM_CONFIG")};
    if (!options.config_file.empty()) {
        read_config_file(options.config_file, "--config", reading);
    } else if (!from_variable.empty()) {
        read_config_file(from_variable, "HEADROOM_CONFIG", reading);
    }
    read_config_environment(reading);
    read_flags(options, reading);
    resolve(draft, loaded.findings);
    verify(draft, loaded.findings);
    loaded.findings.sort_by_line(draft.config_file);
    loaded.config = std::move(draft.config);
    loaded.config_file = std::move(draft.config_file);
    loaded.origins.insert(draft.origins.begin(), draft.origins.end());
    for (std::size_t i = 0; i < draft.backends.size(); ++i) {
        for (const auto& [key, source] : draft.backends[i].origins) {
            loaded.origins["backends[" + loaded.config.backends[i].name + "]." + key] = source;
        }
    }
    return loaded;
}

} // namespace headroom::core
