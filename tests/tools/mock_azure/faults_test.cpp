// Ordering faults: reading them, and whose turn it is.
#include "tools/mock_azure/faults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::mock {
namespace {

using testing::HasSubstr;

Fault fault_of(std::string_view text) {
    const FaultOrError read = read_fault(text);
    EXPECT_EQ(read.error, "");
    return read.fault;
}

FaultPlan::Moment request(std::string_view deployment, std::string_view target) {
    return {FaultStage::request, deployment, target, false};
}

TEST(MockFaults, NamesMatchTheEnumeration) {
    for (std::size_t i = 0; i < fault_names().size(); ++i) {
        EXPECT_EQ(static_cast<std::size_t>(fault_names()[i].kind), i) << fault_names()[i].name;
        const Fault read = fault_of(R"({"kind":")" + std::string(fault_names()[i].name) + R"("})");
        EXPECT_EQ(read.kind, fault_names()[i].kind);
    }
}

TEST(MockFaults, AStatusIsAKind) {
    EXPECT_EQ(fault_of(R"({"kind":"503"})").status, 503);
    EXPECT_EQ(fault_of(R"({"kind":429,"retry_after_ms":50})").retry_after_ms, 50);
}

TEST(MockFaults, MistakesSayWhatWasExpected) {
    EXPECT_THAT(read_fault("x").error, HasSubstr("expected a JSON object"));
    EXPECT_THAT(read_fault("{}").error, HasSubstr("kind is missing"));
    EXPECT_THAT(read_fault(R"({"kind":"boom"})").error, HasSubstr("reset_stream"));
    EXPECT_THAT(read_fault(R"({"kind":"hang","cuont":3})").error, HasSubstr("unknown member 'cuont'"));
    EXPECT_THAT(read_fault(R"({"kind":"hang","probability":2})").error, HasSubstr("0 to 1"));
    EXPECT_THAT(read_fault(R"({"kind":"hang","count":"3"})").error, HasSubstr("count: expected a number"));
}

TEST(MockFaults, CountAfterAndFilters) {
    FaultPlan plan(1);
    plan.add(fault_of(R"({"kind":"500","count":2,"after":1,"deployment":"chat","path":"chat/completions"})"));
    EXPECT_FALSE(plan.strike(request("embedding", "/x/chat/completions")));
    EXPECT_FALSE(plan.strike(request("chat", "/x/embeddings")));
    EXPECT_FALSE(plan.strike(request("chat", "/x/chat/completions"))) << "the first one passes";
    EXPECT_TRUE(plan.strike(request("chat", "/x/chat/completions")));
    EXPECT_TRUE(plan.strike(request("chat", "/x/chat/completions")));
    EXPECT_FALSE(plan.strike(request("chat", "/x/chat/completions")));
    EXPECT_EQ(plan.faults().front().struck, 2);
}

TEST(MockFaults, EachKindStrikesAtItsStage) {
    FaultPlan plan(1);
    plan.add(fault_of(R"({"kind":"stale"})"));
    plan.add(fault_of(R"({"kind":"hang_accept"})"));
    EXPECT_FALSE(plan.strike(request("chat", "/")));
    EXPECT_FALSE(plan.strike({FaultStage::head, "chat", "/", false})) << "stale needs a used connection";
    EXPECT_EQ(plan.strike({FaultStage::head, "chat", "/", true})->kind, FaultKind::stale);
    EXPECT_EQ(plan.strike({FaultStage::connection, {}, {}, false})->kind, FaultKind::hang_accept);
}

TEST(MockFaults, ProbabilityIsAFrequency) {
    const std::uint64_t seed = 42;
    FaultPlan plan(seed);
    plan.add(fault_of(R"({"kind":"reset","probability":0.25})"));
    int struck = 0;
    for (int i = 0; i < 10'000; ++i)
        struck += plan.strike(request("chat", "/")) ? 1 : 0;
    EXPECT_NEAR(struck, 2'500, 150) << "seed " << seed;
}

} // namespace
} // namespace headroom::mock
