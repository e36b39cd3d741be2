// Which requests may run twice, and where a hedge may go.
#include "balance/hedge_policy.hpp"

#include "balance/balancer.hpp"
#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;
using Kind = Choice::Kind;

constexpr Time start{1h};

bool twice(std::string_view body, Operation operation, bool names_object = false) {
    RequestScan scan;
    scan.feed(body);
    return may_run_twice({operation, &scan.finish(), names_object});
}

TEST(HedgePolicy, AStreamOfInferenceMayRunTwice) {
    EXPECT_TRUE(twice(R"({"stream":true,"messages":[],"tools":[{"type":"function"}]})", Operation::chat));
    EXPECT_TRUE(twice(R"({"stream":true,"store":false})", Operation::chat));
    EXPECT_TRUE(twice(R"({"stream":true,"prompt":"x"})", Operation::completions));
    EXPECT_TRUE(twice(R"({"stream":true,"store":false,"input":"x"})", Operation::responses));
    EXPECT_TRUE(
        twice(R"({"stream":true,"store":false,"tools":null,"conversation":null})", Operation::responses));
}

TEST(HedgePolicy, WhatLeavesSomethingBehindMayNot) {
    EXPECT_FALSE(twice(R"({"stream":true,"store":true})", Operation::chat));
    EXPECT_FALSE(twice(R"({"stream":true})", Operation::responses)) << "stored unless it says otherwise";
    EXPECT_FALSE(twice(R"({"stream":true,"store":null})", Operation::responses));
    for (const std::string more :
         {R"("previous_response_id":"resp_1")", R"("tools":[])", R"("background":true)",
          R"("conversation":"conv_1")", R"("conversation":{"id":"conv_1"})", R"("prompt":{"id":"pmpt_1"})"}) {
        EXPECT_FALSE(twice(R"({"stream":true,"store":false,)" + more + "}", Operation::responses)) << more;
    }
    EXPECT_FALSE(twice(R"({"stream":true,"store":false})", Operation::responses, true));
}

TEST(HedgePolicy, WhatIsNoStreamOrNotUnderstoodMayNot) {
    EXPECT_FALSE(twice(R"({"stream":false})", Operation::chat));
    EXPECT_FALSE(twice(R"({})", Operation::chat));
    EXPECT_FALSE(twice(R"({"stream":true)", Operation::chat)) << "cut";
    EXPECT_FALSE(may_run_twice({Operation::chat, nullptr, false}));
    for (const Operation operation :
         {Operation::embeddings, Operation::audio, Operation::images, Operation::files, Operation::realtime,
          Operation::models, Operation::other})
        EXPECT_FALSE(twice(R"({"stream":true,"store":false})", operation)) << name_of(operation);
}

BackendSpec backend(int priority = 1, std::int64_t tpm = 60'000) {
    BackendSpec spec;
    spec.priority = priority;
    spec.tpm = Tokens(tpm);
    spec.rpm = 60'000;
    return spec;
}

/// Of a request that backend 0 has.
Demand hedge(std::int64_t cost, double used_max = 0.5) {
    Demand demand;
    demand.cost = Tokens(cost);
    demand.late = demand.excluded = 1;
    demand.silent = 700ms;
    demand.used_max = used_max;
    return demand;
}

Choice choose(Fleet& fleet, const Demand& demand, Time now = start) {
    return Balancer().choose(fleet, demand, now);
}

void use(Fleet& fleet, std::uint32_t backend_index, std::int64_t cost) {
    Lease lease =
        fleet.take(backend_index, {{}, Tokens(cost), Tokens(0)}, Taking::anyway, fleet.moment(start));
    lease.success(start);
    lease.settle({}, start);
}

TEST(HedgeDecision, GoesWhereEnoughIsLeftWithIt) {
    Fleet fleet({backend(), backend()});
    use(fleet, 1, 28'000);
    Choice choice = choose(fleet, hedge(2'000));
    EXPECT_EQ(choice.kind, Kind::send);
    EXPECT_EQ(choice.backend, 1U);
    EXPECT_EQ(choice.reason, "hedge");
    choice.lease.cancel_unsent(start);
    choice = choose(fleet, hedge(2'001));
    EXPECT_EQ(choice.kind, Kind::refuse) << "half and one token";
    EXPECT_EQ(choice.reason, "scarce");
    EXPECT_FALSE(choice.lease);
    EXPECT_FALSE(choice.quota) << "nobody is refused for it";
    EXPECT_EQ(choose(fleet, hedge(2'001, 0.6)).kind, Kind::send);
}

TEST(HedgeDecision, NeverToTheLateOneItself) {
    Fleet fleet({backend()});
    EXPECT_EQ(choose(fleet, hedge(1)).reason, "scarce");
}

TEST(HedgeDecision, ALaterTierWillDoWhereAnEarlierOneIsFull) {
    Fleet fleet({backend(1), backend(1), backend(2)});
    EXPECT_EQ(choose(fleet, hedge(1'000)).backend, 1U);
    use(fleet, 1, 40'000);
    const Choice choice = choose(fleet, hedge(1'000));
    EXPECT_EQ(choice.kind, Kind::send);
    EXPECT_EQ(choice.backend, 2U);
}

TEST(HedgeDecision, NobodyIsProbedOrOverrunForIt) {
    Fleet fleet({backend(), backend()});
    for (int i = 0; i < 2; ++i)
        fleet.take(1, {{}, Tokens(1), Tokens(0)}, Taking::anyway, fleet.moment(start))
            .fault(Fault::connect, start);
    EXPECT_EQ(choose(fleet, hedge(1)).kind, Kind::refuse) << "broken";
    Demand plain = hedge(1);
    plain.late = 0;
    EXPECT_EQ(choose(fleet, hedge(1), start + 2s).kind, Kind::refuse) << "due";
    EXPECT_EQ(choose(fleet, plain, start + 2s).reason, "probe") << "which another request may find out";
}

TEST(HedgeDecision, WhateverComesAHedgeOnlyGoesWhereItFitsAndLeavesEnough) {
    for (const std::uint64_t seed : seeds(300)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        std::vector<BackendSpec> specs(2 + random.below(6));
        for (BackendSpec& spec : specs)
            spec = backend(static_cast<int>(random.below(3)),
                           static_cast<std::int64_t>(random.below(4)) * 20'000);
        Fleet fleet(specs);
        Time now = start;
        for (int i = 0; i < 100; ++i) {
            now += std::chrono::milliseconds(random.below(1000));
            Demand demand = hedge(static_cast<std::int64_t>(random.below(20'000)),
                                  0.01 * static_cast<double>(random.below(100)));
            demand.random = random.bits();
            std::vector<Outlook> looks(specs.size());
            for (std::uint32_t b = 0; b < specs.size(); ++b)
                fleet.look_at(b, {{}, demand.cost, {}}, fleet.moment(now), looks[b]);
            Choice choice = choose(fleet, demand, now);
            ASSERT_NE(choice.kind, Kind::wait);
            if (choice.kind == Kind::send) {
                const Outlook& look = looks[choice.backend];
                EXPECT_NE(choice.backend, 0U);
                EXPECT_EQ(choice.reason, "hedge");
                EXPECT_EQ(look.state, Outlook::State::open);
                EXPECT_TRUE(look.fits);
                EXPECT_LE(look.used, demand.used_max);
            } else {
                EXPECT_EQ(choice.reason, "scarce");
            }
            if (choice.lease && random.chance(20)) choice.lease.fault(Fault::server_error, now);
        }
    }
}

} // namespace
} // namespace headroom::balance
