// Names and sums of parts.
#include "balance/prompt/prompt_parts.hpp"

namespace headroom::balance {

std::string_view name_of(PromptPart part) noexcept {
    static constexpr std::array<std::string_view, prompt_part_count> part_names{
        "framing", "names", "text",  "tools",     "tool_calls", "schema",
        "images",  "audio", "files", "reasoning", "token_ids",  "other"};
    return part_names[static_cast<std::size_t>(part)];
}

PartTotal PromptParts::sum() const noexcept {
    PartTotal all;
    for (const PartTotal& total : totals) {
        all.items += total.items;
        all.tokens += total.tokens;
        all.bytes += total.bytes;
        all.characters += total.characters;
    }
    return all;
}

} // namespace headroom::balance
