// What a request may still do: never the same backend twice, waits and retries that end.
#include "balance/tries.hpp"

#include <gtest/gtest.h>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

constexpr Time start{1h};

class TriesTest : public testing::Test {
  protected:
    static Choice says(Choice::Kind kind) {
        Choice choice;
        choice.kind = kind;
        return choice;
    }
    void begin(unsigned client_retries = 0, unsigned per_round = 3) {
        tries.begin(client_retries, per_round, budget);
    }

    RetryBudget budget{{20, 0}};
    Tries tries;
    const Choice send = says(Choice::Kind::send);
    const Choice wait = says(Choice::Kind::wait);
    const Choice refuse = says(Choice::Kind::refuse);
};

TEST_F(TriesTest, AFreshRequestMayBeSentAndPaysNothing) {
    begin();
    EXPECT_TRUE(tries.may_send(send));
    EXPECT_FALSE(tries.may_send(wait));
    EXPECT_FALSE(tries.may_send(refuse));
    const auto left = budget.left(start);
    EXPECT_EQ(tries.may_retry(budget, start), Tries::Retry::allowed);
    EXPECT_EQ(budget.left(start), left);
}

TEST_F(TriesTest, OnlyWhoRefusedForQuotaIsAskedAgainAfterAWait) {
    begin();
    tries.sent_to(0);
    tries.refused_for_quota();
    tries.sent_to(2);
    tries.failed_at(2, true);
    EXPECT_EQ(tries.excluded(), 0b101U);
    tries.wait();
    EXPECT_EQ(tries.excluded(), 0b100U);
}

TEST_F(TriesTest, AttemptsAreCountedBetweenWaits) {
    begin(0, 2);
    tries.sent_to(0);
    EXPECT_TRUE(tries.may_send(send));
    tries.sent_to(1);
    EXPECT_FALSE(tries.may_send(send));
    tries.wait();
    EXPECT_TRUE(tries.may_send(send));
}

TEST_F(TriesTest, WaitsWhenToldToOrWhenAMeasurementMayHaveChanged) {
    begin(0, 1);
    EXPECT_TRUE(tries.must_wait(wait, 1s));
    EXPECT_FALSE(tries.must_wait(send, 1s));
    EXPECT_FALSE(tries.must_wait(refuse, 1s)) << "nobody refused it for quota";
    tries.sent_to(0);
    tries.refused_for_quota();
    EXPECT_TRUE(tries.must_wait(refuse, 1s));
    EXPECT_TRUE(tries.must_wait(send, 1s)) << "there is no attempt left before a wait";
    EXPECT_FALSE(tries.must_wait(refuse, 0s)) << "nobody waits without patience";
}

TEST_F(TriesTest, WaitsEnd) {
    begin();
    for (unsigned i = 0; i < Tries::waits_max; ++i) {
        EXPECT_TRUE(tries.must_wait(wait, 1h)) << i;
        EXPECT_TRUE(tries.gets_in_line(true)) << i;
        tries.wait();
    }
    EXPECT_FALSE(tries.must_wait(wait, 1h));
    EXPECT_FALSE(tries.gets_in_line(true));
}

TEST_F(TriesTest, GetsInLineOnlyBehindOthers) {
    begin(0, 1);
    EXPECT_FALSE(tries.gets_in_line(false));
    EXPECT_TRUE(tries.gets_in_line(true));
    tries.sent_to(0);
    EXPECT_FALSE(tries.gets_in_line(true));
}

TEST_F(TriesTest, ABodyThatHasLeftIsNotSentTwice) {
    begin();
    tries.sent_to(0);
    tries.refused_for_quota();
    tries.close();
    EXPECT_TRUE(tries.closed());
    EXPECT_FALSE(tries.may_send(send));
    EXPECT_FALSE(tries.must_wait(wait, 1s));
    EXPECT_FALSE(tries.gets_in_line(true));
}

TEST_F(TriesTest, AHedgeIsAnAttemptAndNeedsABodyThatIsKept) {
    begin(0, 2);
    tries.sent_to(0);
    EXPECT_TRUE(tries.may_hedge());
    tries.sent_to(1);
    EXPECT_FALSE(tries.may_hedge());
    EXPECT_EQ(tries.excluded(), 0b11U);
    Tries other;
    other.begin(0, 3, budget);
    other.sent_to(0);
    other.close();
    EXPECT_FALSE(other.may_hedge());
}

TEST_F(TriesTest, OnlyFaultsArePaidFor) {
    begin();
    const auto before = budget.left(start);
    tries.sent_to(0);
    tries.refused_for_quota();
    EXPECT_EQ(tries.may_retry(budget, start), Tries::Retry::allowed);
    tries.sent_to(1);
    tries.failed_at(1, false);
    EXPECT_EQ(tries.may_retry(budget, start), Tries::Retry::allowed);
    EXPECT_EQ(budget.left(start), before);
    tries.sent_to(2);
    tries.failed_at(2, true);
    EXPECT_EQ(tries.may_retry(budget, start), Tries::Retry::allowed);
    EXPECT_EQ(budget.left(start), before - 1);
    EXPECT_EQ(tries.may_retry(budget, start), Tries::Retry::allowed) << "one fault is paid for once";
    EXPECT_EQ(budget.left(start), before - 1);
}

TEST_F(TriesTest, ASpentBudgetEndsIt) {
    RetryBudget none({0, 0});
    tries.begin(0, 3, none);
    tries.sent_to(0);
    tries.failed_at(0, true);
    EXPECT_EQ(tries.may_retry(none, start), Tries::Retry::budget_spent);
}

TEST_F(TriesTest, AClientThatTriesAgainItselfMeetsOneOtherBackend) {
    begin(1, 8);
    tries.sent_to(0);
    tries.failed_at(0, true);
    EXPECT_EQ(tries.may_retry(budget, start), Tries::Retry::allowed);
    tries.sent_to(1);
    tries.failed_at(1, true);
    EXPECT_EQ(tries.may_retry(budget, start), Tries::Retry::client_retries);
}

TEST_F(TriesTest, OnlyFreshRequestsEarnRetries) {
    RetryBudget earning({100, 0});
    while (earning.spend(start)) {
    }
    tries.begin(2, 3, earning);
    EXPECT_EQ(earning.left(start), 0U);
    tries.begin(0, 3, earning);
    EXPECT_EQ(earning.left(start), 1U);
}

} // namespace
} // namespace headroom::balance
