// Every limiter on cases that fit on a hand: what is charged, when it comes back, what a refusal says.
#include "bench/lab/limiter.hpp"

#include "tests/bench/lab/tiny.hpp"

#include <gtest/gtest.h>

namespace headroom::lab {
namespace {

using namespace std::chrono_literals;

constexpr Charge of(std::int64_t tokens) {
    return {tokens, tokens};
}

LimiterModel model(WindowKind window, ChargeBy charge = ChargeBy::prompt_and_max) {
    LimiterModel limiter;
    limiter.tpm = 1000;
    limiter.rpm = 6000;
    limiter.window = window;
    limiter.charge = charge;
    return limiter;
}

Request request_of(std::int64_t prompt, std::int64_t cap, std::int64_t output) {
    Request request;
    request.prompt = prompt;
    request.characters = prompt + 10; // what tells characters from tokens
    request.cap = cap;
    request.output = output;
    return request;
}

TEST(LabLimiter, ChargesByEachRule) {
    const Request capped = request_of(100, 50, 20);
    const Request open = request_of(100, 0, 20);
    const auto charge = [](ChargeBy by, const Request& request) {
        return charge_of(model(WindowKind::sliding, by), request, 0);
    };
    EXPECT_EQ(charge(ChargeBy::prompt_and_max, capped).at_arrival, 160);
    EXPECT_EQ(charge(ChargeBy::prompt_and_max, open).at_arrival, 126);
    EXPECT_EQ(charge(ChargeBy::max_only, capped).at_arrival, 50);
    EXPECT_EQ(charge(ChargeBy::max_only, open).at_end, 16);
    EXPECT_EQ(charge(ChargeBy::billed, capped).at_arrival, 0);
    EXPECT_EQ(charge(ChargeBy::billed, capped).at_end, 120);
    EXPECT_EQ(charge(ChargeBy::reserve, capped).at_arrival, 150);
    EXPECT_EQ(charge(ChargeBy::reserve, open).at_arrival, 128'000);
    EXPECT_EQ(charge(ChargeBy::reserve, open).at_end, 120);
    LimiterModel ptu = model(WindowKind::ptu);
    ptu.output_weight = 4;
    EXPECT_EQ(charge_of(ptu, capped, 60).at_arrival, 40 + 4 * 50);
    EXPECT_EQ(charge_of(ptu, capped, 60).at_end, 40 + 4 * 20);
}

TEST(LabLimiter, SlidingMinuteForgetsEachChargeAfterAMinute) {
    Limiter limiter(model(WindowKind::sliding), {});
    EXPECT_EQ(limiter.admit(of(600), Time(0s)).exceeded, Exceeded::nothing);
    EXPECT_EQ(limiter.admit(of(400), Time(10s)).exceeded, Exceeded::nothing);
    const Admission refused = limiter.admit(of(500), Time(20s));
    EXPECT_EQ(refused.exceeded, Exceeded::tokens);
    EXPECT_EQ(refused.wait, 40s);
    EXPECT_EQ(limiter.admit(of(700), Time(20s)).wait, 50s) << "needs both to leave";
    EXPECT_EQ(limiter.used(Time(60s - 1ns)), 1000);
    EXPECT_EQ(limiter.admit(of(600), Time(60s)).exceeded, Exceeded::nothing);
}

TEST(LabLimiter, WhatNeverFitsSaysSo) {
    Limiter limiter(model(WindowKind::sliding), {});
    EXPECT_EQ(limiter.admit(of(1001), Time(0s)).wait, 24h);
}

TEST(LabLimiter, FixedMinuteForgetsAllAtOnce) {
    LimiterModel fixed = model(WindowKind::fixed);
    fixed.phase = 20s;
    Limiter limiter(fixed, {});
    EXPECT_EQ(limiter.admit(of(900), Time(19s)).exceeded, Exceeded::nothing);
    EXPECT_EQ(limiter.admit(of(900), Time(20s)).exceeded, Exceeded::nothing) << "a new minute began";
    EXPECT_EQ(limiter.admit(of(200), Time(30s)).wait, 50s);
    fixed.phase = 80s;
    Limiter late(fixed, {});
    EXPECT_EQ(late.admit(of(900), Time(20s)).exceeded, Exceeded::nothing);
    EXPECT_EQ(late.admit(of(900), Time(21s)).exceeded, Exceeded::tokens)
        << "a minute before the first is one, too";
}

TEST(LabLimiter, BucketFlowsBackEvenly) {
    LimiterModel gcra = model(WindowKind::gcra);
    gcra.tpm = 6000; // 100 per second
    gcra.burst = 10s;
    Limiter limiter(gcra, {});
    EXPECT_EQ(limiter.admit(of(1000), Time(0s)).exceeded, Exceeded::nothing);
    const Admission refused = limiter.admit(of(300), Time(1s));
    EXPECT_EQ(refused.exceeded, Exceeded::tokens);
    EXPECT_NEAR(std::chrono::duration<double>(refused.wait).count(), 2, 1e-6);
    EXPECT_EQ(limiter.admit(of(300), Time(1s + refused.wait)).exceeded, Exceeded::nothing);
}

TEST(LabLimiter, ProvisionedCutsTheEstimateToUsage) {
    LimiterModel ptu = model(WindowKind::ptu);
    ptu.tpm = 6000;
    ptu.burst = 10s;
    Limiter limiter(ptu, {});
    const Admission running = limiter.admit({900, 100}, Time(0s));
    ASSERT_EQ(running.exceeded, Exceeded::nothing);
    EXPECT_EQ(limiter.used(Time(0s)), 900);
    EXPECT_EQ(limiter.admit(of(300), Time(0s)).exceeded, Exceeded::tokens);
    limiter.ended(running, Time(0s));
    EXPECT_EQ(limiter.used(Time(0s)), 100);
    EXPECT_EQ(limiter.admit(of(300), Time(0s)).exceeded, Exceeded::nothing);
}

TEST(LabLimiter, ReservationIsCutToUsageInItsOwnMinute) {
    Limiter limiter(model(WindowKind::sliding, ChargeBy::reserve), {});
    const Admission admission = limiter.admit({800, 300}, Time(0s));
    limiter.ended(admission, Time(5s));
    EXPECT_EQ(limiter.used(Time(5s)), 300);
    EXPECT_EQ(limiter.used(Time(60s)), 0) << "it leaves a minute after its arrival";
}

TEST(LabLimiter, UsageLetsInWhatItCannotForesee) {
    Limiter limiter(model(WindowKind::sliding, ChargeBy::billed), {});
    const Admission first = limiter.admit({0, 900}, Time(0s));
    const Admission second = limiter.admit({0, 900}, Time(0s));
    EXPECT_EQ(second.exceeded, Exceeded::nothing);
    limiter.ended(first, Time(1s));
    limiter.ended(second, Time(2s));
    EXPECT_EQ(limiter.used(Time(2s)), 1800);
    EXPECT_EQ(limiter.admit({0, 10}, Time(3s)).wait, 58s)
        << "until the first is forgotten, a minute after its end";
}

TEST(LabLimiter, ABucketIsFilledAtTheEndByUsage) {
    LimiterModel bucket = model(WindowKind::gcra, ChargeBy::billed);
    bucket.tpm = 600; // ten a second
    Limiter limiter(bucket, {});
    const Admission first = limiter.admit({0, 700}, Time(0s));
    EXPECT_EQ(limiter.used(Time(30s)), 0);
    EXPECT_EQ(limiter.admit({0, 1}, Time(30s)).exceeded, Exceeded::nothing);
    limiter.ended(first, Time(30s));
    EXPECT_EQ(limiter.used(Time(30s)), 700) << "nothing of it has drained before";
    const Admission refused = limiter.admit({0, 1}, Time(35s));
    EXPECT_EQ(refused.exceeded, Exceeded::tokens);
    EXPECT_NEAR(std::chrono::duration<double>(refused.wait).count(), 5.1, 1e-6) << "until one more is free";
}

TEST(LabLimiter, ABucketsReservationIsCutToUsage) {
    LimiterModel bucket = model(WindowKind::gcra, ChargeBy::reserve);
    bucket.tpm = 600;
    Limiter limiter(bucket, {});
    const Admission first = limiter.admit({500, 100}, Time(0s));
    EXPECT_EQ(limiter.used(Time(10s)), 400);
    limiter.ended(first, Time(10s));
    EXPECT_EQ(limiter.used(Time(10s)), 0) << "what drained of the reservation is gone";
}

TEST(LabLimiter, CountsRequestsInSlicesRefusedOnesToo) {
    LimiterModel few = model(WindowKind::sliding);
    few.rpm = 12; // two in ten seconds
    Limiter limiter(few, {});
    EXPECT_EQ(limiter.admit(of(1), Time(0s)).exceeded, Exceeded::nothing);
    EXPECT_EQ(limiter.admit(of(1), Time(1s)).exceeded, Exceeded::nothing);
    EXPECT_EQ(limiter.admit(of(1), Time(2s)).wait, 9s)
        << "it counts itself, so that of the first second must leave";
    few.count_refused = false;
    Limiter lenient(few, {});
    EXPECT_EQ(lenient.admit(of(1), Time(0s)).exceeded, Exceeded::nothing);
    EXPECT_EQ(lenient.admit(of(1), Time(1s)).exceeded, Exceeded::nothing);
    EXPECT_EQ(lenient.admit(of(1), Time(2s)).wait, 8s);
    EXPECT_EQ(lenient.admit(of(1), Time(10s)).exceeded, Exceeded::nothing);
}

TEST(LabLimiter, ChangesItsLimitInSecret) {
    Limiter limiter(model(WindowKind::sliding), {{Time(100s), 0.6}});
    EXPECT_EQ(limiter.admit(of(1000), Time(0s)).exceeded, Exceeded::nothing);
    EXPECT_EQ(limiter.admit(of(700), Time(100s)).exceeded, Exceeded::tokens);
    EXPECT_EQ(limiter.view(Time(100s)).limit_tokens, 600);
    EXPECT_EQ(limiter.admit(of(600), Time(100s)).exceeded, Exceeded::nothing);
    EXPECT_EQ(limiter.view(Time(100s)).remaining_tokens, 0);
}

TEST(LabLimiter, UntilFitsIsExactForEveryWindow) {
    for (const WindowKind window : {WindowKind::sliding, WindowKind::fixed, WindowKind::gcra}) {
        Limiter limiter(model(window), {});
        (void)limiter.admit(of(700), Time(25s));
        (void)limiter.admit(of(300), Time(26s));
        const Duration wait = limiter.until_fits(of(500), Time(27s));
        ASSERT_GT(wait, Duration::zero());
        EXPECT_EQ(limiter.admit(of(500), Time(27s) + wait - 2us).exceeded, Exceeded::tokens);
        EXPECT_EQ(limiter.admit(of(500), Time(27s) + wait).exceeded, Exceeded::nothing);
    }
}

} // namespace
} // namespace headroom::lab
