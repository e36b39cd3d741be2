// Draws answer lengths and words.
#include "tools/mock_azure/text_plan.hpp"

#include "tools/mock_azure/random.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace headroom::mock {

namespace {

// Escapes and multi-byte characters are in here on purpose: relays that cut or re-encode show it.
constexpr std::array<std::string_view, 64> words = {
    " the",     " a",          " of",          " and",   " to",    " in",   " quota", " is",
    " request", " that",       " for",         " it",    " as",    " was",  " with",  " be",
    " by",      " on",         " not",         " he",    " model", " this", " are",   " or",
    " his",     " from",       " at",          " which", " but",   " have", " an",    " had",
    " they",    " you",        " were",        " their", " one",   " all",  " we",    " can",
    " her",     " has",        " there",       " been",  " if",    " more", " when",  " will",
    " would",   " who",        " so",          " no",    ".",      ",",     ":",      "\n",
    " naïve",   " \"quoted\"", " back\\slash", " 東京",  " 🙂",    " café", "\t",     " </tag>"};

std::int64_t draw_length(Random* random, std::int64_t mean) {
    // Two octaves either way, denser in the middle: the sum of two uniforms as an exponent of two.
    const double octaves = (random->unit() + random->unit() - 1.0) * 2.0;
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(mean) * std::exp2(octaves)));
}

std::string without_marks(std::string_view text) {
    std::string plain;
    while (!text.empty()) {
        const std::size_t open = text.find("[[");
        const std::size_t close = open == std::string_view::npos ? open : text.find("]]", open);
        if (close == std::string_view::npos) {
            plain += text;
            break;
        }
        plain += text.substr(0, open);
        text.remove_prefix(close + 2);
    }
    return plain;
}

bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

std::vector<std::string> cut_in_tokens(std::string_view text) {
    std::vector<std::string> tokens;
    while (!text.empty()) {
        std::size_t length = std::min<std::size_t>(4, text.size());
        while (length < text.size() && continues_character(text[length]))
            ++length;
        tokens.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return tokens;
}

std::vector<std::string> json_tokens(Random* random, std::int64_t count) {
    std::vector<std::string> tokens{"{\"", "answer", "\":\""};
    for (std::int64_t i = 4; i < count; ++i)
        tokens.emplace_back(words[random->below(48)]);
    tokens.emplace_back("\"}");
    return tokens;
}

} // namespace

std::string TextPlan::text() const {
    std::string all;
    for (const std::string& token : tokens)
        all += token;
    return all;
}

TextPlan plan_text(const TextWish& wish) {
    Random random(wish.seed);
    TextPlan plan;
    const std::int64_t drawn = draw_length(&random, wish.mean_tokens);
    const std::int64_t length = wish.marks.output_tokens.value_or(drawn);
    if (wish.marks.echo) {
        plan.tokens = cut_in_tokens(without_marks(wish.last_user_text));
    } else if (wish.json) {
        plan.tokens = json_tokens(&random, length);
    } else {
        // A cap far below the drawn length must not cost the memory of the whole answer.
        const std::int64_t made = wish.max_tokens ? std::min(length, *wish.max_tokens + 1) : length;
        plan.tokens.reserve(static_cast<std::size_t>(made));
        for (std::int64_t i = 0; i < made; ++i)
            plan.tokens.emplace_back(words[random.below(words.size())]);
    }
    if (wish.max_tokens && static_cast<std::int64_t>(plan.tokens.size()) > *wish.max_tokens) {
        plan.tokens.resize(static_cast<std::size_t>(std::max<std::int64_t>(0, *wish.max_tokens)));
        plan.finish_reason = "length";
    }
    if (wish.marks.filter_output) {
        plan.tokens.resize((plan.tokens.size() + 1) / 2);
        plan.finish_reason = "content_filter";
    }
    return plan;
}

std::int64_t count_characters(std::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); });
}

} // namespace headroom::mock
