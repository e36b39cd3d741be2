// Reading what users write: fleets, traces, access logs, command lines; and that mistakes are named, never
// passed over.
#include "bench/lab/inputs.hpp"

#include "bench/lab/access_log.hpp"
#include "bench/lab/generators.hpp"
#include "tests/bench/lab/tiny.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>

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

TEST(LabFleet, NamesEveryKindOfMistakeWithItsLine) {
    struct Case {
        const char* yaml;
        std::size_t line;
        const char* says;
    };
    for (const Case& one : std::vector<Case>{
             {"", 0, "expected 'backends:'"},
             {"- a", 0, "expected 'backends:'"},
             {"backends: 5", 1, "expected a list, found '5'"},
             {"backends:\n  - {name: a}\n  - {name: a}", 3, "two backends are called 'a'"},
             {"backends:\n  - name: a\n    tpm: 3K\n    tpm: 4K", 4, "'tpm' is there twice"},
             {"backends:\n  - name: a\n    tpm: nan", 3, "found 'nan'"},
             {"backends:\n  - name: a\n    tpm: -1", 3, "found '-1'"},
             {"backends:\n  - name: a\n    tpm: 1e300", 3, "found '1e300'"},
             {"backends:\n  - name: a\n    tpm: [1]", 3, "found a list or keys"},
             {"backends:\n  - name: [a]", 2, "name: expected a word"},
             {"backends:\n  - name: \"a b\"", 2, "name: expected a word"},
             {"backends:\n  - name: a\n    limiter: {headers: maybe}", 3,
              "expected true or false, found 'maybe'"},
             {"backends:\n  - name: a\n    faults: {blackouts: [{from: 5}]}", 3, "'to' is missing"},
             {"backends:\n  - name: a\n    faults: {blackouts: [{from: 5, to: 5}]}", 3, "'to' after 'from'"},
             {"backends:\n  - name: a\n    changes: [{at: 9}, {at: 5}]", 3, "in order"},
             {"backends:\n  - name: a\n    azure: {subscription: x}", 3, "'subscription' is not known"},
             {"backends:\n\t- name: a", 2, "no YAML"}}) {
        try {
            (void)read_fleet(one.yaml);
            ADD_FAILURE() << "accepted: " << one.yaml;
        } catch (const FleetError& error) {
            EXPECT_EQ(error.line(), one.line) << one.yaml;
            EXPECT_THAT(error.what(), HasSubstr(one.says)) << one.yaml;
        }
    }
}

TEST(LabWorkload, RefusesWhatCannotBeSimulated) {
    EXPECT_THROW((void)first_part(stretched(five_requests(), 1e6), 0s), WorkloadError);
    EXPECT_THROW((void)stretched(five_requests(), 1e9), WorkloadError);
    EXPECT_THROW((void)stretched(five_requests(), 0), WorkloadError);
    EXPECT_THROW((void)stretched(five_requests(), std::nan("")), WorkloadError);
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

std::string log_line(std::string_view second, int status, std::string_view deployment, int bytes,
                     std::string_view usage = "") {
    return fmt::format(
        "{{\"time\":\"2026-01-31T12:00:{}.000Z\",\"event\":\"request\",\"path\":\"/x\",\"status\":{},"
        "\"duration_ms\":500,\"deployment\":\"{}\",\"request_bytes\":{},\"estimated_tokens\":90{}}}\n",
        second, status, deployment, bytes, usage);
}
constexpr std::string_view used = ",\"prompt_tokens\":70,\"completion_tokens\":9";

TEST(LabAccessLog, TakesTriesOfOneRequestForOne) {
    const AccessLog log =
        read_access_log(log_line("01", 429, "chat", 500) + log_line("02", 200, "chat", 501, used) +
                        log_line("20", 200, "chat", 500, used) + log_line("21", 200, "chat", 500, used));
    ASSERT_EQ(log.rows.size(), 3U) << "what succeeded does not come again";
    EXPECT_EQ(log.retries, 1U);
    EXPECT_EQ(log.rows[0].time, 0s);
    EXPECT_EQ(log.rows[0].completion_tokens, 9);
    EXPECT_EQ(log.rows[2].time, 20s);
}

TEST(LabAccessLog, GivesUpOnRetriesAsSdksDoAndGuessesTheirAnswers) {
    std::string text;
    for (const char* second : {"01", "02", "03", "04"})
        text += log_line(second, 429, "chat", 500);
    const AccessLog log = read_access_log(text + log_line("50", 200, "chat", 700, used));
    EXPECT_EQ(log.rows.size(), 3U) << "three tries are one request, the fourth is another's";
    EXPECT_EQ(log.guessed, 2U);
    EXPECT_EQ(log.rows[0].completion_tokens, 9) << "the mean of those that were answered";
}

TEST(LabAccessLog, PassesOverOtherLinesAndACutOne) {
    const std::string text = "starting up\nproxy-1 | " + log_line("01", 200, "chat", 500, used) +
                             "\x1b[1mnoise\n" + log_line("02", 200, "chat", 500, used) +
                             "{\"time\":\"2026-01-3";
    ASSERT_TRUE(is_access_log(text));
    const AccessLog log = read_access_log(text);
    EXPECT_EQ(log.rows.size(), 2U);
    EXPECT_EQ(log.other_lines, 3U);
}

TEST(LabAccessLog, PicksOneDeployment) {
    const std::string text = log_line("01", 200, "chat", 500, used) + log_line("02", 200, "embed", 500, used);
    EXPECT_EQ(read_access_log(text).deployments.size(), 2U);
    EXPECT_EQ(read_access_log(text, "embed").rows.size(), 1U);
    EXPECT_THAT([&] { (void)read_access_log(text, "other"); },
                ThrowsMessage<load::TraceError>(HasSubstr("only of chat, embed")));
}

TEST(LabAccessLog, RefusesTimesThatNoClockHas) {
    for (const char* time :
         {"9999-12-31T00:00:00.000Z", "2026-02-30T00:00:00.000Z", "2026-01-31 12:00:05.500Z",
          "2026-01-31T-1:00:05.500Z", "2026-01-31T12:00:05.500+01:00"}) {
        const std::string line =
            fmt::format("{{\"time\":\"{}\",\"event\":\"request\",\"estimated_tokens\":5}}\n", time);
        EXPECT_THROW((void)read_access_log(line), load::TraceError) << time;
    }
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
    for (const GeneratorInfo& one : generators())
        EXPECT_EQ(generate(one.name, {1, 50, 2}).size(), 50U) << one.name;
}

TEST(LabGenerators, ClientsHaveHabitsOfTheirOwn) {
    const std::vector<load::TraceRow> rows = generate("clients", {3, 20'000, 2});
    std::map<std::string, std::vector<double>> prompts;
    std::map<std::string, std::set<std::optional<std::int64_t>>> caps;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (i > 0) ASSERT_GE(rows[i].time, rows[i - 1].time);
        prompts[rows[i].tenant].push_back(std::log(static_cast<double>(rows[i].prompt_tokens)));
        caps[rows[i].tenant].insert(rows[i].max_tokens);
        EXPECT_TRUE(rows[i].prefix.empty() || rows[i].prefix == rows[i].tenant);
    }
    EXPECT_GT(prompts.size(), 30U);
    EXPECT_GT(prompts["client1"].size(), rows.size() / 5) << "few send most";
    EXPECT_LT(prompts["client30"].size(), rows.size() / 50);
    double least = 1e9;
    double most = 0;
    for (const auto& [name, sizes] : prompts) {
        if (sizes.size() < 30) continue;
        const double mean =
            std::accumulate(sizes.begin(), sizes.end(), 0.0) / static_cast<double>(sizes.size());
        least = std::min(least, mean), most = std::max(most, mean);
    }
    EXPECT_GT(most - least, std::log(4)) << "sizes differ between clients";
    for (const auto& [name, said] : caps)
        EXPECT_EQ(said.size(), 1U) << "a client has one max_tokens, or none";
}

TEST(LabOptions, ReadsLoads) {
    EXPECT_EQ(options_from({"compare", "--fleet", "f", "--trace", "t", "--load", "50%..150%"}).loads.size(),
              11U);
    EXPECT_EQ(options_from({"compare", "--fleet", "f", "--trace", "t", "--load", "50%,120"}).loads,
              (std::vector<double>{0.5, 1.2}));
    EXPECT_EQ(options_from({}).command, "help");
    EXPECT_EQ(options_from({"live", "--fleet=f", "--trace=t", "--speed=5"}).speed, 5);
    EXPECT_TRUE(options_from({"compare", "--help"}).help);
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
    for (const char* load : {"0.5", "nan", "150%..50%", ",", "50%,", "50%,50%", "1e999"}) {
        EXPECT_THROW((void)options_from({"compare", "--fleet", "f", "--trace", "t", "--load", load}),
                     OptionError)
            << load;
    }
    EXPECT_THAT(reading({"compare", "--speed", "3"}),
                ThrowsMessage<OptionError>(HasSubstr("does not belong to compare")));
    EXPECT_THAT(reading({"live", "--html", "x"}),
                ThrowsMessage<OptionError>(HasSubstr("does not belong to live")));
    EXPECT_THAT(reading({"compare", "--seeds", "1.5"}),
                ThrowsMessage<OptionError>(HasSubstr("whole number")));
    EXPECT_THAT(reading({"what-if", "--fleet", "f", "--trace", "t", "--load", "50%,60%"}),
                ThrowsMessage<OptionError>(HasSubstr("takes one")));
    EXPECT_THAT(reading({"frob"}), ThrowsMessage<OptionError>(HasSubstr("no command 'frob'")));
}

TEST(LabOptions, HelpTellsOfEveryOptionAndGenerator) {
    const std::string help = help_text();
    for (const GeneratorInfo& one : generators())
        EXPECT_THAT(help, HasSubstr("  " + std::string(one.name) + " "));
    for (const char* option :
         {"--fleet",    "--trace",    "--deployment", "--load",      "--scale",      "--minutes",
          "--requests", "--cap",      "--seed ",      "--seeds",     "--strategies", "--no-bounds",
          "--full",     "--html",     "--other",      "--region-ms", "--ptu ",       "--ptu-tpm",
          "--speed",    "--programs", "--json",       "--quiet"})
        EXPECT_THAT(help, HasSubstr(option)) << option;
    for (std::size_t at = 0; at < help.size(); at = help.find('\n', at) + 1)
        EXPECT_LE(help.find('\n', at) - at, 130U) << help.substr(at, 40);
}

TEST(LabInputs, NamesTheFileInEveryComplaint) {
    EXPECT_THAT([] { (void)fleet_from("/nowhere/fleet.yaml"); },
                ThrowsMessage<OptionError>(HasSubstr("'/nowhere/fleet.yaml'")));
    Options options;
    options.trace = "poissin";
    EXPECT_THAT([&] { (void)input_from(options); },
                ThrowsMessage<OptionError>(HasSubstr("one of poisson, bursts")));
    const std::filesystem::path folder = std::filesystem::temp_directory_path();
    options.trace = folder.string();
    EXPECT_THAT([&] { (void)input_from(options); }, ThrowsMessage<OptionError>(HasSubstr("is a folder")));
}

} // namespace
} // namespace headroom::lab
