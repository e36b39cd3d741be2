// Random texts of every kind that a tokenizer treats in its own way.
#pragma once

#include "tests/balance/random.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace headroom::balance {

inline void append_utf8(std::string& text, std::uint32_t point) {
    if (point < 0x80) {
        text += static_cast<char>(point);
    } else if (point < 0x800) {
        text += static_cast<char>(0xc0 | point >> 6);
        text += static_cast<char>(0x80 | (point & 63));
    } else if (point < 0x10000) {
        text += static_cast<char>(0xe0 | point >> 12);
        text += static_cast<char>(0x80 | (point >> 6 & 63));
        text += static_cast<char>(0x80 | (point & 63));
    } else {
        text += static_cast<char>(0xf0 | point >> 18);
        text += static_cast<char>(0x80 | (point >> 12 & 63));
        text += static_cast<char>(0x80 | (point >> 6 & 63));
        text += static_cast<char>(0x80 | (point & 63));
    }
}

/// One random character or snippet of pool `pool` % text_pools.
inline constexpr unsigned text_pools = 20;
inline void append_from_pool(std::string& text, unsigned pool, Random& random) {
    static constexpr std::string_view words[] = {"the",    "of",    "and",   "Token", "HTTP",
                                                 "return", "don't", "we'll", "Über",  "naïve",
                                                 "count",  "value", "std::", "I'd"};
    static constexpr std::string_view code[] = {"();\n", "{\n    ", "}\n\n", "->",     "::",  "// ", "/*",
                                                "==",    "\t\t",    "0x1f",  "\", \"", "\":", "[]",  "#!"};
    static constexpr std::string_view odd[] = {"\u00a0", "\u0085", "\ufeff", "\u3000", "\u2028", "'\u017f",
                                               "'S",     "'Ll",    "\u0301", "\u200d", "\r\n",   "\r"};
    static constexpr std::string_view han[] = {"我们", "使用", "接口", "的",   "是",   "系统", "性能",
                                               "中文", "測試", "日本", "です", "カタ", "한국", "어를"};
    const auto letter = [&](std::uint32_t first, std::uint32_t count) {
        append_utf8(text, first + static_cast<std::uint32_t>(random.below(count)));
    };
    switch (pool % text_pools) {
        case 0: text += random.pick(words); break;
        case 1:
            text += ' ';
            text += random.pick(words);
            break;
        case 2: text += random.pick(code); break;
        case 3: text += random.pick(odd); break;
        case 4: text += random.pick(han); break;
        case 5: letter('a', 26); break;
        case 6: letter('A', 26); break;
        case 7: letter('0', 10); break;
        case 8: text += ' '; break;
        case 9: text += '\n'; break;
        case 10: letter('!', 15); break;
        case 11: letter(0x4e00, 0x5200); break;
        case 12: letter(0x3041, 0xb6); break;
        case 13: letter(0xac00, 11172); break;
        case 14: letter(0x410, 64); break;
        case 15: letter(0x5d0, 0x120); break;
        case 16: letter(0x1f300, 0x350); break;
        case 17: letter(0xc0, 0x180); break;
        case 18: letter(0x300, 0x70); break;
        default: letter(1, 0xd7ff); break;
    }
}

/// Up to `length` pieces from a few pools, some of them as runs.
inline std::string random_text(Random& random, std::size_t length) {
    const unsigned pools[] = {static_cast<unsigned>(random.below(text_pools)),
                              static_cast<unsigned>(random.below(text_pools)),
                              static_cast<unsigned>(random.below(text_pools))};
    std::string text;
    for (std::size_t i = 0; i < length; ++i) {
        const unsigned pool = random.pick(pools);
        const std::size_t before = text.size();
        append_from_pool(text, pool, random);
        if (random.chance(3)) {
            const std::string again = text.substr(before);
            for (std::uint64_t times = random.below(40); times > 0; --times)
                text += again;
        }
    }
    return text;
}

/// Any bytes at all.
inline std::string random_bytes(Random& random, std::size_t length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i)
        text += static_cast<char>(random.below(256));
    return text;
}

} // namespace headroom::balance
