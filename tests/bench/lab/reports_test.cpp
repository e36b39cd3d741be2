// What users get to see: tables, JSON, the HTML page, what-if and what live hands to the real programs.
#include "bench/lab/azure_commands.hpp"
#include "bench/lab/generators.hpp"
#include "bench/lab/html_report.hpp"
#include "bench/lab/json_report.hpp"
#include "bench/lab/live.hpp"
#include "bench/lab/table.hpp"
#include "bench/lab/what_if.hpp"
#include "tests/bench/lab/tiny.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

namespace headroom::lab {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

WorkloadMaker poisson(std::size_t requests) {
    return [requests](std::uint64_t seed) {
        return workload_of(generate("poisson", {seed, requests, 2}), {.seed = seed});
    };
}

std::vector<LoadResult> small_result(const FleetModel& fleet) {
    ComparisonOptions options;
    options.loads = {0.7, 1.1};
    options.seeds = 2;
    options.strategies = {find_strategy("mirror"), find_strategy("random"), find_strategy("clairvoyant")};
    return compare(fleet, poisson(200), options);
}

FleetModel small_fleet() {
    return read_fleet("backends: [{name: 'a<b>\"', tpm: 20K}, {name: b, tpm: 20K}]");
}

TEST(LabReports, JsonIsWholeAndParses) {
    const FleetModel fleet = small_fleet();
    const std::vector<LoadResult> results = small_result(fleet);
    simdjson::dom::parser parser;
    const simdjson::dom::element json = parser.parse(json_of({"fleet", "trace", 1, 2}, fleet, results));
    EXPECT_EQ(std::string_view(json["backends"].at(0)), "a<b>\"");
    EXPECT_EQ(json["loads"].get_array().size(), 2U);
    const simdjson::dom::element mirror = json["loads"].at(1)["strategies"].at(0);
    EXPECT_EQ(std::string_view(mirror["name"]), "mirror");
    EXPECT_DOUBLE_EQ(double(mirror["goodput_against_mirror"]["mean"]), 0);
    EXPECT_NEAR(double(mirror["figures"]["goodput"]["mean"]),
                figure(results[1].strategies[0], &Figures::goodput).mean, 1);
    EXPECT_LE(double(mirror["share_of_flow"]["mean"]), 1);
    EXPECT_EQ(mirror["waits"].get_array().size(), 101U);
    EXPECT_EQ(mirror["utilisation"]["used"].get_array().size(), 2U);
}

TEST(LabReports, HtmlCarriesAllThatItNeeds) {
    const FleetModel fleet = small_fleet();
    const std::string html = html_of(json_of({"</script>", "trace", 1, 2}, fleet, small_result(fleet)));
    EXPECT_THAT(html, HasSubstr("uPlot"));
    EXPECT_THAT(html, HasSubstr("\\u003c/script>"));
    for (const char* outside :
         {"src=", "href=", "@import", "url(", "fetch(", "@data@", "@script@", "@style@"})
        EXPECT_THAT(html, Not(HasSubstr(outside))) << outside;
}

TEST(LabReports, TableOrdersByGoodput) {
    const std::string table = table_of(small_result(small_fleet())[1]);
    EXPECT_LT(table.find("clairvoyant"), table.find("random"));
    EXPECT_THAT(table, HasSubstr("load 110% of the quotas, 200 requests"));
    EXPECT_THAT(table, HasSubstr("2 seeds"));
}

TEST(LabWhatIf, MovesQuotaAndSaysHow) {
    const FleetModel fleet =
        fleet_of(steady("a", "tpm: 3000") + steady("b", "tpm: 3000"), "client: {retries: 0}\n");
    WhatIfOptions options;
    options.strategy = find_strategy("weighted-rr");
    const std::vector<Workload> workloads = {tiny_workload({{0, 3500}, {1, 900}})};
    const FleetModel plan = best_plan(fleet, workloads, options);
    const std::vector<std::string> commands = commands_for(fleet, plan);
    EXPECT_EQ(plan.tokens_per_minute(), 6000);
    EXPECT_GE(std::max(plan.backends[0].limiter.tpm, plan.backends[1].limiter.tpm), 4000);
    ASSERT_EQ(commands.size(), 2U);
    const bool a_lowered = plan.backends[0].limiter.tpm < 3000;
    EXPECT_THAT(commands[0], HasSubstr(a_lowered ? "--name 'a'" : "--name 'b'")) << "what is given back comes first";
    EXPECT_THAT(commands_for(fleet, fleet), IsEmpty());
}

TEST(LabWhatIf, TriesEachBackendAndAProvisionedOne) {
    const FleetModel fleet = small_fleet();
    WhatIfOptions options;
    options.strategy = find_strategy("mirror");
    options.load = 0.9;
    const std::vector<Scenario> all = what_if(fleet, poisson(150), options);
    ASSERT_EQ(all.size(), 1 + 2 + 2 * 3 + 2 + 1U);
    EXPECT_EQ(all[0].name, "as it is");
    EXPECT_LE(all.back().client_429_rate.mean, all[0].client_429_rate.mean);
    EXPECT_EQ(all.back().fleet.tokens_per_minute(), fleet.tokens_per_minute());
    EXPECT_THAT(table_of(all), HasSubstr("and 15 PTU"));
}

TEST(LabLive, HandsOnWhatIsSimulated) {
    EXPECT_EQ(csv_of(tiny_workload({{1.5, 10, 20, 32}, {2, 5, 6}})),
              "time,prompt_tokens,completion_tokens,max_tokens,tenant,prefix\n"
              "1.500000,10,20,32,tenant0,\n2.000000,5,6,,tenant0,\n");
    const FleetModel fleet = read_fleet(
        "backends: [{name: a, tpm: 5K, rpm: 60, limiter: {window: fixed, charge: max, slice: 1, headers: "
        "false, retry_after: none}}]");
    EXPECT_EQ(mock_backend(fleet.backends[0]),
              "a,tpm=5000,rpm=60,slice=1,window=fixed,charge=max,default_max=16,context=128000,count_"
              "rejected=true,ttft=300,"
              "token_ms=15,quirks=no-ratelimit;no-retry-after;no-retry-after-ms");
    EXPECT_THROW(
        (void)run_live(read_fleet("backends: [{name: a, limiter: {window: ptu}}]"), five_requests(), {}),
        FleetError);
}

} // namespace
} // namespace headroom::lab
