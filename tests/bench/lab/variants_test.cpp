// At 90 % of the quotas, whatever rule the limiters go by: nobody is told to wait in vain, and hardly
// anything is refused, what must be learned of the limiters included.
#include "bench/lab/comparison.hpp"
#include "bench/lab/fleet_model.hpp"
#include "bench/lab/generators.hpp"
#include "bench/lab/strategy.hpp"
#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

namespace headroom::lab {
namespace {

using Variant = std::tuple<const char*, const char*, int>;

class LabVariants : public testing::TestWithParam<Variant> {};

FleetModel fleet_with(const Variant& variant) {
    const auto [charge, window, slice] = variant;
    const std::string limiter = std::string("limiter: {charge: ") + charge + ", window: " + window +
                                ", slice: " + std::to_string(slice) + "}}\n";
    return read_fleet(
        "deadline: 600\nclient: {retries: 0}\nbackends:\n  - {name: a, copies: 2, tpm: 100K, rpm: 6000, " +
        limiter + "  - {name: b, tpm: 200K, rpm: 6000, " + limiter);
}

TEST_P(LabVariants, AreFollowedAtNineTenthsOfTheQuotas) {
    const FleetModel fleet = fleet_with(GetParam());
    ComparisonOptions options;
    options.loads = {0.9};
    options.strategies = {find_strategy("mirror")};
    options.bounds = false;
    for (const std::uint64_t seed : balance::seeds(4)) {
        SCOPED_TRACE(balance::seed_note(seed));
        options.seed = seed;
        const auto make = [](std::uint64_t of) {
            return workload_of(generate("bursts", {.seed = of, .requests = 4000}), {.seed = of});
        };
        const auto results = compare(fleet, make, options);
        const StrategyResult& mirror = results.at(0).strategies.at(0);
        EXPECT_EQ(figure(mirror, &Figures::client_429_rate).mean, 0);
        EXPECT_LE(figure(mirror, &Figures::upstream_429_rate).mean, 0.005);
    }
}

std::string name_of(const testing::TestParamInfo<Variant>& info) {
    const auto [charge, window, slice] = info.param;
    const std::string rule = charge == std::string("prompt+max") ? "prompt_and_max" : charge;
    return rule + "_" + window + "_" + std::to_string(slice);
}

INSTANTIATE_TEST_SUITE_P(All, LabVariants,
                         testing::Combine(testing::Values("prompt+max", "max", "billed", "reserve"),
                                          testing::Values("sliding", "fixed", "gcra"),
                                          testing::Values(1, 10)),
                         name_of);

} // namespace
} // namespace headroom::lab
