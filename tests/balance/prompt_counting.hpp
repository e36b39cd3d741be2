// Counters for tests of what surrounds counting: one token per word, and a list of what was counted.
#pragma once

#include "balance/prompt/model_rules.hpp"
#include "balance/prompt/prompt_reader.hpp"
#include "balance/prompt/text_counting.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace headroom::balance {

/// A token is a run of bytes without blanks.
class WordCounter final : public TextCounting {
  public:
    CountedText count(std::string_view text) noexcept override {
        texts.emplace_back(text);
        return {words_of(text), exact};
    }

    static std::uint64_t words_of(std::string_view text) noexcept {
        std::uint64_t words = 0;
        bool inside = false;
        for (const char c : text) {
            const bool blank = c == ' ' || c == '\n' || c == '\t';
            words += !blank && !inside ? 1 : 0;
            inside = !blank;
        }
        return words;
    }

    std::vector<std::string> texts;
    bool exact = true;
};

/// Reads `body` in one piece.
inline PromptParts parts_of(PromptReader& reader, std::string_view body, Operation operation,
                            TextCounting& counting, std::string_view model = "gpt-4o") {
    const ModelRules rules = rules_of_model(model);
    const std::string_view pieces[] = {body};
    return reader.read({pieces, 0}, operation, model, rules, counting);
}

/// The same with a reader of its own.
inline PromptParts parts_of(std::string_view body, Operation operation, TextCounting& counting,
                            std::string_view model = "gpt-4o") {
    PromptReader reader(1 << 20, {});
    return parts_of(reader, body, operation, counting, model);
}

} // namespace headroom::balance
