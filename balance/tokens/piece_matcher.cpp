// Both patterns are decided by the first character and the runs behind it; each run is walked once forward,
// and the few places that a backtracking matcher would come back to are remembered on the way.
#include "balance/tokens/piece_matcher.hpp"

#include "balance/tokens/character_class.hpp"

#include <cstddef>

namespace headroom::balance {
namespace {

using namespace character;

constexpr std::uint8_t word_first = upper | caseless | mark; // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
constexpr std::uint8_t word_rest = lower | caseless | mark;  // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
constexpr std::uint8_t punctuation = mark | other;           // [^\s\p{L}\p{N}]

const char* skip(const char* at, const char* end, std::uint8_t kinds) noexcept {
    while (at != end) {
        const Character next = character_at(at, end);
        if ((next.kind & kinds) == 0) break;
        at += next.size;
    }
    return at;
}

/// The rest of a word of o200k that has no lower case letter so far; `last_caseless` is the end of the last
/// letter that may also end a word, or null. A run without lower case letters gives back the capitals behind
/// it, unless there are only capitals.
const char* match_cased_word(const char* at, const char* end, const char* last_caseless) noexcept {
    while (at != end) {
        const Character next = character_at(at, end);
        if ((next.kind & lower) != 0) return skip(at, end, word_rest);
        if ((next.kind & word_first) == 0) break;
        at += next.size;
        if (next.kind != upper) last_caseless = at;
    }
    return last_caseless == nullptr ? at : last_caseless;
}

/// `\p{N}{1,3}`; the first one is known.
const char* match_digits(const char* at, const char* end) noexcept {
    for (int count = 0; count < 3 && at != end; ++count) {
        const Character next = character_at(at, end);
        if (next.kind != number) break;
        at += next.size;
    }
    return at;
}

/// ` ?[^\s\p{L}\p{N}]+[\r\n]*`, with `slash` also `/` in the tail; `at` when there is none.
const char* match_punctuation(const char* at, const char* end, bool slash) noexcept {
    const char* const begin = *at == ' ' ? at + 1 : at;
    const char* rest = skip(begin, end, punctuation);
    if (rest == begin) return at;
    while (rest != end && (*rest == '\r' || *rest == '\n' || (slash && *rest == '/')))
        ++rest;
    return rest;
}

/// `\s*[\r\n]+|\s+(?!\S)|\s+`; the first one is known.
const char* match_space(const char* at, const char* end) noexcept {
    const char* const begin = at;
    const char* last = at;
    const char* behind_line_end = nullptr;
    while (at != end) {
        const Character next = character_at(at, end);
        if ((next.kind & space) == 0) break;
        last = at;
        at += next.size;
        if (next.kind == line_end) behind_line_end = at;
    }
    if (behind_line_end != nullptr) return behind_line_end;
    return at == end || last == begin ? at : last;
}

} // namespace

const char* match_contraction(const char* at, const char* end) noexcept {
    const std::ptrdiff_t left = end - at;
    if (left < 2 || *at != '\'') return at;
    const auto lower_case = [at](std::ptrdiff_t i) { return static_cast<char>(at[i] | 0x20); };
    switch (lower_case(1)) {
        case 's':
        case 't':
        case 'm':
        case 'd': return at + 2;
        case 'r':
        case 'v': return left > 2 && lower_case(2) == 'e' ? at + 3 : at;
        case 'l': return left > 2 && lower_case(2) == 'l' ? at + 3 : at;
        default: return left > 2 && at[1] == '\xc5' && at[2] == '\xbf' ? at + 3 : at;
    }
}

const char* match_o200k(const char* at, const char* end) noexcept {
    const Character first = character_at(at, end);
    if (first.kind == number) return match_digits(at, end);
    if (first.kind != line_end) {
        // A mark may be prefix or letter: as the prefix of a word it ends where it would end as its first
        // letter.
        const char* const word = (first.kind & (letter | mark)) != 0 ? at : at + first.size;
        const char* const behind = match_cased_word(word, end, nullptr);
        if (behind != word) return match_contraction(behind, end);
        const char* const rest = match_punctuation(at, end, true);
        if (rest != at) return rest;
    }
    return match_space(at, end);
}

const char* finish_word_o200k(const char* at, const char* end, bool has_lower) noexcept {
    return match_contraction(has_lower ? skip(at, end, word_rest) : match_cased_word(at, end, at), end);
}

const char* finish_word_cl100k(const char* at, const char* end) noexcept {
    return skip(at, end, letter);
}

const char* match_cl100k(const char* at, const char* end) noexcept {
    const Character first = character_at(at, end);
    if (first.kind == number) return match_digits(at, end);
    if (first.kind != line_end) {
        const char* const contraction = match_contraction(at, end);
        if (contraction != at) return contraction;
        const char* const word = (first.kind & letter) != 0 ? at : at + first.size;
        const char* const behind = skip(word, end, letter);
        if (behind != word) return behind;
        const char* const rest = match_punctuation(at, end, false);
        if (rest != at) return rest;
    }
    return match_space(at, end);
}

} // namespace headroom::balance
