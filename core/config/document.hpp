// A YAML file as a tree of texts with positions, so that every mistake can name its line.
// Shared by the readers of the configuration file.
// Promises: whatever the bytes, it ends, throws nothing and stays within the bounds of core/limits.hpp: size,
// depth, nodes (aliases count with everything they copy). Not here: what a key means
// (core/config/settings.hpp).
#pragma once

#include "core/config/finding.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {

/// 1-based position in the file.
struct Place {
    int line = 1;
    int column = 1;
};

struct Node {
    enum class Kind : unsigned char { nothing, text, list, map };

    Kind kind = Kind::nothing;
    Place place{};
    std::string text{};           ///< Of a text.
    std::vector<Node> children{}; ///< Of a list or a map, in the order of the file.
    std::string key{};            ///< When this is the value of a map's key.
    Place key_place{};

    /// "a text", "a list", "a mapping" or "nothing", for messages.
    [[nodiscard]] std::string_view kind_name() const noexcept;
};

/// "headroom.yaml:7:5".
[[nodiscard]] std::string at(std::string_view file, Place place);

/// Parses one document. Anchors, aliases and `<<` merges are resolved; duplicate keys and keys that are not
/// texts are mistakes. Empty (and at least one mistake found) when the bytes are not YAML or exceed a bound.
/// An empty file is an empty map.
[[nodiscard]] std::optional<Node> parse_document(std::string_view bytes, std::string_view file,
                                                 Findings& findings);

} // namespace headroom::core
