// Admission, charging and settling of the mock's quotas in virtual time.
#include "tools/mock_azure/limiter.hpp"

#include <gtest/gtest.h>

namespace headroom::mock {
namespace {

using namespace std::chrono_literals;

Demand chat(std::int64_t prompt, std::optional<std::int64_t> max_tokens) {
    Demand demand;
    demand.prompt_tokens = prompt;
    demand.max_tokens = max_tokens;
    return demand;
}

LimiterSettings settings(std::int64_t tpm, std::int64_t rpm) {
    LimiterSettings limits;
    limits.tpm = tpm;
    limits.rpm = rpm;
    return limits;
}

TEST(MockLimiter, ChargesAtArrivalByThePolicy) {
    LimiterSettings limits = settings(30'000, 180);
    EXPECT_EQ(Limiter(limits).cost(chat(100, 500)), 600);
    EXPECT_EQ(Limiter(limits).cost(chat(100, std::nullopt)), 116);
    limits.charge = ChargeBy::max_only;
    EXPECT_EQ(Limiter(limits).cost(chat(100, 500)), 500);
    EXPECT_EQ(Limiter(limits).cost(chat(100, std::nullopt)), 16);
    limits.charge = ChargeBy::billed;
    EXPECT_EQ(Limiter(limits).cost(chat(100, 500)), 0);
    limits.charge = ChargeBy::reserve;
    EXPECT_EQ(Limiter(limits).cost(chat(100, 500)), 600);
    EXPECT_EQ(Limiter(limits).cost(chat(100, std::nullopt)), 128'000);
}

TEST(MockLimiter, EmbeddingsCostTheirInput) {
    Demand demand = chat(77, std::nullopt);
    demand.embedding = true;
    LimiterSettings limits = settings(30'000, 180);
    EXPECT_EQ(Limiter(limits).cost(demand), 77);
    limits.charge = ChargeBy::max_only;
    EXPECT_EQ(Limiter(limits).cost(demand), 77);
}

TEST(MockLimiter, ThirtyThousandTokensMeanThirtyRequestsInTenSeconds) {
    Limiter limiter(settings(30'000, 180));
    for (int i = 0; i < 30; ++i)
        ASSERT_TRUE(limiter.admit(chat(1, 1), 1s).admitted()) << i;
    const Verdict refused = limiter.admit(chat(1, 1), 2s);
    EXPECT_EQ(refused.exceeded, Exceeded::requests);
    EXPECT_EQ(refused.retry_after, 9s);
    EXPECT_EQ(limiter.view(2s).limit_requests, 30);
    EXPECT_EQ(limiter.view(2s).remaining_requests, 0);
}

TEST(MockLimiter, ARefusedLargeRequestSaysNothingAboutASmallOne) {
    Limiter limiter(settings(1'000, 600));
    EXPECT_TRUE(limiter.admit(chat(300, 500), 0s).admitted());
    const Verdict large = limiter.admit(chat(300, 500), 1s);
    EXPECT_EQ(large.exceeded, Exceeded::tokens);
    EXPECT_EQ(large.retry_after, 59s);
    EXPECT_TRUE(limiter.admit(chat(50, 100), 1s).admitted());
    EXPECT_EQ(limiter.view(1s).remaining_tokens, 50);
}

TEST(MockLimiter, RefusedRequestsUseUpRequestsUnlessToldOtherwise) {
    LimiterSettings limits = settings(10, 60);
    Limiter counting(limits);
    limits.count_rejected = false;
    Limiter forgiving(limits);
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(counting.admit(chat(100, 1), 0s).admitted());
        EXPECT_FALSE(forgiving.admit(chat(100, 1), 0s).admitted());
    }
    EXPECT_EQ(counting.view(0s).remaining_requests, 5);
    EXPECT_EQ(forgiving.view(0s).remaining_requests, 10);
    counting.count_failed(0s);
    EXPECT_EQ(counting.view(0s).remaining_requests, 4);
}

TEST(MockLimiter, ReserveGivesBackWhatWasNotUsed) {
    LimiterSettings limits = settings(10'000, 600);
    limits.charge = ChargeBy::reserve;
    Limiter limiter(limits);
    const Verdict verdict = limiter.admit(chat(100, 4'000), 0s);
    EXPECT_EQ(limiter.view(1s).remaining_tokens, 5'900);
    limiter.settle(verdict, 250, 5s);
    EXPECT_EQ(limiter.view(5s).remaining_tokens, 9'750);
}

TEST(MockLimiter, BilledChargesAtTheEndAndClosesWhenFull) {
    LimiterSettings limits = settings(1'000, 600);
    limits.charge = ChargeBy::billed;
    Limiter limiter(limits);
    const Verdict first = limiter.admit(chat(100, 4'000), 0s);
    const Verdict second = limiter.admit(chat(100, 4'000), 0s);
    EXPECT_TRUE(first.admitted() && second.admitted());
    limiter.settle(first, 700, 1s);
    limiter.settle(second, 700, 2s);
    const Verdict third = limiter.admit(chat(1, 1), 3s);
    EXPECT_EQ(third.exceeded, Exceeded::tokens);
    EXPECT_EQ(third.retry_after, 58s);
}

TEST(MockLimiter, PeaksShowTheFullestWindowAndSecond) {
    Limiter limiter(settings(100'000, 6'000));
    limiter.admit(chat(100, 0), 100ms);
    limiter.admit(chat(200, 0), 900ms);
    limiter.admit(chat(50, 0), 1'100ms);
    limiter.admit(chat(10, 0), 70s);
    const Peaks peaks = limiter.peaks();
    EXPECT_EQ(peaks.tokens_window, 350);
    EXPECT_EQ(peaks.tokens_second, 300);
    EXPECT_EQ(peaks.requests_second, 2);
    EXPECT_EQ(peaks.requests_slice, 3);
}

TEST(MockLimiter, SmallerSettingsApplyToWhatIsAlreadyUsed) {
    Limiter limiter(settings(1'000, 600));
    limiter.admit(chat(600, 0), 0s);
    limiter.set_settings(settings(500, 600), 1s);
    EXPECT_EQ(limiter.admit(chat(1, 0), 2s).retry_after, 58s);
}

} // namespace
} // namespace headroom::mock
