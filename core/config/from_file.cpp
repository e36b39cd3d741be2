// Walks the tree of the file along the tables of settings.
#include "core/config/from_file.hpp"

#include "core/config/deployments.hpp"
#include "core/config/document.hpp"
#include "core/config/text.hpp"
#include "core/limits.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

namespace headroom::core {
namespace {

/// The first part of a dotted key below a prefix: "timeouts." and "timeouts.idle" give "idle".
std::string_view next_part(std::string_view key, std::string_view prefix) {
    key.remove_prefix(prefix.size());
    return key.substr(0, key.find('.'));
}

/// "idle" and "timeouts_idle" for "timeouts.idle".
bool is_elsewhere(std::string_view key, std::string_view typed) {
    std::string flat{key};
    std::ranges::replace(flat, '.', '_');
    return same_word(key.substr(key.rfind('.') + 1), typed) || same_word(flat, typed);
}

class FileReader {
  public:
    /// Handles keys that have no row; says whether it knew the key.
    using Special = std::function<bool(const Node&)>;
    FileReader(std::string_view file, Reading& reading) : file_(file), reading_(reading) {}

    void read(const Node& root) {
        if (root.kind != Node::Kind::map) {
            mistake(root.place, fmt::format("expected a mapping of settings, found {}", root.kind_name()));
            return;
        }
        auto& draft = reading_.draft;
        read_map(
            root, "", main_settings(), draft.config, draft.origins,
            [this](const Node& child) { return child.key == "backends" && (read_backends(child), true); },
            {"backends"});
    }

  private:
    void mistake(Place place, std::string text) {
        reading_.findings.mistake(at(file_, place), std::move(text));
    }

    template <typename Row, typename Target>
    void read_map(const Node& map, const std::string& prefix, std::span<const Row> rows, Target& target,
                  Origins& origins, const Special& special,
                  const std::vector<std::string_view>& special_keys) {
        for (const Node& child : map.children) {
            const std::string key = prefix + child.key;
            const bool group =
                std::ranges::any_of(rows, [&](const Row& row) { return row.key.starts_with(key + "."); });
            if (special(child)) continue;
            if (const Row* row = find_setting(rows, key)) {
                read_value(child, *row, target, origins);
            } else if (group && !child.key.empty() && child.kind == Node::Kind::map) {
                read_map(child, key + ".", rows, target, origins, [](const Node&) { return false; }, {});
            } else if (group && !child.key.empty()) {
                mistake(child.place,
                        fmt::format("{}: expected a mapping with {}, found {}", key,
                                    alternatives(parts_below(key + ".", rows)), child.kind_name()));
            } else {
                unknown_key(child, prefix, rows, special_keys);
            }
        }
    }

    template <typename Row, typename Target>
    void read_value(const Node& node, const Row& row, Target& target, Origins& origins) {
        // the tree has no key twice, but "timeouts.idle" and "idle" below "timeouts" are one
        if (const auto first = origins.find(row.key); first != origins.end()) {
            mistake(node.key_place, fmt::format("{} is given twice; first at {}", row.key, first->second));
            return;
        }
        std::vector<GivenText> items;
        if (node.kind == Node::Kind::text) {
            items.push_back({node.text, at(file_, node.place)});
        } else if (node.kind == Node::Kind::map && row.pairs) {
            for (const Node& item : node.children) {
                if (item.kind == Node::Kind::text) {
                    items.push_back({item.key + "=" + item.text, at(file_, item.place)});
                } else {
                    mistake(item.place, fmt::format("{}: expected a text for {}, found {}", row.key,
                                                    in_ticks(item.key), item.kind_name()));
                }
            }
        } else if (node.kind == Node::Kind::list && row.list) {
            for (const Node& item : node.children) {
                if (item.kind == Node::Kind::text) {
                    items.push_back({item.text, at(file_, item.place)});
                } else {
                    mistake(item.place,
                            fmt::format("{}: expected {}, found {}", row.key, row.unit, item.kind_name()));
                }
            }
            if (node.children.empty()) mistake(node.place, fmt::format("{}: the list is empty", row.key));
        } else if (node.kind == Node::Kind::nothing) {
            mistake(node.key_place,
                    fmt::format("{}: no value is given; expected {}, or no such line", row.key, row.unit));
        } else {
            mistake(node.place,
                    fmt::format("{}: expected {}, found {}", row.key, row.unit, node.kind_name()));
        }
        apply(row, target, origins, std::move(items), std::string{row.key}, reading_);
    }

    /// The parts that may follow a prefix, each once.
    template <typename Row>
    static std::vector<std::string_view> parts_below(std::string_view prefix, std::span<const Row> rows) {
        std::vector<std::string_view> parts;
        for (const Row& row : rows) {
            if (!row.key.starts_with(prefix)) continue;
            const auto part = next_part(row.key, prefix);
            if (std::ranges::find(parts, part) == parts.end()) parts.push_back(part);
        }
        return parts;
    }

    template <typename Row>
    void unknown_key(const Node& child, std::string_view prefix, std::span<const Row> rows,
                     std::vector<std::string_view> known) {
        if (reading_.findings.full()) {
            mistake(child.key_place, "unknown key");
            return;
        }
        const auto parts = parts_below(prefix, rows);
        known.insert(known.end(), parts.begin(), parts.end());
        std::vector<std::string_view> elsewhere;
        for (const Row& row : rows) {
            if (is_elsewhere(row.key, child.key)) elsewhere.push_back(row.key);
        }
        std::string hint = suggestion(child.key, known);
        if (!elsewhere.empty()) hint = fmt::format("; did you mean `{}`?", elsewhere.front());
        if (hint.empty()) hint = "; expected " + alternatives(known);
        mistake(child.key_place, fmt::format("unknown key {}{}", in_ticks(child.key), hint));
    }

    void read_backends(const Node& list) {
        reading_.draft.origins["backends"] = at(file_, list.key_place);
        if (list.kind != Node::Kind::list) {
            mistake(list.place.line > 0 ? list.place : list.key_place,
                    fmt::format("backends: expected a list, one `- url: ...` per backend, found {}",
                                list.kind_name()));
            return;
        }
        for (const Node& item : list.children) {
            if (reading_.draft.backends.size() == limits::backends_max) {
                mistake(item.place, fmt::format("backends: at most {} backends", limits::backends_max));
                return;
            }
            if (item.kind != Node::Kind::map) {
                mistake(item.place, fmt::format("backends: expected a mapping with at least `url`, found {}",
                                                item.kind_name()));
                continue;
            }
            read_backend(item);
        }
    }

    void read_backend(const Node& map) {
        BackendDraft draft;
        draft.where = at(file_, map.place);
        read_map(map, "", backend_settings(), draft, draft.origins,
                 [&](const Node& child) {
                     if (child.key != "deployments" || child.kind != Node::Kind::map) return false;
                     read_deployments_map(child, draft);
                     return true;
                 },
                 {});
        const auto keys = {"api_key", "api_key_env", "api_key_file"};
        if (std::ranges::count_if(keys, [&](auto key) { return draft.given(key); }) > 1) {
            mistake(map.place, "expected only one of api_key, api_key_env and api_key_file");
        }
        auto& backends = reading_.draft.backends;
        if (draft.config.name.empty()) draft.config.name = fmt::format("backend{}", backends.size() + 1);
        backends.push_back(std::move(draft));
    }

    void read_deployments_map(const Node& map, BackendDraft& draft) {
        draft.origins["deployments"] = at(file_, map.key_place);
        for (const Node& child : map.children) {
            if (draft.config.deployments.size() == limits::deployments_per_backend_max) {
                mistake(child.key_place, fmt::format("deployments: at most {} deployments",
                                                     limits::deployments_per_backend_max));
                return;
            }
            if (!is_deployment_name(child.key)) {
                mistake(child.key_place,
                        fmt::format("deployments: {} is not a deployment name", in_ticks(child.key)));
                continue;
            }
            draft.config.deployments.push_back(read_deployment(child));
        }
    }

    /// `gpt-4o: gpt-4o-eastus`, or a mapping with name, tpm and rpm, or nothing for one that is only listed.
    DeploymentConfig read_deployment(const Node& node) {
        DeploymentConfig deployment{.client_name = node.key, .upstream_name = node.key};
        Origins origins;
        if (node.kind == Node::Kind::map) {
            read_map(node, "", deployment_settings(), deployment, origins, [](const Node&) { return false; },
                     {});
        } else if (node.kind == Node::Kind::text) {
            read_value(node, deployment_settings().front(), deployment, origins);
        } else if (node.kind == Node::Kind::list) {
            mistake(node.place,
                    fmt::format("deployments: expected the backend's name for {} or a mapping with name, "
                                "tpm and rpm, found a list",
                                in_ticks(node.key)));
        }
        return deployment;
    }

    std::string_view file_;
    Reading& reading_;
};

std::string why_unreadable(const std::string& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::is_directory(status)) return "it is a folder";
    if (!std::filesystem::exists(status)) return "it does not exist";
    return errno != 0 ? std::strerror(errno)
                      : "it cannot be opened"; // NOLINT(concurrency-mt-unsafe): start-up
}

} // namespace

void read_config_text(std::string_view bytes, std::string_view file, Reading& reading) {
    if (const auto root = parse_document(bytes, file, reading.findings))
        FileReader{file, reading}.read(*root);
}

void read_config_file(const std::string& path, std::string_view named_by, Reading& reading) {
    errno = 0;
    std::ifstream in(path, std::ios::binary);
    std::error_code error;
    if (!in || std::filesystem::is_directory(path, error)) {
        reading.findings.mistake(named_by, fmt::format("cannot read the configuration file {}: {}",
                                                       in_ticks(path), why_unreadable(path)));
        return;
    }
    // One byte more than allowed tells a long file from one that just fits, even if it never ends.
    std::string bytes(limits::config_file_bytes_max + 1, '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    reading.draft.config_file = path;
    reading.folder = std::filesystem::path{path}.parent_path().string();
    read_config_text(bytes, path, reading);
    reading.folder.clear();
}

} // namespace headroom::core
