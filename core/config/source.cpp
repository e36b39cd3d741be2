// Lists and names.
#include "core/config/source.hpp"

#include "core/config/text.hpp"

#include <algorithm>

namespace headroom::core {

std::vector<GivenText> split_list(const std::vector<GivenText>& items) {
    std::vector<GivenText> pieces;
    for (const auto& item : items) {
        for (std::string_view rest = item.text; !rest.empty();) {
            const auto comma = rest.find(',');
            const auto piece = trimmed(rest.substr(0, comma));
            if (!piece.empty()) pieces.push_back({std::string{piece}, item.source});
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return pieces;
}

std::string name_key(std::string_view name) {
    auto key = lowered(name);
    std::erase_if(key, [](char c) { return c == '-' || c == '_'; });
    return key;
}

} // namespace headroom::core
