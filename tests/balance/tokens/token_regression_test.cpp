// Estimates from features alone, and what is learned of their error.
#include "balance/tokens/token_regression.hpp"

#include "balance/tokens/estimate_correction.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace headroom::balance {
namespace {

double regressed(std::string_view text, Encoding encoding) {
    return regressed_tokens(TextFeatures::of(text), encoding);
}

struct Known {
    std::string_view text;
    double o200k;
    double cl100k;
};

/// Counts of tiktoken 1.0.22 (npm), encode_ordinary().
constexpr Known known[] = {
    {"The proxy stands in front of several backends, each with its own quota, and sends every request to the "
     "one that has room for it. When none has, the client is told when to come back, and nothing is lost on "
     "the way.",
     50, 50},
    {"El proxy se encuentra delante de varios servidores, cada uno con su propia cuota, y envía cada "
     "petición al que tiene sitio para ella. Cuando ninguno lo tiene, se le dice al cliente cuándo debe "
     "volver.",
     42, 49},
    {"for (const Backend& backend : backends) {\n    if (backend.quota > cost) return "
     "backend.send(request);\n}\nreturn Refusal{429, soonest(backends)};\n",
     37, 37},
    {"{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"What is the weather in Lisbon "
     "today?\"}],\"temperature\":0.7,\"max_tokens\":256,\"stream\":true}",
     43, 42},
    {"Прокси стоит перед несколькими серверами, у каждого из которых своя квота, и отправляет каждый запрос "
     "туда, где для него есть место.",
     32, 51},
    {"代理服务器位于多个后端之前，每个后端都有自己的配额，它把每个请求发送到有余量的后端。如果都没有余量，客"
     "户端会被告知何时再来。",
     45, 60},
};

TEST(TokenRegression, IsNearTheCountOfOrdinaryText) {
    for (const Known& one : known) {
        EXPECT_NEAR(regressed(one.text, Encoding::o200k_base), one.o200k, 0.3 * one.o200k) << one.text;
        EXPECT_NEAR(regressed(one.text, Encoding::cl100k_base), one.cl100k, 0.3 * one.cl100k) << one.text;
        EXPECT_EQ(regressed(one.text, Encoding::unknown), regressed(one.text, Encoding::o200k_base));
    }
}

TEST(TokenRegression, IsNeverNegativeAndGrowsWithTheText) {
    EXPECT_EQ(regressed("", Encoding::o200k_base), 0);
    for (int byte = 0; byte < 256; ++byte) {
        const std::string one(1, static_cast<char>(byte));
        const std::string many(1000, static_cast<char>(byte));
        EXPECT_GE(regressed(one, Encoding::o200k_base), 0) << byte;
        EXPECT_GE(regressed(many, Encoding::o200k_base), regressed(one, Encoding::o200k_base)) << byte;
        EXPECT_LE(regressed(many, Encoding::cl100k_base), 4000) << byte;
    }
}

TEST(EstimateCorrection, StartsAtOneAndFollowsTheRatio) {
    EstimateCorrection correction;
    EXPECT_EQ(correction.factor(), 1);
    for (int i = 0; i < 100; ++i)
        correction.observe(1000, 1300);
    EXPECT_NEAR(correction.factor(), 1.3, 0.001);
    correction.observe(1000, 650);
    EXPECT_NEAR(correction.factor(), 1.3 * std::pow(0.5, 0.1), 0.001);
}

TEST(EstimateCorrection, HalfAndDoubleCancel) {
    EstimateCorrection correction;
    for (int i = 0; i < 200; ++i)
        correction.observe(100, i % 2 == 0 ? 200 : 50);
    EXPECT_NEAR(correction.factor(), 1, 0.05);
}

TEST(EstimateCorrection, NonsenseIsIgnoredOrBounded) {
    EstimateCorrection correction;
    correction.observe(0, 10);
    correction.observe(10, 0);
    correction.observe(-1, 10);
    correction.observe(std::numeric_limits<double>::quiet_NaN(), 10);
    EXPECT_EQ(correction.factor(), 1);
    correction.observe(1, 1e18);
    EXPECT_NEAR(correction.factor(), std::pow(EstimateCorrection::ratio_max, 0.1), 0.001);
    for (int i = 0; i < 1000; ++i)
        correction.observe(1e18, 1);
    EXPECT_NEAR(correction.factor(), 1 / EstimateCorrection::ratio_max, 0.001);
}

} // namespace
} // namespace headroom::balance
