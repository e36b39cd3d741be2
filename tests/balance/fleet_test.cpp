// Construction, quotas per deployment, claiming of slots, names that hostile clients invent.
#include "balance/fleet.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

constexpr Time start{1h};

BackendSpec backend(std::string name, int priority = 1, double weight = 1) {
    BackendSpec spec;
    spec.name = std::move(name);
    spec.priority = priority;
    spec.weight = weight;
    spec.tpm = Tokens(60'000);
    return spec;
}

Lease take(Fleet& fleet, std::string_view deployment, std::int64_t cost = 100, Time now = start) {
    return fleet.take(0, {fleet.key(deployment), Tokens(cost), Tokens(0)}, Taking::anyway, fleet.moment(now));
}

Outlook look(Fleet& fleet, std::string_view deployment, Time now = start, std::int64_t cost = 100) {
    Outlook seen;
    fleet.look_at(0, {fleet.key(deployment), Tokens(cost), Tokens(0)}, fleet.moment(now), seen);
    return seen;
}

std::set<std::string> deployments(Fleet& fleet) {
    std::set<std::string> names;
    for (const SlotView& slot : fleet.snapshot(start)) {
        if (!slot.overflow && !slot.deployment.empty()) names.insert(slot.deployment);
    }
    return names;
}

SlotView overflow(Fleet& fleet) {
    for (SlotView& slot : fleet.snapshot(start)) {
        if (slot.overflow) return slot;
    }
    return {};
}

TEST(Fleet, OrdersBackendsByPriorityAndWeighsThemInTheirGroup) {
    const Fleet fleet({backend("c", 2, 5), backend("a", 1, 1), backend("b", 1, 4), backend("d", 2, 0)});
    const FleetShape& shape = fleet.shape();
    ASSERT_EQ(shape.group_count, 2U);
    EXPECT_EQ(shape.groups[0], 0b0110U);
    EXPECT_EQ(shape.groups[1], 0b1001U);
    EXPECT_DOUBLE_EQ(shape.relative_weight[1], 0.25);
    EXPECT_DOUBLE_EQ(shape.inverse_weight[1], 4);
    EXPECT_DOUBLE_EQ(shape.relative_weight[2], 1);
    EXPECT_GT(shape.relative_weight[3], 0) << "a weight of nothing is very small";
}

TEST(Fleet, DerivesRequestsFromTokensUnlessTold) {
    BackendSpec spec = backend("a");
    spec.overrides = {
        {"derived", Tokens(30'000), 0}, {"told", Tokens(30'000), 60}, {"inherits", Tokens(0), 0}};
    Fleet fleet({spec});
    std::map<std::string, std::int64_t> limits;
    for (const SlotView& slot : fleet.snapshot(start))
        limits[slot.deployment] = slot.requests_limit;
    EXPECT_EQ(limits["derived"], 30) << "6 a minute per 1,000 TPM, in 10 seconds";
    EXPECT_EQ(limits["told"], 10);
    EXPECT_EQ(limits["inherits"], 60);
    BackendSpec unknown = backend("b");
    unknown.tpm = Tokens(0);
    Fleet open({unknown});
    EXPECT_TRUE(look(open, "x", start, 16'000'000).fits) << "no limit is known";
}

TEST(Fleet, AnInventedNameClaimsNothingUntilTheBackendKnowsIt) {
    Fleet fleet({backend("a")});
    for (int i = 0; i < 1000; ++i)
        take(fleet, "invented-" + std::to_string(i)).fault(Fault::deployment_missing, start);
    EXPECT_TRUE(deployments(fleet).empty());
    EXPECT_EQ(overflow(fleet).tokens_used, Tokens(0));
    Lease real = take(fleet, "Real", 500);
    EXPECT_EQ(overflow(fleet).tokens_reserved, Tokens(500));
    real.success(start);
    EXPECT_EQ(deployments(fleet), std::set<std::string>{"Real"});
    EXPECT_EQ(overflow(fleet).tokens_reserved, Tokens(0)) << "the reservation has moved";
    EXPECT_EQ(overflow(fleet).charged_total, 0);
    real.settle({}, start);
    for (const SlotView& slot : fleet.snapshot(start)) {
        if (slot.deployment == "Real") {
            EXPECT_EQ(slot.tokens_used, Tokens(500));
        }
    }
}

TEST(Fleet, A429ProvesADeploymentToo) {
    Fleet fleet({backend("a")});
    Refusal refusal;
    refusal.retry_after = 5s;
    refusal.stated = true;
    take(fleet, "busy").refused(refusal, start);
    EXPECT_EQ(deployments(fleet), std::set<std::string>{"busy"});
    EXPECT_EQ(look(fleet, "busy").state, Outlook::State::blocked);
    EXPECT_EQ(look(fleet, "other").state, Outlook::State::open);
}

TEST(Fleet, KnowsForAWhileWhatIsMissing) {
    Fleet fleet({backend("a")});
    take(fleet, "gone").fault(Fault::deployment_missing, start);
    EXPECT_EQ(look(fleet, "gone").state, Outlook::State::broken);
    EXPECT_EQ(look(fleet, "there").state, Outlook::State::open);
    EXPECT_EQ(look(fleet, "gone", start + 31s).state, Outlook::State::open);
}

TEST(Fleet, ATableFullOfNamesSharesOneSlotAndKeepsTheFirst) {
    BackendSpec spec = backend("a");
    spec.overrides = {{"chat", Tokens(0), 0}};
    Fleet fleet({spec});
    for (std::size_t i = 0; i < 3 * deployments_max; ++i) {
        Lease held = take(fleet, "n" + std::to_string(i), 10);
        held.success(start);
        held.settle({}, start);
    }
    EXPECT_EQ(deployments(fleet).size(), deployments_max);
    EXPECT_TRUE(deployments(fleet).contains("chat"));
    EXPECT_GT(overflow(fleet).tokens_used, Tokens(0));
    EXPECT_EQ(overflow(fleet).charged_total, overflow(fleet).used_total);
}

TEST(Fleet, NamesDifferInMoreThanCase) {
    Fleet fleet({backend("a")});
    take(fleet, "GPT-4o").success(start);
    take(fleet, "gpt-4O").success(start);
    EXPECT_EQ(deployments(fleet).size(), 1U);
    EXPECT_EQ(fleet.key("").hash, 0U);
}

TEST(Fleet, ConnectFaultsConcernEveryDeployment) {
    Fleet fleet({backend("a")});
    take(fleet, "chat").success(start);
    take(fleet, "chat").fault(Fault::connect, start);
    take(fleet, "other").fault(Fault::connect, start);
    EXPECT_EQ(look(fleet, "chat").state, Outlook::State::broken);
    EXPECT_EQ(look(fleet, "").state, Outlook::State::broken);
    EXPECT_FALSE(fleet.can_serve(0, start));
    EXPECT_TRUE(fleet.can_serve(0, start + 1s)) << "it may be tried again";
}

TEST(Fleet, ServerErrorsConcernOneDeployment) {
    Fleet fleet({backend("a")});
    take(fleet, "chat").success(start);
    take(fleet, "fine").success(start);
    for (int i = 0; i < 3; ++i)
        take(fleet, "chat").fault(Fault::server_error, start);
    EXPECT_EQ(look(fleet, "chat").state, Outlook::State::broken);
    EXPECT_EQ(look(fleet, "fine").state, Outlook::State::open);
    EXPECT_TRUE(fleet.can_serve(0, start));
}

TEST(Fleet, ABackendWhoseEveryDeploymentIsBrokenCannotServe) {
    Fleet fleet({backend("a")});
    EXPECT_TRUE(fleet.can_serve(0, start)) << "not tried yet";
    take(fleet, "chat").success(start);
    for (int i = 0; i < 2; ++i)
        take(fleet, "chat").fault(Fault::auth, start);
    EXPECT_FALSE(fleet.can_serve(0, start));
}

TEST(Fleet, OnlyOneOfTwoTakersGetsTheProbe) {
    Fleet fleet({backend("a")});
    take(fleet, "chat").success(start);
    for (int i = 0; i < 2; ++i)
        take(fleet, "chat").fault(Fault::connect, start);
    for (int i = 0; i < 3; ++i)
        take(fleet, "chat").fault(Fault::server_error, start);
    const Time due = start + 1s;
    ASSERT_EQ(look(fleet, "chat", due).state, Outlook::State::probe);
    const Want want{fleet.key("chat"), Tokens(10), Tokens(0)};
    Lease first = fleet.take(0, want, Taking::probe, fleet.moment(due));
    EXPECT_TRUE(first.is_probe());
    EXPECT_FALSE(fleet.take(0, want, Taking::probe, fleet.moment(due)));
    EXPECT_EQ(look(fleet, "chat", due).state, Outlook::State::broken);
    first.success(due);
    EXPECT_EQ(look(fleet, "chat", due).state, Outlook::State::open);
    EXPECT_LT(look(fleet, "chat", due).share, 1);
    EXPECT_FALSE(first.is_probe());
}

TEST(Fleet, AProbeThatDiesIsTriedAgainAtOnce) {
    Fleet fleet({backend("a")});
    for (int i = 0; i < 2; ++i)
        take(fleet, "").fault(Fault::connect, start);
    const Time due = start + 1s;
    {
        const Lease dies = fleet.take(0, {}, Taking::probe, fleet.moment(due));
    }
    EXPECT_EQ(look(fleet, "", due).state, Outlook::State::probe);
}

TEST(Fleet, AScaledTickShortensTheMinute) {
    Fleet fleet({backend("a")}, {1, 16ms});
    Lease held = take(fleet, "", 1000);
    held.settle({}, start);
    EXPECT_FALSE(look(fleet, "", start, 60'000).fits);
    EXPECT_TRUE(look(fleet, "", start + 61 * 16ms, 60'000).fits);
}

TEST(Fleet, UnderstandsExtremeTimes) {
    Fleet fleet({backend("a")});
    for (const Time now : {Time{}, Time{-5h}, Time{24h * 365 * 9}}) {
        Lease held = take(fleet, "", 10, now);
        held.success(now);
        held.settle({}, now);
        EXPECT_EQ(look(fleet, "", now).state, Outlook::State::open);
    }
}

} // namespace
} // namespace headroom::balance
