// What the three sources have in common: handing a text to a setting's row, and the words for what is not
// known. Shared by from_file, from_environment and load.
#pragma once

#include "core/config/draft.hpp"
#include "core/config/finding.hpp"
#include "core/config/settings.hpp"
#include "core/environment.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {

/// Everything that a source reads into and complains to.
struct Reading {
    ConfigDraft& draft;
    const Environment& environment;
    Findings& findings;
    std::string folder; ///< For relative file names.
};

/// Splits every item at its commas; empty pieces vanish.
[[nodiscard]] std::vector<GivenText> split_list(const std::vector<GivenText>& items);

/// Judges one text as the value of a row and notes where it came from.
template <typename Row, typename Target>
void apply(const Row& row, Target& target, Origins& origins, std::vector<GivenText> items,
           std::string shown_key, Reading& reading) {
    if (row.list) items = split_list(items);
    if (items.empty()) return;
    origins.insert_or_assign(std::string{row.key}, items.front().source);
    const Given given{.key = std::move(shown_key), .items = std::move(items), .folder = reading.folder};
    Reader reader{given, reading.environment, reading.findings};
    row.read(target, reader);
}

/// Lower case without '-' and '_': two backends may not differ only in these, and BACKEND_X_ matches by it.
[[nodiscard]] std::string name_key(std::string_view name);

} // namespace headroom::core
