// Finds the end of a JSON string at memory speed: AVX2 where the CPU has it, SSE2 otherwise, bytes elsewhere.
// Promises: never reads outside [at, end); the same answer from every version and every split of the text.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace headroom::balance {

/// What was passed on the way, over all pieces of one string.
struct StringTally {
    std::uint64_t escapes = 0;         ///< Escaped characters, \u included.
    std::uint64_t unicode_escapes = 0; ///< Of these, \u escapes.
    bool escape = false;               ///< The piece ended on an escaping backslash.
};

/// Walks the inside of a string; returns the closing quote, the first control character (not allowed in
/// JSON), or `end`.
[[nodiscard]] const char* skip_string(const char* at, const char* end, StringTally& tally) noexcept;

/// One version of skip_string, for tests.
struct StringSkip {
    std::string_view name;
    const char* (*skip)(const char* at, const char* end, StringTally& tally) noexcept;
};

/// The versions that this CPU can run, the reference first and the fastest last.
[[nodiscard]] std::span<const StringSkip> string_skips() noexcept;

} // namespace headroom::balance
