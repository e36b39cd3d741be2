// Sorts the variables by what they speak of and hands them to the rows of the tables.
#include "core/config/from_environment.hpp"

#include "core/config/text.hpp"
#include "core/config/value.hpp"
#include "core/limits.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace headroom::core {
namespace {

constexpr std::string_view main_prefix = "HEADROOM_";
constexpr std::string_view backend_prefix = "BACKEND_";
constexpr std::string_view config_variable = "HEADROOM_CONFIG";

// Not a setting and in no table: with a real backend it only makes Headroom misjudge every quota.
constexpr std::string_view time_scale_variable = "HEADROOM_TEST_TIME_SCALE";
constexpr double time_scale_max = 1'000;

bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// 2 before 10 before a; the order of the environment itself means nothing.
struct NaturalOrder {
    bool operator()(const std::string& a, const std::string& b) const {
        if (is_number(a) != is_number(b)) return is_number(a);
        if (is_number(a) && a.size() != b.size()) return a.size() < b.size();
        return a < b;
    }
};

struct BackendVariable {
    std::string name;
    std::string value;
};

/// All variables of one backend, by row.
struct BackendVariables {
    std::string label; ///< X as first written.
    std::map<const BackendSetting*, BackendVariable> values;
};

using BackendGroups = std::map<std::string, BackendVariables, NaturalOrder>;

void note_backend_variable(std::string_view name, std::string_view value, BackendGroups& groups,
                           Findings& findings) {
    const auto rest = name.substr(backend_prefix.size());
    const auto underscore = rest.find('_');
    const auto label = rest.substr(0, underscore);
    const auto field =
        underscore == std::string_view::npos ? std::string_view{} : rest.substr(underscore + 1);
    std::vector<std::string_view> fields;
    for (const auto& row : backend_settings()) {
        if (!row.env.empty()) fields.push_back(row.env);
    }
    if (label.empty() || field.empty()) {
        findings.mistake(name, "expected BACKEND_X_FIELD, such as BACKEND_1_URL");
        return;
    }
    const auto rows = backend_settings();
    const auto row =
        std::ranges::find_if(rows, [&](const auto& r) { return !r.env.empty() && same_word(r.env, field); });
    if (row == rows.end()) {
        const auto near = nearest(field, fields);
        findings.mistake(name, near.empty() ? fmt::format("unknown field {}; expected {}", in_ticks(field),
                                                          alternatives(fields))
                                            : fmt::format("unknown field {}; did you mean `BACKEND_{}_{}`?",
                                                          in_ticks(field), label, near));
        return;
    }
    auto& group = groups[name_key(label)];
    if (group.label.empty()) group.label = label;
    const auto [first, added] = group.values.try_emplace(&*row, std::string{name}, std::string{value});
    if (!added && first->second.value != value) {
        findings.mistake(
            name, fmt::format("given twice with different values; the other one is {}", first->second.name));
    }
}

BackendDraft& draft_for(const std::string& key, const BackendVariables& group, ConfigDraft& draft) {
    for (auto& backend : draft.backends) {
        if (name_key(backend.config.name) == key) return backend;
    }
    auto& added = draft.backends.emplace_back();
    added.config.name = lowered(group.label);
    added.where = group.values.begin()->second.name;
    return added;
}

void read_backend_group(const std::string& key, const BackendVariables& group, Reading& reading) {
    const bool is_new = std::ranges::none_of(
        reading.draft.backends, [&](const auto& backend) { return name_key(backend.config.name) == key; });
    if (is_new && reading.draft.backends.size() == limits::backends_max) {
        reading.findings.mistake(group.values.begin()->second.name,
                                 fmt::format("at most {} backends", limits::backends_max));
        return;
    }
    auto& backend = draft_for(key, group, reading.draft);
    backend.env_prefix = fmt::format("BACKEND_{}_", group.label);
    int credentials = 0;
    for (const auto& [row, variable] : group.values) {
        credentials += row->key.starts_with("api_key") ? 1 : 0;
        apply(*row, backend, backend.origins, {{variable.value, variable.name}}, variable.name, reading);
    }
    if (credentials > 1) {
        reading.findings.mistake(
            backend.env_prefix + "APIKEY_FILE",
            fmt::format("expected only one of {0}APIKEY and {0}APIKEY_FILE", backend.env_prefix));
    }
}

/// A second name is used only when the first is absent.
void read_main(const MainSetting& row, Reading& reading) {
    auto& draft = reading.draft;
    const auto first = reading.environment.find(row.env);
    const auto second = row.env_also.empty() ? std::string_view{} : reading.environment.find(row.env_also);
    if (!first.empty()) {
        apply(row, draft.config, draft.origins, {{std::string{first}, std::string{row.env}}},
              std::string{row.env}, reading);
        if (!second.empty() && !row.secret && first != second) {
            reading.findings.warning(row.env_also, fmt::format("ignored, because {} is set", row.env));
        }
    } else if (!second.empty() && row.env_also != "PORT") {
        apply(row, draft.config, draft.origins, {{std::string{second}, std::string{row.env_also}}},
              std::string{row.env_also}, reading);
    }
}

/// PORT is set by platforms, and by developers for other programs: only the default gives way to it.
void read_port(Reading& reading) {
    const auto port = reading.environment.find("PORT");
    auto& draft = reading.draft;
    if (port.empty()) return;
    if (draft.given("listen")) {
        reading.findings.warning(
            "PORT", fmt::format("ignored, because listen is set by {}", draft.source_of("listen")));
    } else if (!parse_port(port)) {
        reading.findings.mistake("PORT", fmt::format("expected a port number, found {}", in_ticks(port)));
    } else {
        draft.config.listen = {ListenAddress{.port = *parse_port(port)}};
        draft.origins["listen"] = "PORT";
    }
}

void judge_main_variable(std::string_view name, Findings& findings) {
    std::vector<std::string_view> known{config_variable.substr(main_prefix.size())};
    for (const auto& row : main_settings()) {
        if (row.env == name) return;
        known.push_back(row.env.substr(main_prefix.size()));
    }
    if (name == config_variable || name == time_scale_variable) return;
    const auto near = nearest(name.substr(main_prefix.size()), known);
    if (near.empty()) {
        findings.warning(name, "ignored, there is no such setting (headroom help settings lists them all)");
    } else {
        findings.mistake(name,
                         fmt::format("there is no such setting; did you mean `{}{}`?", main_prefix, near));
    }
}

void read_time_scale(Reading& reading) {
    const auto text = reading.environment.find(time_scale_variable);
    if (text.empty()) return;
    double scale = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), scale);
    if (error != std::errc{} || end != text.data() + text.size() ||
        !(scale >= 1 && scale <= time_scale_max)) {
        reading.findings.mistake(time_scale_variable, fmt::format("expected a factor from 1 to {}, found {}",
                                                                  time_scale_max, in_ticks(text)));
        return;
    }
    reading.draft.config.test_time_scale = scale;
    reading.findings.warning(time_scale_variable,
                             fmt::format("FOR TESTS ONLY: quotas are counted per {:.4g} s instead of per "
                                         "minute; never set this before real backends",
                                         60 / scale));
}

bool starts_with_word(std::string_view name, std::string_view prefix) {
    return name.size() >= prefix.size() && same_word(name.substr(0, prefix.size()), prefix);
}

} // namespace

bool is_service_variable(std::string_view name, std::string_view value) {
    const auto ends = [&](std::string_view suffix) { return name.ends_with(suffix); };
    if (ends("_SERVICE_HOST") || ends("_SERVICE_PORT") ||
        name.find("_SERVICE_PORT_") != std::string_view::npos) {
        return true;
    }
    const bool address =
        value.starts_with("tcp://") || value.starts_with("udp://") || value.starts_with("sctp://");
    if (ends("_PORT")) return address || name.find("_PORT_") != std::string_view::npos;
    return name.find("_PORT_") != std::string_view::npos &&
           (address || ends("_PROTO") || ends("_ADDR") || ends("_TCP") || ends("_UDP"));
}

void read_config_environment(Reading& reading) {
    BackendGroups groups;
    for (const auto& [name, raw] : reading.environment.variables()) {
        const auto value = trimmed(raw);
        if (value.empty() || is_service_variable(name, value)) continue;
        if (starts_with_word(name, backend_prefix)) {
            note_backend_variable(name, value, groups, reading.findings);
        } else if (name.starts_with(main_prefix)) {
            judge_main_variable(name, reading.findings);
        }
    }
    for (const auto& row : main_settings())
        read_main(row, reading);
    read_port(reading);
    read_time_scale(reading);
    for (const auto& [key, group] : groups)
        read_backend_group(key, group, reading);
}

} // namespace headroom::core
