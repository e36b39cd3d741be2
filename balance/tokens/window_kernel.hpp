// The walk over a text in windows of 64 bytes, written once for every instruction set that can classify them.
// A file that includes this defines HEADROOM_WINDOW_TARGET first: the instructions that its `Simd` needs.
// `Simd` has the types Bytes (64 of them) and Kinds (a class for each), and functions on them whose masks
// have a bit per byte.
#pragma once

#include "balance/tokens/character_class.hpp"
#include "balance/tokens/piece.hpp"
#include "balance/tokens/piece_matcher.hpp"
#include "balance/tokens/window_masks.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#ifndef HEADROOM_WINDOW_TARGET
#define HEADROOM_WINDOW_TARGET "sse2"
#endif
#define HEADROOM_WINDOW_CODE __attribute__((target(HEADROOM_WINDOW_TARGET), always_inline)) inline
#define HEADROOM_WINDOW_LAMBDA __attribute__((target(HEADROOM_WINDOW_TARGET), always_inline))

namespace headroom::balance {

/// A window's bytes as characters.
struct WindowLayout {
    std::uint64_t first; ///< First bytes of characters.
    std::uint64_t last;  ///< Last bytes of characters.
    unsigned bytes;      ///< Whole, valid characters take so many bytes.
};

/// Finds the characters in `size` bytes, of which `non_ascii` are not ASCII, `three` are at least 0xe0 and
/// `four` at least 0xf0, `continuation` 0x80 to 0xbf. Ends before the first one that is cut off or misformed;
/// whether the bytes of a well-formed one are valid is not looked at.
[[gnu::always_inline]] inline WindowLayout window_layout(std::uint64_t non_ascii, std::uint64_t continuation,
                                                         std::uint64_t three, std::uint64_t four,
                                                         unsigned size) noexcept {
    const std::uint64_t leads = non_ascii & ~continuation;
    const std::uint64_t expected = leads << 1 | three << 2 | four << 3;
    unsigned bytes = size;
    const std::uint64_t misplaced = (expected ^ continuation) & bits_below(size);
    // Of the last character's bytes, those that would lie behind the window.
    const std::uint64_t cut =
        leads >> (size - 1) | (size > 1 ? three >> (size - 2) : 0) | (size > 2 ? four >> (size - 3) : 0);
    if (misplaced != 0 || cut != 0) {
        if (misplaced != 0) bytes = static_cast<unsigned>(std::countr_zero(misplaced));
        // The last lead before it may miss its continuation there.
        const std::uint64_t before = leads & bits_below(bytes);
        const auto lead = static_cast<unsigned>(63 - std::countl_zero(before | 1));
        if (before != 0) {
            const unsigned length = 2 + (three >> lead & 1) + (four >> lead & 1);
            if (lead + length > bytes) bytes = lead;
        }
    }
    const std::uint64_t whole = bits_below(bytes);
    return {~continuation & whole, ~(continuation >> 1 & (whole >> 1)) & whole, bytes};
}

[[gnu::always_inline]] inline std::uint8_t byte_of(char c) noexcept {
    return static_cast<std::uint8_t>(c);
}

/// The block of the character whose last byte is `last`, how many bytes it has, or 0 when it is not valid.
struct WindowBlock {
    const CharacterBlock* block;
    unsigned size;
};

[[gnu::always_inline]] inline WindowBlock block_before(const char* last) noexcept {
    const std::uint32_t one = byte_of(last[-1]);
    if (one >= 0xc0) return {&character_block(one & 0x1f), one >= 0xc2 ? 2U : 0U};
    const std::uint32_t two = byte_of(last[-2]);
    if (two >= 0xc0) {
        const bool valid = !(two == 0xe0 && one < 0xa0) && !(two == 0xed && one >= 0xa0);
        return {&character_block((two & 0x0f) << 6 | (one & 0x3f)), valid ? 3U : 0U};
    }
    const std::uint32_t three = byte_of(last[-3]);
    const std::uint32_t number = (three & 7) << 12 | (two & 0x3f) << 6 | (one & 0x3f);
    const bool valid = three <= 0xf4 && number >= 0x10000 / 64 && number <= 0x10ffff / 64;
    return {&character_block(number), valid ? 4U : 0U};
}

/// Last bytes of Han and Hangul characters, by their ranges: E4 80 80 to E9 BF BF but the hexagrams (E4 B7),
/// EA B0 80 to ED 9D BF. All are letters without case.
template <class Simd>
HEADROOM_WINDOW_CODE std::uint64_t ideographs(typename Simd::Bytes bytes) noexcept {
    const std::uint64_t leads = Simd::at_least(bytes, 0xe4) & ~Simd::at_least(bytes, 0xee);
    if (leads == 0) return 0;
    const std::uint64_t others = (Simd::equal(bytes, 0xe4) << 1 & Simd::equal(bytes, 0xb7)) |
                                 (Simd::equal(bytes, 0xea) << 1 & ~Simd::at_least(bytes, 0xb0)) |
                                 (Simd::equal(bytes, 0xed) << 1 & Simd::at_least(bytes, 0x9e));
    return (leads << 1 & ~others) << 1;
}

/// Last bytes of kana, most of them: E3 81 81 to E3 81 BF, E3 82 80 to 96, E3 82 A1 to E3 83 BA, E3 83 BC to
/// BF. All are letters without case.
template <class Simd>
HEADROOM_WINDOW_CODE std::uint64_t kana(typename Simd::Bytes bytes) noexcept {
    const std::uint64_t leads = Simd::equal(bytes, 0xe3) << 1;
    if (leads == 0) return 0;
    const std::uint64_t first = (leads & Simd::equal(bytes, 0x81)) << 1;
    const std::uint64_t second = (leads & Simd::equal(bytes, 0x82)) << 1;
    const std::uint64_t third = (leads & Simd::equal(bytes, 0x83)) << 1;
    return (first & ~Simd::equal(bytes, 0x80)) |
           (second & (Simd::at_least(bytes, 0xa1) | ~Simd::at_least(bytes, 0x97))) |
           (third & ~Simd::equal(bytes, 0xbb));
}

/// Classifies the characters that are not ASCII, all of one block at once; shortens the layout before an
/// invalid one.
template <class Simd>
HEADROOM_WINDOW_CODE typename Simd::Kinds kinds_beyond_ascii(const char* text, typename Simd::Bytes bytes,
                                                             std::uint64_t three, std::uint64_t rest,
                                                             WindowLayout& layout) noexcept {
    const std::uint64_t asian = three == 0 ? 0 : (ideographs<Simd>(bytes) | kana<Simd>(bytes)) & rest;
    typename Simd::Kinds kinds = Simd::caseless(asian);
    rest &= ~asian;
    while (rest != 0) {
        const auto at = static_cast<unsigned>(std::countr_zero(rest));
        const char* const last = text + at;
        const WindowBlock found = block_before(last);
        if (found.size == 0) {
            layout.bytes = static_cast<unsigned>(63 - std::countl_zero(layout.first & bits_below(at)));
            const std::uint64_t whole = bits_below(layout.bytes);
            layout.first &= whole;
            layout.last &= whole;
            rest &= whole;
            continue;
        }
        std::uint64_t same = Simd::equal(bytes, byte_of(last[1 - static_cast<int>(found.size)])) << 1;
        for (int back = static_cast<int>(found.size) - 2; back > 0; --back)
            same = (same & Simd::equal(bytes, byte_of(last[-back]))) << 1;
        same &= rest;
        kinds = Simd::look_up(kinds, bytes, *found.block, same);
        rest &= ~same;
    }
    return kinds;
}

/// Lets contractions end their pieces; `apostrophes` are where they may begin.
template <Encoding encoding>
[[gnu::always_inline]] inline void cut_contractions(const char* text, const char* end,
                                                    std::uint64_t apostrophes, WindowCut& cut) noexcept {
    std::uint64_t behind_last = 0;
    for (; apostrophes != 0; apostrophes &= apostrophes - 1) {
        const auto at = static_cast<unsigned>(std::countr_zero(apostrophes));
        // Behind a contraction begins a piece, which a contraction cannot end at once.
        if (encoding != Encoding::cl100k_base && (behind_last >> at & 1) != 0) continue;
        const auto behind = static_cast<unsigned>(match_contraction(text + at, end) - text);
        if (behind == at) continue;
        if (encoding != Encoding::cl100k_base) cut.starts &= ~(bits_below(behind) ^ bits_below(at));
        behind_last = behind < cut.bytes ? std::uint64_t{1} << behind : 0;
        cut.starts |= behind_last;
    }
}

template <class Simd, Encoding encoding>
HEADROOM_WINDOW_CODE WindowCut cut_ascii(const char* text, const char* end, const WindowMasks& masks,
                                         unsigned size) noexcept {
    const bool closed = end - text == size;
    const WindowStarts found = window_starts<encoding>(masks, size, closed);
    WindowCut cut{.starts = found.starts, .bytes = size, .final = closed};
    cut_contractions<encoding>(text, end, found.apostrophes, cut);
    return cut;
}

/// A window that is not all ASCII: its masks are packed to one bit per character, and what comes out is
/// spread again.
template <class Simd, Encoding encoding>
HEADROOM_WINDOW_CODE WindowCut cut_mixed(const char* text, const char* end, typename Simd::Bytes bytes,
                                         std::uint64_t non_ascii, const WindowMasks& masks,
                                         unsigned size) noexcept {
    const std::uint64_t continuation = non_ascii & ~Simd::at_least(bytes, 0xc0);
    const std::uint64_t three = Simd::at_least(bytes, 0xe0);
    WindowLayout layout = window_layout(non_ascii, continuation, three, Simd::at_least(bytes, 0xf0), size);
    const typename Simd::Kinds kinds =
        kinds_beyond_ascii<Simd>(text, bytes, three, continuation & layout.last, layout);
    if (layout.bytes == 0) return {.starts = 1, .bytes = size, .undecided = true, .invalid = true};
    const auto pack = [&layout](std::uint64_t mask)
                          HEADROOM_WINDOW_LAMBDA { return Simd::extract(mask, layout.last); };
    WindowMasks packed;
    packed.upper = pack(masks.upper | Simd::of_kind(kinds, character::upper));
    packed.lower = pack(masks.lower | Simd::of_kind(kinds, character::lower));
    packed.caseless = pack(Simd::of_kind(kinds, character::caseless));
    packed.mark = pack(Simd::of_kind(kinds, character::mark));
    packed.number = pack(masks.number | Simd::of_kind(kinds, character::number));
    packed.blank = pack(masks.blank | Simd::of_kind(kinds, character::blank));
    packed.line_end = pack(masks.line_end);
    packed.other = pack(masks.other | Simd::of_kind(kinds, character::other));
    packed.space = pack(masks.space);
    packed.slash = pack(masks.slash);
    packed.apostrophe = pack(masks.apostrophe);
    const auto count = static_cast<unsigned>(std::popcount(layout.last));
    const bool closed = end - text == layout.bytes;
    const WindowStarts found = window_starts<encoding>(packed, count, closed);
    const std::uint64_t starts = found.starts & bits_below(found.decided);
    // A character that the window only cuts off misses three bytes at most.
    const bool invalid = layout.bytes + 4 <= size;
    const bool undecided = found.decided < count || invalid;
    const std::uint64_t ends_word = packed.caseless | (encoding == Encoding::cl100k_base ? 0 : packed.mark);
    WindowCut cut{.starts = Simd::deposit(starts, layout.first),
                  .bytes = layout.bytes,
                  .final = closed && !undecided,
                  .undecided = undecided,
                  .invalid = invalid,
                  .word = !closed && !undecided && (ends_word >> (count - 1) & 1) != 0};
    cut_contractions<encoding>(
        text, end, Simd::deposit(found.apostrophes & bits_below(found.decided), layout.first), cut);
    const std::uint64_t lower = (masks.lower | Simd::of_kind(kinds, character::lower)) & layout.last;
    cut.has_lower = lower >= std::bit_floor(cut.starts);
    return cut;
}

/// Behind the letters without case (of o200k, and marks) that begin at `at`.
template <class Simd, Encoding encoding>
HEADROOM_WINDOW_CODE const char* skip_caseless(const char* at, const char* end) noexcept {
    while (at != end) {
        const auto size = static_cast<unsigned>(std::min<std::ptrdiff_t>(end - at, 64));
        const typename Simd::Bytes bytes = size == 64 ? Simd::load(at) : Simd::load_tail(at, size);
        const std::uint64_t non_ascii = Simd::non_ascii(bytes);
        if ((non_ascii & 1) == 0) break;
        const std::uint64_t continuation = non_ascii & ~Simd::at_least(bytes, 0xc0);
        const std::uint64_t three = Simd::at_least(bytes, 0xe0);
        WindowLayout layout =
            window_layout(non_ascii, continuation, three, Simd::at_least(bytes, 0xf0), size);
        const typename Simd::Kinds kinds =
            kinds_beyond_ascii<Simd>(at, bytes, three, continuation & layout.last, layout);
        std::uint64_t others = layout.last & ~Simd::of_kind(kinds, character::caseless);
        if (encoding != Encoding::cl100k_base) others &= ~Simd::of_kind(kinds, character::mark);
        if (others == 0 && layout.bytes != 0) {
            at += layout.bytes;
            continue;
        }
        if (layout.bytes != 0) {
            const auto last = static_cast<unsigned>(std::countr_zero(others));
            at += 63 - std::countl_zero(layout.first & bits_below(last + 1));
        }
        break;
    }
    return at;
}

/// The end of a word whose last character before `at` is a letter without case (of o200k, or a mark).
template <class Simd, Encoding encoding>
HEADROOM_WINDOW_CODE const char* finish_word(const char* at, const char* end, bool has_lower) noexcept {
    at = skip_caseless<Simd, encoding>(at, end);
    return encoding == Encoding::cl100k_base ? finish_word_cl100k(at, end)
                                             : finish_word_o200k(at, end, has_lower);
}

template <Encoding encoding>
[[gnu::always_inline]] inline const char* match_piece(const char* at, const char* end) noexcept {
    return encoding == Encoding::cl100k_base ? match_cl100k(at, end) : match_o200k(at, end);
}

/// Writes the first `room` pieces of a cut at most; returns how many.
[[gnu::always_inline]] inline std::size_t emit_some(Piece* out, std::size_t room, std::uint32_t base,
                                                    const WindowCut& cut) noexcept {
    std::size_t count = 0;
    unsigned from = 0;
    for (std::uint64_t rest = cut.starts & (cut.starts - 1); count < room; rest &= rest - 1) {
        if (rest == 0 && !cut.final) break;
        const unsigned to = rest == 0 ? cut.bytes : static_cast<unsigned>(std::countr_zero(rest));
        out[count++] = {base + from, to - from};
        from = to;
        if (rest == 0) break;
    }
    return count;
}

/// A word that begins before this byte of a window and fills it is followed to its end rather than read
/// again.
inline constexpr unsigned filled_from = 32;

/// PieceSplitter::split() for one encoding and one instruction set.
template <class Simd, Encoding encoding>
HEADROOM_WINDOW_CODE std::size_t split_windows(std::string_view text, std::size_t& at,
                                               std::span<Piece> out) noexcept {
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* next = begin + at;
    std::size_t count = 0;
    // A window that does not fit is left to the next call, so that it is not read twice.
    while (next != end && (count == 0 || out.size() - count >= 64) && !out.empty()) {
        const auto size = static_cast<unsigned>(std::min<std::ptrdiff_t>(end - next, 64));
        const typename Simd::Bytes bytes = size == 64 ? Simd::load(next) : Simd::load_tail(next, size);
        const std::uint64_t non_ascii = Simd::non_ascii(bytes);
        const WindowMasks masks = Simd::ascii(bytes, non_ascii, bits_below(size));
        const WindowCut cut = non_ascii == 0
                                  ? cut_ascii<Simd, encoding>(next, end, masks, size)
                                  : cut_mixed<Simd, encoding>(next, end, bytes, non_ascii, masks, size);
        const auto base = static_cast<std::uint32_t>(next - begin);
        const std::size_t room = out.size() - count;
        const char* const window = next;
        if (room >= 64) {
            // The next window must not wait for what is being written.
            count += Simd::emit(&out[count], base, cut);
            const auto last = static_cast<unsigned>(63 - std::countl_zero(cut.starts));
            next += cut.final ? cut.bytes : last;
            const bool filling = cut.word && last < filled_from;
            if (cut.final || (last != 0 && !cut.undecided && !filling)) continue;
        } else {
            const std::size_t added = emit_some(&out[count], room, base, cut);
            count += added;
            if (added != 0) next = begin + out[count - 1].begin + out[count - 1].size;
            if (count == out.size() || cut.final || (added != 0 && !cut.undecided)) continue;
        }
        // A piece that is longer than the window, or that the algebra does not decide.
        const char* behind = cut.word ? finish_word<Simd, encoding>(window + cut.bytes, end, cut.has_lower)
                                      : match_piece<encoding>(next, end);
        while (true) {
            out[count++] = {static_cast<std::uint32_t>(next - begin),
                            static_cast<std::uint32_t>(behind - next)};
            next = behind;
            // Where not even the characters are clear, reading a window for every piece would be slow.
            if (!cut.invalid || next >= window + size || count == out.size()) break;
            behind = match_piece<encoding>(next, end);
        }
    }
    at = static_cast<std::size_t>(next - begin);
    return count;
}

} // namespace headroom::balance
