// The table of classes: built by the compiler from ranges, one block of 64 code points for each that has more
// than one class and one for each class.
#include "balance/tokens/character_class.hpp"

#include "balance/tokens/character_ranges.hpp"

#include <span>

namespace headroom::balance {
namespace {

constexpr std::uint32_t table_end = 0x33480; // Above it there are only the marks below, and tags.
constexpr std::uint32_t selectors_first = 0xe0100 / 64;
constexpr std::uint32_t selectors_last = 0xe01ef / 64;
constexpr unsigned block_count = table_end / 64;
constexpr unsigned blocks_max = 400;

/// \s without CR and LF: White_Space of Unicode, which will not change.
constexpr CharacterRange blank_ranges[] = {
    {0x09, 0x09},     {0x0b, 0x0c},     {0x20, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},    {0x1680, 0x1680},
    {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};
constexpr CharacterRange line_end_ranges[] = {{0x0a, 0x0a}, {0x0d, 0x0d}};

struct Table {
    std::uint16_t index[block_count] = {};
    CharacterBlock blocks[blocks_max] = {};
    unsigned used = 0;

    constexpr Table() {
        for (unsigned bit = 0; bit < 8; ++bit)
            fill(blocks[bit], static_cast<std::uint8_t>(1U << bit));
        used = 8;
        for (std::uint16_t& entry : index)
            entry = 7;
        add(upper_ranges, character::upper);
        add(lower_ranges, character::lower);
        add(caseless_ranges, character::caseless);
        add(mark_ranges, character::mark);
        add(number_ranges, character::number);
        add(blank_ranges, character::blank);
        add(line_end_ranges, character::line_end);
        for (const CharacterRange& range : alternating_ranges) {
            for (std::uint32_t point = range.first; point <= range.last; ++point)
                set(point, ((point - range.first) & 1) == 0 ? character::upper : character::lower);
        }
    }

    static constexpr void fill(CharacterBlock& block, std::uint8_t kind) {
        for (std::uint8_t& entry : block.classes)
            entry = kind;
    }

    constexpr void set(std::uint32_t point, std::uint8_t kind) {
        std::uint16_t& entry = index[point / 64];
        if (entry < 8) {
            fill(blocks[used], static_cast<std::uint8_t>(1U << entry));
            entry = static_cast<std::uint16_t>(used++);
        }
        blocks[entry].classes[point % 64] = kind;
    }

    constexpr void add(std::span<const CharacterRange> ranges, std::uint8_t kind) {
        std::uint16_t whole = 0;
        while (1U << whole != kind)
            ++whole;
        for (const CharacterRange& range : ranges) {
            if (range.first >= table_end) continue;
            for (std::uint32_t point = range.first; point <= range.last;) {
                if (point % 64 == 0 && range.last - point >= 63) {
                    index[point / 64] = whole;
                    point += 64;
                } else {
                    set(point++, kind);
                }
            }
        }
    }
};

constexpr Table table;

constexpr bool nothing_is_left_out() {
    for (const CharacterRange& range : mark_ranges) {
        if (range.last >= table_end && (range.first != 0xe0100 || range.last != 0xe01ef)) return false;
    }
    const auto below = [](const auto& ranges) {
        for (const CharacterRange& range : ranges) {
            if (range.last >= table_end) return false;
        }
        return true;
    };
    return below(upper_ranges) && below(lower_ranges) && below(caseless_ranges) && below(number_ranges) &&
           below(alternating_ranges);
}
static_assert(nothing_is_left_out());
static_assert([] {
    for (unsigned c = 0; c < 128; ++c) {
        if (table.blocks[table.index[c / 64]].classes[c % 64] != ascii_classes[c]) return false;
    }
    return true;
}());

/// U+E0100 to U+E01EF begin with a whole block and end inside one.
constexpr CharacterBlock last_selectors = [] {
    CharacterBlock block{};
    for (unsigned i = 0; i < 64; ++i)
        block.classes[i] = i < 48 ? character::mark : character::other;
    return block;
}();

constexpr bool is_continuation(unsigned char byte) noexcept {
    return (byte & 0xc0) == 0x80;
}

} // namespace

const CharacterBlock& character_block(std::uint32_t number) noexcept {
    if (number < block_count) return table.blocks[table.index[number]];
    if (number < selectors_first || number > selectors_last) return table.blocks[7];
    return number == selectors_last ? last_selectors : table.blocks[3];
}

Character character_beyond_ascii(const char* at, const char* end) noexcept {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(at);
    const std::ptrdiff_t left = end - at;
    const unsigned lead = bytes[0];
    constexpr Character invalid{character::other, 1};
    if (lead < 0xc2 || left < 2 || !is_continuation(bytes[1])) return invalid;
    if (lead < 0xe0) return {character_block(lead & 0x1f).classes[bytes[1] & 0x3f], 2};
    if (left < 3 || !is_continuation(bytes[2])) return invalid;
    if (lead < 0xf0) {
        const bool overlong = lead == 0xe0 && bytes[1] < 0xa0;
        const bool surrogate = lead == 0xed && bytes[1] >= 0xa0;
        if (overlong || surrogate) return invalid;
        return {character_block((lead & 0x0f) << 6 | (bytes[1] & 0x3fU)).classes[bytes[2] & 0x3f], 3};
    }
    if (lead > 0xf4 || left < 4 || !is_continuation(bytes[3])) return invalid;
    const std::uint32_t number = (lead & 7) << 12 | (bytes[1] & 0x3fU) << 6 | (bytes[2] & 0x3fU);
    if (number < 0x10000 / 64 || number > 0x10ffff / 64) return invalid;
    return {character_block(number).classes[bytes[3] & 0x3f], 4};
}

} // namespace headroom::balance
