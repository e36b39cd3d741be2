// Published prices of images and the constants of every family.
#include "balance/prompt/model_rules.hpp"

#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>

namespace headroom::balance {
namespace {

std::uint64_t tokens(std::string_view model, std::uint32_t width, std::uint32_t height,
                     ImageDetail detail = ImageDetail::high) {
    return image_tokens(rules_of_model(model).image, {width, height}, detail);
}

TEST(ModelRules, TilesCostWhatTheGuideSays) {
    EXPECT_EQ(tokens("gpt-4o", 1024, 1024), 765U);
    EXPECT_EQ(tokens("gpt-4o", 2048, 4096), 1105U);
    EXPECT_EQ(tokens("gpt-4o", 4096, 8192, ImageDetail::low), 85U);
    EXPECT_EQ(tokens("gpt-4o", 1024, 1024, ImageDetail::automatic), 765U);
    EXPECT_EQ(tokens("gpt-4o", 1, 1), 255U);
    EXPECT_EQ(tokens("gpt-4o", 512, 512), 255U);
    EXPECT_EQ(tokens("gpt-4o", 513, 512), 425U);
    EXPECT_EQ(tokens("gpt-4o-mini", 1024, 1024), 2833U + 4 * 5667);
    EXPECT_EQ(tokens("gpt-5", 1024, 1024), 630U);
    EXPECT_EQ(tokens("gpt-5-chat", 1024, 1024), 630U);
    EXPECT_EQ(tokens("o1-pro", 1024, 1024), 675U);
    EXPECT_EQ(tokens("o3", 1024, 1024), 675U);
    EXPECT_EQ(tokens("computer-use-preview", 1024, 1024), 65U + 4 * 129);
    EXPECT_EQ(tokens("gpt-4.5-preview", 1024, 1024), 765U);
}

TEST(ModelRules, PatchesCostWhatTheGuideSays) {
    // 1,024 patches, and 1,452 of 1800 x 2400.
    EXPECT_EQ(tokens("gpt-5.2", 1024, 1024), 1024U);
    EXPECT_EQ(tokens("gpt-5.2", 1800, 2400), 1452U);
    EXPECT_EQ(tokens("gpt-5.3-codex", 1800, 2400), 1452U);
    EXPECT_EQ(tokens("gpt-5.1-codex-mini", 1800, 2400), 1452U);
    EXPECT_EQ(tokens("gpt-4.1-mini", 1024, 1024), 1659U);
    EXPECT_EQ(tokens("gpt-5-mini", 1024, 1024), 1659U);
    EXPECT_EQ(tokens("gpt-5.4-mini", 1024, 1024), 1659U);
    EXPECT_EQ(tokens("gpt-4.1-nano", 1024, 1024), 2520U);
    EXPECT_EQ(tokens("gpt-5-nano", 1024, 1024), 2520U);
    EXPECT_EQ(tokens("gpt-5.4-nano", 1024, 1024), 2520U);
    EXPECT_EQ(tokens("o4-mini", 1024, 1024), 1762U);
    EXPECT_EQ(tokens("gpt-5.4", 1600, 1600), 2500U);
    EXPECT_EQ(tokens("gpt-5.4", 3200, 3200), 2500U);
    EXPECT_EQ(tokens("gpt-5.4", 3200, 3200, ImageDetail::original), 10'000U);
    EXPECT_EQ(tokens("gpt-5.4", 3200, 3200, ImageDetail::low), 256U);
    EXPECT_EQ(tokens("gpt-5.2", 1, 1), 1U);
}

TEST(ModelRules, GeneratedImagesHaveFidelity) {
    const ImageRule rule = rules_of_model("gpt-image-1").image;
    EXPECT_EQ(image_tokens(rule, {1024, 1024}, ImageDetail::high), 65U + 129);
    EXPECT_EQ(image_tokens(rule, {1024, 1024}, ImageDetail::high, ImageFidelity::high), 65U + 129 + 4160);
    EXPECT_EQ(image_tokens(rule, {1024, 1536}, ImageDetail::high, ImageFidelity::high), 65U + 2 * 129 + 6240);
    EXPECT_EQ(
        image_tokens(rules_of_model("gpt-4o").image, {1024, 1024}, ImageDetail::high, ImageFidelity::high),
        765U);
}

TEST(ModelRules, UnknownSizesCountAsASquare) {
    EXPECT_EQ(tokens("gpt-4o", 0, 0), 765U);
    EXPECT_EQ(tokens("gpt-5.2", 0, 5), 1024U);
    EXPECT_EQ(tokens("gpt-4o", 0, 0, ImageDetail::low), 85U);
}

TEST(ModelRules, FramingGoesByFamily) {
    EXPECT_EQ(rules_of_model("gpt-4o").function, 7);
    EXPECT_EQ(rules_of_model("ft:gpt-4o-mini-2024-07-18:acme::id").image.base, 2833U);
    EXPECT_EQ(rules_of_model("gpt-4").function, 10);
    EXPECT_EQ(rules_of_model("gpt-4-turbo").function, 10);
    EXPECT_EQ(rules_of_model("gpt-35-turbo").function, 10);
    EXPECT_EQ(rules_of_model("gpt-3.5-turbo-0125").function, 10);
    EXPECT_EQ(rules_of_model("gpt-3.5-turbo-0301").message, 4);
    EXPECT_EQ(rules_of_model("gpt-3.5-turbo-0301").name, -1);
    EXPECT_EQ(rules_of_model("gpt-4.1").function, 7);
    EXPECT_EQ(rules_of_model("").function, 7);
    EXPECT_EQ(rules_of_model("my-deployment").image.base, 85U);
    EXPECT_EQ(rules_of_model("gpt-5").message, 3);
}

TEST(ModelRules, EverySizeHasABoundedPrice) {
    for (const std::uint64_t seed : seeds(200)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        const auto side = [&] {
            return static_cast<std::uint32_t>(random.bits() >> (32 + random.below(31)));
        };
        const ImageSize size{side(), side()};
        SCOPED_TRACE(testing::Message() << size.width << " x " << size.height);
        for (const ImageDetail detail : {ImageDetail::low, ImageDetail::high, ImageDetail::original}) {
            EXPECT_LE(image_tokens(rules_of_model("gpt-5.4").image, size, detail), 10'000U);
            EXPECT_GE(image_tokens(rules_of_model("gpt-5.2").image, size, detail), 1U);
            EXPECT_LE(image_tokens(rules_of_model("gpt-5-nano").image, size, detail), 1536U * 246 / 100 + 1);
            // At most 2048 x 768 pixels.
            EXPECT_LE(image_tokens(rules_of_model("gpt-4o").image, size, detail), 85U + 8 * 170);
        }
    }
}

} // namespace
} // namespace headroom::balance
