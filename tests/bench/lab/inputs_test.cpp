// Reading what users write: fleets, traces, access logs, command lines; and that mistakes are named, never
// passed over.
#include "bench/lab/inputs.hpp"

#include "bench/lab/access_log.hpp"
#include "bench/lab/generators.hpp"
#include "tests/bench/lab/tiny.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

namespace headroom::lab {
namespace {

using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::Throws;
using ::testing::ThrowsMessage;
using namespace std::chrono_literals;

TEST(LabFleet, ReadsEveryExample) {
    const std::filesystem::path folder =
        std::filesystem::path(std::getenv("HEADROOM_SOURCE_DIR")) / "docs/examples/lab";
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        EXPECT_GT(fleet_from(entry.path()).tokens_per_minute(), 0) << entry.path();
        ++count;
    }
    EXPECT_GE(count, 5);
}

TEST(LabFleet, ExpandsCopiesAndUnits) {
    const FleetModel fleet = read_fleet("backends: [{name: x, tpm: 30K, copies: 3}, {name: y, tpm: 1M}]");
    ASSERT_EQ(fleet.backends.size(), 4U);
    EXPECT_EQ(fleet.backends[1].name, "x2");
    EXPECT_EQ(fleet.backends[2].told_rpm, 180);
    EXPECT_EQ(fleet.tokens_per_minute(), 1'090'000);
}

TEST(LabFleet, NamesMistakes) {
    const auto reading = [](const char* yaml) { return [yaml] { (void)read_fleet(yaml); }; };
    EXPECT_THAT(reading("backends: [{name: x, tmp: 1}]"),
                ThrowsMessage<FleetError>(HasSubstr("'tmp' is not known")));
    EXPECT_THAT(reading("backends: [{name: x, tpm: 1X}]"),
                ThrowsMessage<FleetError>(HasSubstr("found '1X'")));
    EXPECT_THAT(reading("backends:\n  - {name: x, limiter: {window: round}}"),
                Throws<FleetError>(Property(&FleetError::line, 2)));
    EXPECT_THAT(reading("backends: []"), ThrowsMessage<FleetError>(HasSubstr("1 to 64")));
    EXPECT_THAT(reading("backends: ["), Throws<FleetError>(Property(&FleetError::line, 1)));
    EXPECT_THAT(reading("backends: [{tpm: 1}]"), ThrowsMessage<FleetError>(HasSubstr("needs a name")));
}

TEST(LabWorkload, CapsByRule) {
    const std::vector<load::TraceRow> rows = {
        {.prompt_tokens = 100, .completion_tokens = 100},
        {.prompt_tokens = 100, .completion_tokens = 5, .max_tokens = 77}};
    EXPECT_EQ(workload_of(rows, {}).requests[0].cap, 128);
    EXPECT_EQ(workload_of(rows, {}).requests[1].cap, 77);
    EXPECT_EQ(workload_of(rows, {.cap = CapRule::none}).requests[0].cap, 0);
    const Workload fixed = workload_of(rows, {.cap = CapRule::fixed, .cap_tokens = 50});
    EXPECT_EQ(fixed.requests[0].cap, 50);
    EXPECT_EQ(fixed.requests[0].output, 50) << "an answer ends at its cap";
}

TEST(LabWorkload, NamedPrefixesShareWhatTheShortestHas) {
    const std::vector<load::TraceRow> rows = {{.prompt_tokens = 1600, .prefix = "p"},
                                              {.prompt_tokens = 5000, .prefix = "p"},
                                              {.prompt_tokens = 5000, .prefix = "q"},
                                              {.prompt_tokens = 5000}};
    const Workload workload = workload_of(rows, {});
    EXPECT_EQ(workload.requests[1].blocks_count, 3U);
    EXPECT_EQ(workload.requests[0].prefix, workload.requests[1].prefix);
    EXPECT_NE(workload.requests[0].prefix, workload.requests[2].prefix);
    EXPECT_EQ(workload.requests[3].prefix, 0U);
}

TEST(LabWorkload, StretchesAndCuts) {
    const Workload workload = stretched(five_requests(), 10);
    EXPECT_EQ(workload.requests[4].at, Time(80s));
    EXPECT_EQ(workload.span, 100s);
    EXPECT_EQ(first_part(workload, 50s).requests.size(), 3U);
}

TEST(LabAccessLog, TurnsEndsIntoArrivals) {
    const std::string log =
        R"({"time":"2026-01-31T12:00:05.500Z","event":"request","duration_ms":5500,"estimated_tokens":90,"prompt_tokens":70,"completion_tokens":9})"
        "\n"
        R"({"time":"2026-01-31T12:00:04.000Z","event":"request","duration_ms":1000,"estimated_tokens":90,"counted_output_tokens":4})"
        "\n"
        R"({"time":"2026-01-31T12:00:06.000Z","event":"refused","status":400})"
        "\n";
    ASSERT_TRUE(is_access_log(log));
    const std::vector<load::TraceRow> rows = read_access_log(log).rows;
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].prompt_tokens, 70);
    EXPECT_EQ(rows[1].time, 3s);
    EXPECT_EQ(rows[1].prompt_tokens, 90);
    EXPECT_EQ(rows[1].completion_tokens, 4);
}

TEST(LabAccessLog, NamesTheLineThatIsWrong) {
    EXPECT_THAT([] { (void)read_access_log("{\"time\":\"x\",\"event\":\"request\"}"); },
                ThrowsMessage<load::TraceError>(HasSubstr("line 1")));
    EXPECT_THAT([] { (void)read_access_log("{\"time\":\"\n\n "); },
                ThrowsMessage<load::TraceError>(HasSubstr("line 1")));
    EXPECT_FALSE(is_access_log("TIMESTAMP,ContextTokens,GeneratedTokens"));
    EXPECT_FALSE(is_access_log(""));
}

TEST(LabGenerators, HaveTheVariationTheyPromise) {
    const auto variation = [](std::string_view kind) {
        const std::vector<load::TraceRow> rows = generate(kind, {3, 40'000, 2});
        double sum = 0;
        double squares = 0;
        for (std::size_t i = 1; i < rows.size(); ++i) {
            const double gap = std::chrono::duration<double>(rows[i].time - rows[i - 1].time).count();
            sum += gap;
            squares += gap * gap;
        }
        const auto count = static_cast<double>(rows.size() - 1);
        EXPECT_NEAR(sum / count, 0.5, 0.05) << kind;
        return std::sqrt(squares / count - sum / count * (sum / count)) / (sum / count);
    };
    EXPECT_NEAR(variation("poisson"), 1, 0.05);
    EXPECT_NEAR(variation("bursts"), 4, 0.4);
    EXPECT_TRUE(generate("nothing", {}).empty());
}

TEST(LabOptions, ReadsLoads) {
    EXPECT_EQ(options_from({"compare", "--fleet", "f", "--trace", "t", "--load", "50%..150%"}).loads.size(),
              11U);
    EXPECT_EQ(options_from({"compare", "--fleet", "f", "--trace", "t", "--load", "50%,120"}).loads,
              (std::vector<double>{0.5, 1.2}));
    EXPECT_EQ(options_from({}).command, "help");
}

TEST(LabOptions, NamesMistakes) {
    const auto reading = [](const std::vector<std::string>& arguments) {
        return [arguments] { (void)options_from(arguments); };
    };
    EXPECT_THAT(reading({"compare"}), ThrowsMessage<OptionError>(HasSubstr("needs --fleet")));
    EXPECT_THAT(reading({"compare", "--fleet"}), ThrowsMessage<OptionError>(HasSubstr("needs a value")));
    EXPECT_THAT(reading({"compare", "--sead", "1"}), ThrowsMessage<OptionError>(HasSubstr("'--sead'")));
    EXPECT_THAT(reading({"compare", "--seeds", "0"}), ThrowsMessage<OptionError>(HasSubstr("from 1")));
    EXPECT_THAT(reading({"compare", "--fleet", "f", "--trace", "t", "--load", "x"}),
                ThrowsMessage<OptionError>(HasSubstr("--load")));
}

} // namespace
} // namespace headroom::lab
