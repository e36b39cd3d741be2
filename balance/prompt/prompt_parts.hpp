// What a request's prompt is made of, part by part, in tokens, characters and bytes.
#pragma once

#include "balance/prompt/keyed_digest.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Where tokens of a prompt come from.
enum class PromptPart : std::uint8_t {
    framing,    ///< What stands between messages; may hold no text.
    names,      ///< Roles and names.
    text,       ///< Contents of messages, instructions, prompts, inputs.
    tools,      ///< Definitions of tools and functions, and the choice among them.
    tool_calls, ///< Calls that the model made earlier.
    schema,     ///< The format of the answer.
    images,
    audio,
    files,
    reasoning, ///< Encrypted reasoning that is sent back.
    token_ids, ///< Tokens given as numbers.
    other      ///< What has an unexpected shape, by bytes.
};

/// Number of parts, for tables indexed by PromptPart.
inline constexpr std::size_t prompt_part_count = 12;

/// The stable lower-case name used in tables and metric labels.
[[nodiscard]] std::string_view name_of(PromptPart part) noexcept;

/// The sum of one part.
struct PartTotal {
    std::uint64_t items = 0;
    std::uint64_t tokens = 0;
    std::uint64_t bytes = 0;      ///< Of decoded text, or of base64 as it lies in the body.
    std::uint64_t characters = 0; ///< Code points of text.

    friend bool operator==(const PartTotal&, const PartTotal&) noexcept = default;
};

/// A prompt as it was read.
struct PromptParts {
    [[nodiscard]] PartTotal& of(PromptPart part) noexcept { return totals[static_cast<std::size_t>(part)]; }
    [[nodiscard]] const PartTotal& of(PromptPart part) const noexcept {
        return totals[static_cast<std::size_t>(part)];
    }
    /// The sum of all parts.
    [[nodiscard]] PartTotal sum() const noexcept;

    friend bool operator==(const PromptParts&, const PromptParts&) noexcept = default;

    /// False: the body could not be read (too large, not JSON, not a body of its operation) and all else is
    /// empty.
    bool read = false;
    /// Every token was counted or follows from a published formula; false when something had to be guessed.
    bool exact = true;
    /// The model's own vocabulary counted; else o200k_base stood in for an unknown one, and nothing is exact.
    bool vocabulary_known = true;
    /// The backend adds what it remembers (previous_response_id, conversation, references, stored prompts).
    bool has_history = false;
    /// Tools, a tool choice, or a format of the answer are given, and `block` names them.
    bool has_block = false;
    std::uint32_t images_unknown = 0;    ///< Images whose size is not in the body.
    std::uint32_t files_unknown = 0;     ///< Files that are not in the body.
    std::uint32_t prompts = 1;           ///< Independent prompts of completions, each answered; at least 1.
    std::uint64_t file_bytes = 0;        ///< Of files in the body, decoded.
    std::uint64_t prediction_tokens = 0; ///< Of a predicted output.
    std::uint64_t effort = 0;            ///< A digest of the reasoning effort; 0 when none is asked for.
    std::array<PartTotal, prompt_part_count> totals{};
    /// What hidden text depends on: tools, tool choice, answer format and model.
    Digest block;
};

} // namespace headroom::balance
