// When a breaker opens, who may try it, and how traffic comes back.
#include "balance/breaker.hpp"

#include <gtest/gtest.h>

namespace headroom::balance {
namespace {

using State = Breaker::State;

void trip(Breaker& breaker, Fault kind, std::int64_t now) {
    while (breaker.view(now).state != State::open)
        breaker.fault(kind, false, now);
}

TEST(Breaker, OpensAfterAtMostThreeConsecutiveFaults) {
    for (const Fault kind : {Fault::server_error, Fault::connect, Fault::tls, Fault::timeout, Fault::reset,
                             Fault::auth, Fault::deployment_missing}) {
        SCOPED_TRACE(name_of(kind));
        Breaker breaker;
        int faults = 0;
        while (breaker.view(1000).state == State::closed && faults < 10) {
            breaker.fault(kind, false, 1000);
            ++faults;
        }
        EXPECT_EQ(breaker.view(1000).state, State::open);
        EXPECT_LE(faults, 3);
    }
}

TEST(Breaker, ASuccessInBetweenEndsTheSeries) {
    Breaker breaker;
    for (int i = 0; i < 20; ++i) {
        breaker.fault(Fault::server_error, false, 1000);
        breaker.fault(Fault::server_error, false, 1000);
        breaker.success(false, 1000);
    }
    EXPECT_EQ(breaker.view(1000).state, State::closed);
}

TEST(Breaker, AnAnswerThatFailsAfterAllContinuesTheSeries) {
    Breaker breaker;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(breaker.view(1000).state, State::closed);
        const unsigned ended = breaker.success(false, 1000);
        EXPECT_EQ(ended, static_cast<unsigned>(i));
        breaker.fault(Fault::reset, false, 1000, ended);
    }
    EXPECT_EQ(breaker.view(1000).state, State::open);
}

TEST(Breaker, FaultsFarApartAreNoSeries) {
    Breaker breaker;
    for (int i = 1; i < 20; ++i)
        breaker.fault(Fault::server_error, false, i * 60'000);
    EXPECT_EQ(breaker.view(20 * 60'000).state, State::closed);
}

TEST(Breaker, ExactlyOneRequestProbes) {
    Breaker breaker;
    trip(breaker, Fault::connect, 1000);
    EXPECT_FALSE(breaker.try_probe(1500)) << "not due yet";
    ASSERT_EQ(breaker.view(2000).state, State::due);
    EXPECT_TRUE(breaker.try_probe(2000));
    EXPECT_FALSE(breaker.try_probe(2000));
    EXPECT_EQ(breaker.view(2001).state, State::probing);
    EXPECT_EQ(breaker.view(2001).share, 0);
}

TEST(Breaker, AFailedProbeOpensItForLongerUpToABound) {
    Breaker breaker;
    trip(breaker, Fault::server_error, 1000);
    std::int64_t now = 1000;
    std::int64_t longest = 0;
    std::int64_t previous = 0;
    for (int i = 0; i < 20; ++i) {
        const std::int64_t until = breaker.view(now).until_ms;
        const std::int64_t pause = until - now;
        EXPECT_GE(pause, previous);
        previous = pause;
        longest = std::max(longest, pause);
        now = until;
        ASSERT_TRUE(breaker.try_probe(now));
        breaker.fault(Fault::server_error, true, now);
    }
    EXPECT_EQ(longest, 15'000);
}

TEST(Breaker, ConfigurationFaultsPauseLonger) {
    Breaker transient;
    Breaker configuration;
    trip(transient, Fault::server_error, 1000);
    trip(configuration, Fault::auth, 1000);
    EXPECT_EQ(transient.view(1000).until_ms, 2000);
    EXPECT_EQ(configuration.view(1000).until_ms, 31'000);
}

TEST(Breaker, TrafficReturnsStepByStep) {
    Breaker breaker;
    trip(breaker, Fault::connect, 1000);
    ASSERT_TRUE(breaker.try_probe(2000));
    breaker.success(true, 2000);
    double share = 0;
    for (std::int64_t now = 2000; now < 7000; now += 500) {
        const Breaker::View view = breaker.view(now);
        EXPECT_EQ(view.state, State::returning);
        EXPECT_GT(view.share, share);
        EXPECT_LT(view.share, 1);
        share = view.share;
    }
    EXPECT_EQ(breaker.view(7000).state, State::closed);
    EXPECT_EQ(breaker.view(7000).share, 1);
}

TEST(Breaker, AFaultWhileReturningOpensAtOnce) {
    Breaker breaker;
    trip(breaker, Fault::connect, 1000);
    ASSERT_TRUE(breaker.try_probe(2000));
    breaker.success(true, 2000);
    breaker.fault(Fault::server_error, false, 3000);
    EXPECT_EQ(breaker.view(3000).state, State::open);
    EXPECT_EQ(breaker.view(3000).until_ms, 5000) << "the second time in a row";
}

TEST(Breaker, OldAnswersDoNotDecide) {
    Breaker breaker;
    trip(breaker, Fault::connect, 1000);
    breaker.success(false, 1100);
    EXPECT_EQ(breaker.view(1100).state, State::open)
        << "a request sent before it opened says nothing about now";
    const std::int64_t until = breaker.view(1100).until_ms;
    breaker.fault(Fault::connect, false, 1200);
    EXPECT_EQ(breaker.view(1200).until_ms, until) << "nor does its fault prolong the pause";
    ASSERT_TRUE(breaker.try_probe(until));
    breaker.fault(Fault::connect, false, until);
    EXPECT_EQ(breaker.view(until).state, State::probing);
}

TEST(Breaker, ALastResortThatWorksClosesIt) {
    Breaker breaker;
    trip(breaker, Fault::auth, 1000);
    breaker.success(true, 1100);
    EXPECT_EQ(breaker.view(1100).state, State::returning);
}

TEST(Breaker, ALostProbeLetsTheNextOneTry) {
    Breaker breaker;
    trip(breaker, Fault::connect, 1000);
    ASSERT_TRUE(breaker.try_probe(2000));
    breaker.probe_lost(2100);
    EXPECT_EQ(breaker.view(2100).state, State::due);
    EXPECT_TRUE(breaker.try_probe(2100));
}

TEST(Breaker, AProbeThatHangsIsReplacedAfterAWhile) {
    Breaker breaker;
    trip(breaker, Fault::timeout, 1000);
    ASSERT_TRUE(breaker.try_probe(2000));
    EXPECT_EQ(breaker.view(11'999).state, State::probing);
    EXPECT_EQ(breaker.view(12'000).state, State::due);
    EXPECT_TRUE(breaker.try_probe(12'000));
}

TEST(Breaker, AfterAQuietReturnTheNextPauseIsShortAgain) {
    Breaker breaker;
    trip(breaker, Fault::connect, 1000);
    for (int i = 0; i < 4; ++i) {
        const std::int64_t due = breaker.view(1000).until_ms;
        ASSERT_TRUE(breaker.try_probe(due));
        breaker.fault(Fault::connect, true, due);
    }
    const std::int64_t due = breaker.view(1000).until_ms;
    ASSERT_TRUE(breaker.try_probe(due));
    breaker.success(true, due);
    breaker.success(false, due + 10'000);
    trip(breaker, Fault::connect, due + 20'000);
    EXPECT_EQ(breaker.view(due + 20'000).until_ms, due + 21'000);
}

TEST(Breaker, NamesEveryFault) {
    EXPECT_EQ(name_of(Fault::server_error), "server_error");
    EXPECT_EQ(name_of(Fault::deployment_missing), "deployment_missing");
    EXPECT_EQ(name_of(Fault::late), "late");
}

} // namespace
} // namespace headroom::balance
