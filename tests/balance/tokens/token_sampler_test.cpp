// How far samples are off on natural text: Headroom's own documents and sources where they are at hand, and
// invented prose in six scripts.
#include "balance/tokens/token_sampler.hpp"

#include "tests/balance/random.hpp"
#include "tests/balance/tokens/plain_bpe.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace headroom::balance {
namespace {

constexpr std::string_view languages[][24] = {
    {"the",      "of",  "and",        "request", "to",   "in",    "is",         "backend",
     "that",     "for", "it",         "quota",   "with", "as",    "was",        "on",
     "response", "be",  "connection", "at",      "by",   "which", "deployment", "token"},
    {"der", "die",        "und",  "Anfrage", "in",  "den", "von", "zu",         "das", "Zeitüberschreitung",
     "mit", "sich",       "des",  "auf",     "für", "ist", "im",  "Verbindung", "dem", "nicht",
     "ein", "Kontingent", "eine", "als"},
    {"и",  "в",   "не",         "запрос", "на",    "что", "он", "сервер",  "с",  "как", "это",   "по",
     "но", "они", "соединение", "мы",     "квота", "из",  "у",  "который", "то", "за",  "ответ", "же"},
    {"και",   "το",          "να", "αίτημα", "του", "η",  "της", "με",  "που",     "την", "από", "για",
     "είναι", "διακομιστής", "ο",  "οι",     "στο", "θα", "τα",  "των", "σύνδεση", "σε",  "δεν", "ότι"},
    {"的",   "是", "请求", "在",   "服务器", "了", "和",   "有", "配额", "这", "个",   "我们",
     "响应", "不", "为",   "连接", "上",     "也", "后端", "就", "时间", "都", "令牌", "可以"},
    {"の",   "は",     "リクエスト", "に", "を",   "サーバー", "が",   "と",
     "です", "で",     "接続",       "も", "する", "から",     "応答", "な",
     "こと", "として", "割り当て",   "い", "や",   "れる",     "など", "トークン"},
};

/// Paragraphs of one language; common words come often, and a few that no vocabulary knows.
std::string prose(Random& random, std::size_t language, std::size_t bytes) {
    const bool blanks = language < 4;
    std::string text;
    while (text.size() < bytes) {
        const std::size_t words = blanks ? 4 + random.below(20) : 2 + random.below(8);
        for (std::size_t i = 0; i < words; ++i) {
            const std::uint64_t rank = random.below(1 + random.below(24));
            if (random.chance(4)) {
                for (std::size_t letters = 3 + random.below(8); letters != 0; --letters)
                    text += static_cast<char>('a' + random.below(26));
            } else {
                text += languages[language][rank];
            }
            if (blanks && i + 1 < words) text += random.chance(8) ? ", " : " ";
        }
        text += blanks ? (random.chance(20) ? ".\n\n" : ". ") : (random.chance(20) ? "。\n" : "，");
    }
    return text;
}

std::vector<std::string> natural_documents(Random& random) {
    std::vector<std::string> documents;
    for (std::size_t language = 0; language < std::size(languages); ++language) {
        for (int i = 0; i < 12; ++i)
            documents.push_back(prose(random, language, 2000 + random.below(30'000)));
    }
    const char* const source = std::getenv("HEADROOM_SOURCE_DIR");
    for (const char* folder : {"docs", "balance", "net", "tools/mock_azure"}) {
        std::error_code none;
        if (source == nullptr || !std::filesystem::is_directory(std::filesystem::path(source) / folder, none))
            continue;
        std::vector<std::filesystem::path> paths;
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator(std::filesystem::path(source) / folder)) {
            const std::string kind = entry.path().extension().string();
            if (kind == ".md" || kind == ".cpp" || kind == ".hpp") paths.push_back(entry.path());
        }
        std::sort(paths.begin(), paths.end());
        for (const std::filesystem::path& path : paths) {
            std::ifstream file(path, std::ios::binary);
            documents.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
        }
    }
    return documents;
}

/// Documents from one place on, or from anywhere.
std::string prompt(Random& random, const std::vector<std::string>& documents, std::size_t bytes) {
    const bool mixed = random.chance(50);
    std::string text;
    for (std::size_t at = random.below(documents.size()); text.size() < bytes;) {
        text += documents[at % documents.size()];
        at = mixed ? random.below(documents.size()) : at + 1;
    }
    return text;
}

TEST(TokenSampler, IsWithinFivePercentOfNaturalText) {
    Random random(1);
    const std::vector<std::string> documents = natural_documents(random);
    for (const Encoding encoding : both_encodings) {
        TokenCounter counter(shared_vocabulary(), encoding);
        const TokenSampler sampler(encoding);
        std::vector<double> errors;
        for (const std::uint64_t seed : seeds(60)) {
            Random choice(seed);
            const std::string text =
                prompt(choice, documents, TokenSampler::text_bytes_min + choice.below(300'000));
            WorkBudget plenty{std::uint64_t{1} << 40};
            const auto exact = static_cast<double>(counter.count(text, plenty).tokens);
            WorkBudget budget;
            const TextCount sampled = sampler.count(text, seed, counter, budget);
            EXPECT_FALSE(sampled.exact);
            errors.push_back(std::abs(static_cast<double>(sampled.tokens) / exact - 1));
            EXPECT_LT(errors.back(), 0.05) << seed_note(seed);
        }
        std::sort(errors.begin(), errors.end());
        double sum = 0;
        for (const double error : errors)
            sum += error;
        EXPECT_LT(sum / static_cast<double>(errors.size()), 0.01);
        EXPECT_LT(errors[errors.size() * 95 / 100], 0.025);
    }
}

TEST(TokenSampler, CountsShortTextsExactly) {
    TokenCounter counter(shared_vocabulary(), Encoding::o200k_base);
    const TokenSampler sampler(Encoding::o200k_base);
    Random random(1);
    const std::string text = prose(random, 0, 40'000).substr(0, TokenSampler::text_bytes_min - 1);
    WorkBudget plenty{std::uint64_t{1} << 40};
    const TextCount exact = counter.count(text, plenty);
    const TextCount sampled = sampler.count(text, 1, counter, plenty);
    EXPECT_TRUE(sampled.exact);
    EXPECT_EQ(sampled.tokens, exact.tokens);
}

TEST(TokenSampler, AnyBytesAndAnySeedWillDo) {
    TokenCounter counter(shared_vocabulary(), Encoding::o200k_base);
    const TokenSampler sampler(Encoding::o200k_base);
    for (const std::string_view unit :
         {"a", " ", "\n", "\x80", "\xe4", "\xe4\xb8", "中", "😀", "\xf0\x9f", "="}) {
        std::string text;
        while (text.size() < TokenSampler::text_bytes_min + 77)
            text += unit;
        for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
            WorkBudget budget;
            const TextCount sampled = sampler.count(text, seed, counter, budget);
            EXPECT_GT(sampled.tokens, 0U);
            EXPECT_LE(sampled.tokens, 4 * text.size());
        }
    }
}

/// Letters in no order: every window must be merged.
TEST(TokenSampler, LastsAsLongAsTheBudgetAndNoLonger) {
    TokenCounter counter(shared_vocabulary(), Encoding::o200k_base);
    const TokenSampler sampler(Encoding::o200k_base);
    Random random(3);
    std::string text;
    while (text.size() < 200'000)
        text += random.chance(12) ? ' ' : static_cast<char>('a' + random.below(26));
    WorkBudget plenty{std::uint64_t{1} << 40};
    const auto exact = static_cast<double>(counter.count(text, plenty).tokens);
    TokenCounter fresh(shared_vocabulary(), Encoding::o200k_base);
    WorkBudget small{2000};
    const auto some = static_cast<double>(sampler.count(text, 1, fresh, small).tokens);
    EXPECT_NEAR(some, exact, 0.1 * exact);
    WorkBudget none{0};
    TokenCounter another(shared_vocabulary(), Encoding::o200k_base);
    const auto regressed = static_cast<double>(sampler.count(text, 1, another, none).tokens);
    EXPECT_GT(regressed, 0.1 * exact);
    EXPECT_LT(regressed, 2 * exact);
}

} // namespace
} // namespace headroom::balance
