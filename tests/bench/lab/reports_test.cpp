// What users get to see: tables, JSON, the HTML page, what-if and what live hands to the real programs.
#include "bench/lab/azure_commands.hpp"
#include "bench/lab/generators.hpp"
#include "bench/lab/html_report.hpp"
#include "bench/lab/json_report.hpp"
#include "bench/lab/live.hpp"
#include "bench/lab/live_timeline.hpp"
#include "bench/lab/table.hpp"
#include "bench/lab/what_if.hpp"
#include "tests/bench/lab/tiny.hpp"

#include <fmt/format.h>
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
    EXPECT_LE(double(mirror["share_of_fluid"]["mean"]), 1);
    EXPECT_GT(double(mirror["share_of_clairvoyant"]["mean"]), 0.5);
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
    // A browser that keeps to this policy asks nobody for anything, whatever the scripts in the page do.
    EXPECT_THAT(
        html,
        HasSubstr("\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
                  "script-src 'unsafe-inline'\""));
}

TEST(LabReports, TheSameSeedGivesTheSameBytes) {
    const FleetModel fleet = small_fleet();
    const auto once = [&] { return json_of({"fleet", "trace", 1, 2}, fleet, small_result(fleet)); };
    EXPECT_EQ(once(), once());
}

TEST(LabReports, ProgressSaysHowFastAndNothingWhenQuiet) {
    const auto said = [](Progress::Kind kind) {
        testing::internal::CaptureStderr();
        Progress progress(kind, 1);
        progress.begin("a step");
        volatile double spent = 0;
        for (int i = 0; i < 2'000'000; ++i)
            spent = spent + i;
        progress.end(5000);
        progress.finish();
        return testing::internal::GetCapturedStderr();
    };
    EXPECT_THAT(said(Progress::Kind::lines), HasSubstr("5000 requests simulated in"));
    EXPECT_EQ(said(Progress::Kind::none), "");
}

TEST(LabReports, TableOrdersByGoodput) {
    const std::string table = table_of(small_result(small_fleet())[1]);
    EXPECT_LT(table.find("clairvoyant"), table.find("random"));
    EXPECT_THAT(table, HasSubstr("load 110% of the quotas, 200 requests"));
    EXPECT_THAT(table, HasSubstr("2 seeds"));
    for (const char* reference : {"of fluid", "of flow", "of clair"})
        EXPECT_THAT(table, HasSubstr(reference));
    const std::string full = table_of(small_result(small_fleet())[1], true);
    for (const char* column : {"Jain", "gap", "cached", "cost/1M", "whole p99", "ttft p50"})
        EXPECT_THAT(full, HasSubstr(column));
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
    EXPECT_THAT(commands[0], HasSubstr(a_lowered ? "--name 'a'" : "--name 'b'"))
        << "what is given back comes first";
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
    simdjson::dom::parser parser;
    const simdjson::dom::element json = parser.parse(json_of(all, {"az 'x'"}));
    EXPECT_EQ(json["scenarios"].get_array().size(), all.size());
    EXPECT_EQ(std::string_view(json["commands"].at(0)), "az 'x'");
}

TEST(LabWhatIf, TriesAUnitMoreAnotherRegionAndOtherFleets) {
    const FleetModel fleet = read_fleet(
        "backends: [{name: p, tpm: 30K, limiter: {window: ptu}}, {name: s, tpm: 20K, latency: {first_ms: "
        "100}}]");
    WhatIfOptions options;
    options.strategy = find_strategy("mirror");
    options.region_ms = 250;
    options.others.emplace_back("eu", small_fleet());
    const std::vector<Scenario> all = what_if(fleet, poisson(50), options);
    const auto named = [&](std::string_view name) {
        const auto found = std::ranges::find(all, name, &Scenario::name);
        EXPECT_NE(found, all.end()) << name;
        return found == all.end() ? all.front().fleet : found->fleet;
    };
    EXPECT_EQ(named("p 1 PTU more").backends[0].limiter.tpm, 33'000);
    EXPECT_EQ(named("and another region").backends[2].latency.first_ms, 350);
    EXPECT_EQ(named("and another region").backends[2].limiter.tpm, 20'000);
    EXPECT_EQ(named("all -20%").tokens_per_minute(), 40'000);
    EXPECT_EQ(named("eu").backends.size(), 2U);
    EXPECT_EQ(named("best plan, same total").backends[0].limiter.tpm, 30'000)
        << "units of throughput are no quota";
}

TEST(LabWhatIf, MovesQuotaWithinAPoolOnly) {
    const FleetModel fleet = read_fleet(
        "client: {retries: 0}\n"
        "backends:\n"
        "  - {name: a, tpm: 3K, rpm: 6000, azure: {region: eastus}}\n"
        "  - {name: b, tpm: 3K, rpm: 6000, azure: {region: westus}}\n");
    WhatIfOptions options;
    options.strategy = find_strategy("weighted-rr");
    EXPECT_THAT(commands_for(fleet, best_plan(fleet, {tiny_workload({{0, 3500}, {1, 900}})}, options)),
                IsEmpty());
}

TEST(LabAzureCommands, AreWholeAndQuoted) {
    FleetModel before = read_fleet(
        "backends: [{name: a, tpm: 30500, azure: {account: it's, resource_group: rg, deployment: chat, "
        "model: gpt-4.1, "
        "version: 2025-04-14, sku: GlobalStandard}}, {name: b, tpm: 10K}, {name: p, tpm: 9K, limiter: "
        "{window: ptu}}]");
    FleetModel after = before;
    after.backends[0].limiter.tpm = 38'500;
    after.backends[1].limiter.tpm = 2'000;
    after.backends[2].limiter.tpm = 12'000;
    const std::vector<std::string> commands = commands_for(before, after);
    ASSERT_EQ(commands.size(), 2U) << "provisioned throughput has another unit";
    EXPECT_EQ(
        commands[0],
        "az cognitiveservices account deployment create --resource-group \"$RESOURCE_GROUP\" --name 'b' "
        "--deployment-name \"$DEPLOYMENT\" --model-format OpenAI --model-name \"$MODEL\" --model-version "
        "\"$MODEL_VERSION\" --sku-name \"$SKU\" --sku-capacity 2");
    EXPECT_EQ(
        commands[1],
        "az cognitiveservices account deployment create --resource-group 'rg' --name 'it'\\''s' "
        "--deployment-name 'chat' --model-format OpenAI --model-name 'gpt-4.1' --model-version '2025-04-14' "
        "--sku-name 'GlobalStandard' --sku-capacity 38");
}

TEST(LabLive, AgreesDiffersOrCannotTell) {
    LiveResult result;
    result.speed = 20;
    result.live = {1, 97'100, 0.019, 0, 1, 1, 1};
    result.simulated = result.simulated_least = result.simulated_most = {1, 100'000, 0.01, 0, 1, 1, 1};
    EXPECT_EQ(verdict_on(result), Verdict::agrees);
    result.live.goodput = 96'900;
    EXPECT_EQ(verdict_on(result), Verdict::differs);
    result.live.goodput = 103'100;
    EXPECT_EQ(verdict_on(result), Verdict::differs);
    result.live.goodput = 100'000;
    result.live.client_429s = 0.021;
    EXPECT_EQ(verdict_on(result), Verdict::differs);
    EXPECT_THAT(table_of(result), HasSubstr("client 429s +1.10 points"));
    result.late_p99_s = 0.3;
    EXPECT_EQ(verdict_on(result), Verdict::late);
    EXPECT_THAT(table_of(result), HasSubstr("try --speed 10"));
    result.simulated_most.client_429s = 0.012;
    EXPECT_EQ(verdict_on(result), Verdict::agrees) << "chance alone simulates as much";
    result.simulated_most.client_429s = 0.01;
    EXPECT_THAT(table_of(result), Not(HasSubstr("chance alone")));
    result.simulated_least.goodput = 80'000;
    EXPECT_THAT(table_of(result), HasSubstr("chance alone moves the simulated goodput by 20 %"));
    result.simulated_least.goodput = 100'000;
    simdjson::dom::parser parser;
    EXPECT_EQ(std::string_view(simdjson::dom::element(parser.parse(json_of(result)))["verdict"]), "late");
}

TEST(LabLive, TellsTheMockWhatHappensWhen) {
    const FleetModel fleet = read_fleet(
        "backends:\n"
        "  - {name: a, tpm: 10K, changes: [{at: 60, factor: 0.5}], faults: {error_rate: 0.1, blackouts: "
        "[{from: 30, to: 60}]}}\n"
        "  - {name: b, tpm: 10K, latency: {first_ms: 200, output_token_ms: 10}, faults: {brownouts: [{from: "
        "5, to: 40, factor: 3}],"
        " blackouts: [{from: 50, to: 55, hangs: true}]}}\n");
    std::vector<std::string> said;
    for (const MockOrder& one : mock_orders(fleet))
        said.push_back(fmt::format("{} {} {} {}", one.at.time_since_epoch() / std::chrono::seconds(1),
                                   one.method, one.target, one.body));
    EXPECT_THAT(said, ::testing::ElementsAre(
                          "0 POST /faults {\"backend\":\"a\",\"kind\":\"500\",\"probability\":0.1}",
                          "5 POST /config {\"backend\":\"b\",\"ttft\":600,\"token_ms\":30}",
                          "30 POST /faults {\"backend\":\"a\",\"kind\":\"503\"}",
                          "40 POST /config {\"backend\":\"b\",\"ttft\":200,\"token_ms\":10}",
                          "50 POST /faults {\"backend\":\"b\",\"kind\":\"hang\"}",
                          "55 DELETE /faults?backend=b ", "60 DELETE /faults?backend=a ",
                          "60 POST /faults {\"backend\":\"a\",\"kind\":\"500\",\"probability\":0.1}",
                          "60 POST /config {\"backend\":\"a\",\"tpm\":5000,\"rpm\":30}"));
}

TEST(LabLive, SimulatesPromptsAsLoadWritesThem) {
    Workload workload = tiny_workload({{0, 1000, 20, 32}});
    workload.blocks = {1, 2};
    workload.requests[0].blocks_count = 2;
    workload.requests[0].prefix = 7;
    const Workload same = as_load_sends(workload);
    // (1000 - 12) words of 4.1 characters and " [[tokens=20]]", by four.
    EXPECT_NEAR(static_cast<double>(same.requests[0].characters), 988 * 4.1 / 4 + 3.5, 20);
    EXPECT_EQ(same.requests[0].prefix, 0U);
    EXPECT_TRUE(same.blocks_of(same.requests[0]).empty());
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
