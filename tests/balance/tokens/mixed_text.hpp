// Random text for differential tests of pretokenizers: characters of a few pools at a time, mixed freely, so
// that every pair of classes meets.
#pragma once

#include "tests/balance/random.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace headroom::balance {

/// Pools separate their entries with U+0001.
inline constexpr std::string_view character_pools[] = {
    "a\1b\1c\1x",
    "A\1B\1C\1Z",
    "s\1t\1m\1d\1re\1ve\1ll\1S\1RE\1lL\1ſ\1K",
    "'\1'\1'\1s\1T\1'd\1'll",
    " ",
    " \1  \1\t\1   ",
    "\n\1\r\1\r\n\1\n\n",
    "\t\1\v\1\f\1 ",
    "/\1//\1\n\1!",
    "!\1?\1.\1,\1;\1(\1)\1#\1-",
    "0\1001\0012\0013\1456",
    "中\1文\1使\1用\1接\1口\1龥\1\u3400",
    "ア\1イ\1ー\1あ\1、\1。\1「",
    "é\1ñ\1ü\1ß\1ø\1à",
    "É\1Ñ\1Ü\1Ø\1\u01c5\1\u1f88",
    "\u0301\1\u0300\1\u20e3\1\ufe0f",
    "\u00a0\1\u3000\1\u2009\1\u0085\1\u2028",
    "\ufeff\1\u200d\1\u200b\1\u00ad\1\x7f",
    "а\1б\1в\1ё\1А\1Б\1Ж",
    "٣\1४\1²\1¾\1Ⅷ\1०",
    "ª\1ʰ\1ʼ\1ـ\1々",
    "가\1나\1다\1힣\1ᄀ\1ힰ",
    "हि\1न्दी\1ไ\1ทย\1ต่อ\1ম",
    "😀\1👍🏽\1❤️\1𝒜\1𝒷\1𞤀\1𞤢\1𐐀\1𠀀",
    "م\1ر\1ح\1ש\1ל\1،",
    "\x80\1\xbf\1\xc3\1\xe4\xb8\1\xf0\x9f\x98\1\xff\1\xc0\x80\1\xed\xa0\x80\1\xf4\x90\x80\x80\1\xe0\x80\x80",
};

/// Up to about `length_max` characters from one to six pools; the NUL byte now and then.
inline std::string mixed_text(Random& random, std::size_t length_max) {
    std::vector<std::vector<std::string_view>> chosen(1 + random.below(6));
    for (std::vector<std::string_view>& entries : chosen) {
        std::string_view pool = random.pick(character_pools);
        while (true) {
            const std::size_t end = pool.find('\1');
            entries.push_back(pool.substr(0, end));
            if (end == pool.npos) break;
            pool.remove_prefix(end + 1);
        }
    }
    std::string text;
    const std::size_t length = random.below(length_max + 1);
    for (std::size_t i = 0; i < length; ++i) {
        const std::vector<std::string_view>& entries = chosen[random.below(chosen.size())];
        const std::string_view entry = entries[random.below(entries.size())];
        // Runs of one character reach over the windows' edges.
        const std::size_t times = random.chance(2) ? random.below(90) : 1;
        for (std::size_t j = 0; j < times; ++j)
            text += entry;
        if (random.below(200) == 0) text += '\0';
    }
    return text;
}

} // namespace headroom::balance
