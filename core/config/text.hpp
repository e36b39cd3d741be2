// Small questions about what a user typed: trimmed, same word, nearest word, safe to show.
// Shared by everything that reads configuration or the command line.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace headroom::core {

/// Without blanks, tabs and line breaks at either end.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

[[nodiscard]] std::string lowered(std::string_view text);
[[nodiscard]] std::string uppered(std::string_view text);

/// Equal without regard to ASCII case.
[[nodiscard]] bool same_word(std::string_view a, std::string_view b) noexcept;

/// With control bytes escaped, so that it stays one line and no terminal obeys it.
[[nodiscard]] std::string without_controls(std::string_view text);

/// In backticks, control and non-ASCII bytes escaped, cut after 80 characters; never pass a secret.
[[nodiscard]] std::string in_ticks(std::string_view text);

/// The candidate with the smallest edit distance (case ignored, a swap counts one), if it is near enough to
/// be a slip, else the shortest one that contains the word; empty when there is neither.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// "; did you mean `x`?" or nothing.
[[nodiscard]] std::string suggestion(std::string_view word, std::span<const std::string_view> candidates);

/// "a, b or c".
[[nodiscard]] std::string alternatives(std::span<const std::string_view> words);

} // namespace headroom::core
