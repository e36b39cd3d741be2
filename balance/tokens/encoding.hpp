// Which of OpenAI's encodings a model's text is counted in.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace headroom::balance {

/// o200k_harmony counts as o200k_base: its ranks are the same and special tokens are counted as text.
enum class Encoding : std::uint8_t { o200k_base, cl100k_base, unknown };

/// The encoding of an OpenAI model: an exact name first, then the longest known prefix, as model.py of
/// openai/tiktoken does; Azure's gpt-35-turbo names too. Retired models (p50k, r50k) count as cl100k_base.
/// nullopt: not a known OpenAI model.
[[nodiscard]] std::optional<Encoding> encoding_of_model(std::string_view model) noexcept;

} // namespace headroom::balance
