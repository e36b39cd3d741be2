// The pretokenizers' patterns, written out by hand one character at a time: the reference for every faster
// way. Promises: the leftmost-first match of the pattern, backtracking included; any byte string will do;
// reads each byte at most a fixed number of times over a whole text.
#pragma once

namespace headroom::balance {

/// The end of the piece of o200k_base that begins at `at`, which is before `end`:
/// `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?`
/// `|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?`
/// `|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+` (openai/tiktoken, openai_public.py).
[[nodiscard]] const char* match_o200k(const char* at, const char* end) noexcept;

/// The end of the piece of cl100k_base that begins at `at`, which is before `end`:
/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+`
/// `|\s+(?!\S)|\s+`. Newer texts of this pattern take blanks at the end of the text differently; no count
/// changes.
[[nodiscard]] const char* match_cl100k(const char* at, const char* end) noexcept;

/// The end of the contraction ('s, 't, 're, 've, 'm, 'll, 'd without regard to case) at `at`; `at` when there
/// is none. The long s (U+017F) is an s here.
[[nodiscard]] const char* match_contraction(const char* at, const char* end) noexcept;

/// The end of a piece of o200k_base that is a word up to `at` and has a letter without case or a mark last;
/// `has_lower` when it has a lower case letter.
[[nodiscard]] const char* finish_word_o200k(const char* at, const char* end, bool has_lower) noexcept;

/// The end of a piece of cl100k_base that is a word up to `at`.
[[nodiscard]] const char* finish_word_cl100k(const char* at, const char* end) noexcept;

} // namespace headroom::balance
