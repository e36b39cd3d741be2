// What the tests of leases share: one backend with two known deployments, and short ways to lease and to
// look.
#pragma once

#include "balance/fleet.hpp"
#include "balance/lease.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace headroom::balance {

using namespace std::chrono_literals;

inline constexpr Time start{1h};

inline BackendSpec spec(std::int64_t tpm, Charging charging = Charging::on_arrival) {
    BackendSpec backend;
    backend.name = "a";
    backend.tpm = Tokens(tpm);
    backend.rpm = 6000;
    backend.charging = charging;
    backend.overrides = {{"chat", Tokens(0), 0}, {"embedding", Tokens(0), 0}};
    return backend;
}

/// One backend with two known deployments.
class LeaseTest : public ::testing::Test {
  protected:
    explicit LeaseTest(Charging charging = Charging::on_arrival) : fleet_({spec(60'000, charging)}) {}

    Lease lease(std::int64_t cost, Time now = start, std::string_view deployment = "chat",
                std::int64_t prompt = 0) {
        const Want want{fleet_.key(deployment), Tokens(cost), Tokens(prompt)};
        return fleet_.take(0, want, Taking::anyway, fleet_.moment(now));
    }

    SlotView view(Time now = start, std::string_view deployment = "chat") {
        for (SlotView& slot : fleet_.snapshot(now)) {
            if (slot.deployment == deployment && !slot.overflow) return slot;
        }
        ADD_FAILURE() << "no slot " << deployment;
        return {};
    }

    Outlook outlook(std::int64_t cost, Time now, std::string_view deployment = "chat") {
        Outlook look;
        fleet_.look_at(0, {fleet_.key(deployment), Tokens(cost), Tokens(0)}, fleet_.moment(now), look);
        return look;
    }

    static RateLimits limits(std::int64_t limit, std::int64_t remaining) {
        RateLimits read;
        read.limit_tokens = limit;
        read.remaining_tokens = remaining;
        return read;
    }

    static Refusal refusal(Duration wait, Refusal::Kind kind = Refusal::Kind::tokens) {
        Refusal read;
        read.kind = kind;
        read.retry_after = wait;
        read.stated = true;
        return read;
    }

    void expect_balanced(const SlotView& slot) {
        EXPECT_EQ(slot.charged_total, slot.used_total + slot.tokens_reserved.count());
    }

    Fleet fleet_;
};

} // namespace headroom::balance
