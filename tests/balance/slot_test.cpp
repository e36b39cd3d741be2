// The one-word statements of a slot: blocks, streaks, corrections, shares, names.
#include "balance/slot.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headroom::balance {
namespace {

TEST(Block, TheLaterTimeWinsAtTheSameThreshold) {
    Block block;
    block.extend(5000, Tokens(0), 1000);
    block.extend(3000, Tokens(0), 1000);
    EXPECT_EQ(block.view().until_ms, 5000);
    block.extend(9000, Tokens(0), 1000);
    EXPECT_EQ(block.view().until_ms, 9000);
}

TEST(Block, ALargeRequestsRefusalDoesNotProlongTheBlockOfSmallOnes) {
    Block block;
    block.extend(2000, Tokens(0), 1000);
    block.extend(60'000, Tokens(5000), 1000);
    EXPECT_EQ(block.view().until_ms, 2000);
    EXPECT_EQ(block.view().above, Tokens(0));
}

TEST(Block, ASmallRequestsRefusalReplacesThatOfALargeOne) {
    Block block;
    block.extend(60'000, Tokens(5000), 1000);
    block.extend(2000, Tokens(100), 1000);
    EXPECT_EQ(block.view().above, Tokens(100));
    EXPECT_EQ(block.view().until_ms, 2000);
}

TEST(Block, AnExpiredBlockDoesNotCount) {
    Block block;
    block.extend(2000, Tokens(0), 1000);
    block.extend(4000, Tokens(700), 3000);
    EXPECT_EQ(block.view().until_ms, 4000);
    EXPECT_EQ(block.view().above, Tokens(700));
}

TEST(Streak, CountsABurstOnce) {
    Streak streak;
    EXPECT_EQ(streak.count(1000, 1100), 0U);
    EXPECT_EQ(streak.count(1050, 1150), 0U) << "on its way when the first was refused";
    EXPECT_EQ(streak.count(2200, 2300), 1U);
    EXPECT_EQ(streak.count(5000, 5100), 2U);
    streak.reset();
    EXPECT_EQ(streak.count(6000, 6100), 0U);
}

TEST(Correction, MovesNoFurtherThanTheMeasurementAsks) {
    Correction correction;
    correction.confine(-50, 70, 100);
    EXPECT_EQ(correction.value(100), 0);
    correction.confine(500, 900, 100);
    EXPECT_EQ(correction.value(100), 500);
    correction.confine(-900, 300, 100);
    EXPECT_EQ(correction.value(100), 300);
    correction.confine(-900, -600, 100);
    EXPECT_EQ(correction.value(100), -600);
}

TEST(Correction, WhatOnlyTheBackendCountsStaysForOneWindow) {
    Correction correction;
    correction.confine(6000, 6000, 100);
    EXPECT_EQ(correction.value(159), 6000);
    EXPECT_EQ(correction.value(160), 0);
    EXPECT_EQ(correction.value(100'000), 0);
    EXPECT_EQ(correction.value(99), 6000) << "a reader whose time lags";
}

TEST(Correction, WhatOnlyWeCountFadesAndLeavesWithOurCharges) {
    Correction correction;
    correction.confine(-6000, -6000, 100);
    EXPECT_EQ(correction.value(130), -3000);
    correction.absorb(2000, 130);
    EXPECT_EQ(correction.value(130), -1000);
    correction.absorb(5000, 130);
    EXPECT_EQ(correction.value(130), 0) << "never turned round";
}

TEST(Correction, SurvivesAbsurdMeasurements) {
    Correction correction;
    correction.confine(std::int64_t{1} << 50, std::int64_t{1} << 51, 7);
    EXPECT_GT(correction.value(7), std::int64_t{1} << 34);
    correction.confine(-(std::int64_t{1} << 51), -(std::int64_t{1} << 50), 7);
    EXPECT_LT(correction.value(7), -(std::int64_t{1} << 34));
}

TEST(RequestShare, RemembersTheUsedShareAndFades) {
    RequestShare share;
    EXPECT_EQ(share.used(50), 0);
    share.observe(25, 100, 50);
    EXPECT_NEAR(share.used(50), 0.75, 1e-3);
    EXPECT_NEAR(share.used(55), 0.375, 1e-3);
    EXPECT_EQ(share.used(60), 0);
    share.observe(500, 100, 60);
    EXPECT_EQ(share.used(60), 0) << "more remaining than the limit is full";
}

TEST(Pulse, RequestsThatWaitLongerThanUsualAreAStall) {
    Pulse pulse;
    pulse.sent(Tokens(5), 1000);
    pulse.answered(Tokens(5), 1000, 1200);
    for (int i = 0; i < 2; ++i)
        pulse.sent(Tokens(5), 2000);
    EXPECT_FALSE(pulse.stalled(60'000)) << "two may both be slow";
    EXPECT_EQ(pulse.sent(Tokens(5), 2000), 10) << "the tokens that wait";
    EXPECT_FALSE(pulse.stalled(3000));
    EXPECT_TRUE(pulse.stalled(3700)) << "eight times 200 ms";
    pulse.answered(Tokens(5), 2000, 3700);
    EXPECT_FALSE(pulse.stalled(60'000));
}

TEST(Pulse, IsPatientWhereAnswersTakeLongOrNothingIsKnown) {
    Pulse slow;
    slow.sent(Tokens(0), 0);
    slow.answered(Tokens(0), 0, 20'000);
    Pulse unknown;
    for (int i = 0; i < 3; ++i) {
        slow.sent(Tokens(0), 20'000);
        unknown.sent(Tokens(0), 20'000);
    }
    EXPECT_FALSE(slow.stalled(170'000));
    EXPECT_TRUE(slow.stalled(190'000));
    EXPECT_FALSE(unknown.stalled(29'000));
    EXPECT_TRUE(unknown.stalled(31'000));
    for (int i = 0; i < 3; ++i)
        unknown.dropped(Tokens(0));
    EXPECT_FALSE(unknown.stalled(31'000));
}

TEST(Slot, AfterASurpriseFewAreSentTogetherNearTheLimit) {
    Slot slot;
    slot.set_quota(60'000, 0, false);
    const auto send = [&](std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i)
            slot.pulse.sent(Tokens(100), 1'000);
    };
    send(trust_start - 1);
    EXPECT_TRUE(slot.paces(100, 59'000)) << "a prediction is believed until it fails";
    send(1);
    EXPECT_FALSE(slot.paces(100, 59'000)) << "but not without bounds";
    EXPECT_TRUE(slot.paces(100, 50'000)) << "far from the limit an error is no matter";
    slot.distrust();
    for (std::uint64_t i = 0; i < trust_start; ++i)
        slot.pulse.dropped(Tokens(100));
    EXPECT_TRUE(slot.paces(100, 59'000));
    send(1);
    EXPECT_FALSE(slot.paces(100, 59'000)) << "one at a time";
    slot.trust_more(50'000);
    EXPECT_FALSE(slot.paces(100, 59'000)) << "success far from the limit proves nothing";
    slot.trust_more(59'000);
    EXPECT_TRUE(slot.paces(100, 59'000));
    send(1);
    EXPECT_FALSE(slot.paces(100, 59'000)) << "then two";
    for (int i = 0; i < 100; ++i)
        slot.trust_more(59'000);
    send(6);
    EXPECT_FALSE(slot.paces(100, 59'000)) << "what nobody made use of is not proven";
    for (std::uint32_t i = 0; i < trust_max; ++i) {
        slot.trust_more(59'000);
        send(1);
    }
    EXPECT_TRUE(slot.paces(100, 59'000)) << "and in the end as many as ever";
}

TEST(Slot, WhereUsageIsCountedAtTheEndTrustGrowsByOneARound) {
    constexpr auto usage = static_cast<std::size_t>(ChargeRule::usage);
    Slot slot;
    slot.set_quota(60'000, 0, false);
    QuotaSample sample;
    sample.limit = 60'000;
    for (std::uint32_t i = 1; i < 30; ++i) {
        sample.tick = i;
        sample.at = i;
        sample.own.fill(1'500);
        sample.own[usage] = 0;
        for (std::size_t rule = 0; rule < sample.most.size(); ++rule)
            sample.most[rule] += rule == usage ? 700 : 1'500;
        sample.least = sample.sent = sample.most;
        sample.used = sample.most[usage];
        slot.learner.observe(sample);
    }
    ASSERT_TRUE(slot.learner.counts_at_end());
    slot.reserved = 20'000;
    for (std::uint32_t i = 0; i < trust_start; ++i)
        slot.pulse.sent(Tokens(100), 1'000);
    EXPECT_FALSE(slot.paces(100, 40'000)) << "what is under way may be counted any moment";
    EXPECT_TRUE(slot.paces(100, 30'000));
    for (std::uint32_t i = 1; i < trust_start; ++i) {
        slot.sent = i;
        slot.trust_more(40'000);
        EXPECT_FALSE(slot.paces(100, 40'000));
    }
    slot.sent = trust_start;
    slot.trust_more(40'000);
    EXPECT_TRUE(slot.paces(100, 40'000));
}

TEST(Slot, KeepsABoundedName) {
    Slot slot;
    std::array<char, SlotName::bytes_max> buffer{};
    EXPECT_EQ(slot.read_name(buffer), "");
    slot.set_name("gpt-4o");
    EXPECT_EQ(slot.read_name(buffer), "gpt-4o");
    const std::string long_name(200, 'n');
    slot.set_name(long_name);
    EXPECT_EQ(slot.read_name(buffer), long_name.substr(0, 64));
}

TEST(SlotName, CopiesWhatItIsGiven) {
    std::string text = "chat";
    const SlotName name(SlotKey{42, text});
    text = "gone";
    EXPECT_EQ(name.key().name, "chat");
    EXPECT_EQ(name.key().hash, 42U);
    EXPECT_EQ(SlotName(SlotKey{1, std::string(100, 'x')}).key().name.size(), SlotName::bytes_max);
}

} // namespace
} // namespace headroom::balance
