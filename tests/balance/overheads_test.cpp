// What is learned of a prompt's hidden part, and that it is learned of nothing else.
#include "balance/prompt/overheads.hpp"

#include <gtest/gtest.h>

namespace headroom::balance {
namespace {

constexpr PromptShape plain{.deployment = 1, .counted = 100, .exact = true};

PromptShape with_block(std::uint64_t block) {
    PromptShape shape = plain;
    shape.block = block;
    return shape;
}

TEST(Overheads, KnowsNothingAtFirst) {
    const Overheads overheads;
    EXPECT_EQ(overheads.expected(plain), Tokens(100));
    PromptShape odd = with_block(5);
    odd.images_unknown = 3, odd.file_kibibytes = 9, odd.has_history = true;
    EXPECT_EQ(overheads.expected(odd), Tokens(100));
}

TEST(Overheads, OneResponseTellsABlock) {
    Overheads overheads;
    overheads.observe(with_block(5), Tokens(137));
    PromptShape longer = with_block(5);
    longer.counted = 5000;
    EXPECT_EQ(overheads.expected(longer), Tokens(5037));
    EXPECT_EQ(overheads.expected(with_block(6)), Tokens(100));
    EXPECT_EQ(overheads.expected(plain), Tokens(100));
    // A change of the backend's is followed at once.
    overheads.observe(with_block(5), Tokens(90));
    EXPECT_EQ(overheads.expected(longer), Tokens(4990));
}

TEST(Overheads, EstimatedTextsTellItSlower) {
    Overheads overheads;
    PromptShape shape = with_block(5);
    shape.exact = false;
    overheads.observe(shape, Tokens(140));
    EXPECT_EQ(overheads.expected(shape), Tokens(140));
    overheads.observe(shape, Tokens(120));
    EXPECT_EQ(overheads.expected(shape), Tokens(130));
}

TEST(Overheads, TheRestBelongsToItsDeployment) {
    Overheads overheads;
    for (int i = 0; i < 100; ++i)
        overheads.observe(plain, Tokens(110));
    EXPECT_EQ(overheads.expected(plain), Tokens(110));
    EXPECT_EQ(overheads.expected(with_block(7)), Tokens(110));
    PromptShape other = plain;
    other.deployment = 2;
    EXPECT_EQ(overheads.expected(other), Tokens(100));
    // A block includes what its deployment adds.
    overheads.observe(with_block(7), Tokens(115));
    EXPECT_EQ(overheads.expected(with_block(7)), Tokens(115));
}

TEST(Overheads, AverageForgetsSlowly) {
    Overheads overheads;
    for (int i = 0; i < 100; ++i)
        overheads.observe(plain, Tokens(100));
    overheads.observe(plain, Tokens(200));
    EXPECT_EQ(overheads.expected(plain), Tokens(110));
}

TEST(Overheads, UnknownImagesAreLearnedByTheImage) {
    Overheads overheads;
    PromptShape two = plain;
    two.images_unknown = 2;
    for (int i = 0; i < 50; ++i)
        overheads.observe(two, Tokens(100 + 2 * 40));
    PromptShape five = plain;
    five.images_unknown = 5;
    EXPECT_EQ(overheads.expected(five), Tokens(300));
    EXPECT_EQ(overheads.expected(plain), Tokens(100));
}

TEST(Overheads, FilesAreLearnedByTheirBytes) {
    Overheads overheads;
    PromptShape file = plain;
    file.file_kibibytes = 100;
    for (int i = 0; i < 50; ++i)
        overheads.observe(file, Tokens(100 + 3000));
    file.file_kibibytes = 10;
    EXPECT_EQ(overheads.expected(file), Tokens(400));
}

TEST(Overheads, UnknownVocabulariesAreOffByAFactor) {
    Overheads overheads;
    PromptShape foreign = plain;
    foreign.vocabulary_known = false;
    for (int i = 0; i < 100; ++i)
        overheads.observe(foreign, Tokens(130));
    foreign.counted = 10'000;
    EXPECT_NEAR(static_cast<double>(overheads.expected(foreign).count()), 13'000, 20);
    EXPECT_EQ(overheads.expected(plain), Tokens(100));
}

TEST(Overheads, HistoryIsKnownByItsResponse) {
    Overheads overheads;
    PromptShape next = plain;
    next.has_history = true;
    next.response = 77;
    overheads.remember_response(77, Tokens(4000));
    EXPECT_EQ(overheads.expected(next), Tokens(4100));
    // A response of another shard is guessed from the usual length.
    next.response = 78;
    for (int i = 0; i < 50; ++i)
        overheads.observe(next, Tokens(2100));
    EXPECT_EQ(overheads.expected(next), Tokens(2100));
    next.response = 77;
    EXPECT_EQ(overheads.expected(next), Tokens(4100));
}

TEST(Overheads, NonsenseIsNotLearned) {
    Overheads overheads;
    overheads.observe(plain, Tokens(0));
    overheads.observe(plain, Tokens(-5));
    overheads.observe(plain, request_cost_max + Tokens(1));
    overheads.remember_response(0, Tokens(50));
    overheads.remember_response(5, Tokens(-1));
    EXPECT_EQ(overheads.expected(plain), Tokens(100));
    PromptShape next = plain;
    next.has_history = true;
    next.response = 5;
    EXPECT_EQ(overheads.expected(next), Tokens(100));
    // Never below nothing, never above what a request can cost.
    overheads.observe(with_block(5), Tokens(1));
    PromptShape tiny = with_block(5);
    tiny.counted = 1;
    EXPECT_EQ(overheads.expected(tiny), Tokens(0));
    tiny.images_unknown = 4'000'000'000U;
    tiny.counted = request_cost_max.count();
    EXPECT_LE(overheads.expected(tiny), request_cost_max);
}

TEST(Overheads, ManyBlocksForgetTheOldest) {
    Overheads overheads;
    for (std::uint64_t block = 1; block <= 100'000; ++block)
        overheads.observe(with_block(block), Tokens(200));
    EXPECT_EQ(overheads.expected(with_block(100'000)), Tokens(200));
    std::uint64_t kept = 0;
    for (std::uint64_t block = 1; block <= 100'000; ++block)
        kept += overheads.expected(with_block(block)) == Tokens(200) ? 1 : 0;
    EXPECT_EQ(kept, 4096U);
}

} // namespace
} // namespace headroom::balance
