// Recorded decisions survive JSON bit by bit, and what is no record is refused.
#include "core/decision_json.hpp"

#include "balance/balancer.hpp"
#include "balance/decision_fields.hpp"
#include "core/replay_command.hpp"
#include "core/request_id.hpp"
#include "core/why_page.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace headroom::core {
namespace {

constexpr net::Time start{std::chrono::hours(1)};

int replay(const std::string& text) {
    Options options;
    options.file = "-";
    std::istringstream in(text);
    std::ostringstream out;
    std::ostringstream err;
    return run_replay(options, in, out, err);
}

TEST(DecisionJson, RandomDecisionsAreReplayedFromWhatIsTold) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        Config config;
        std::vector<balance::BackendSpec> specs(1 + random() % (seed % 20 == 0 ? 64 : 6));
        for (balance::BackendSpec& spec : specs) {
            spec.priority = static_cast<int>(random() % 3);
            spec.weight = static_cast<double>(random() % 1000) / 7;
            spec.tpm = balance::Tokens(static_cast<std::int64_t>(random() % 40'000));
            config.backends.emplace_back().name = "b";
        }
        balance::Fleet fleet(specs);
        const auto recorder = std::make_unique<balance::FlightRecorder>(std::size_t{1} << 14U);
        balance::Demand demand;
        for (unsigned i = 0; i < 10; ++i) {
            demand.random = random();
            demand.cost = balance::Tokens(static_cast<std::int64_t>(random() % 20'000));
            demand.patience = std::chrono::seconds(random() % 50);
            auto choice = balance::Balancer().choose(fleet, demand, start, {recorder.get(), {"x", 1, i}});
            demand.late = random() % 2 == 0 ? std::uint64_t{1} << random() % specs.size() : 0;
            demand.excluded = demand.late;
            demand.silent = std::chrono::milliseconds(random() % 5000);
            demand.used_max = static_cast<double>(random() % 1000) / 997;
            if (random() % 3 == 0) choice.lease.fault(balance::Fault::connect, start);
        }
        const balance::FlightRecorder* all = recorder.get();
        const auto page = why_json({config, fleet, {&all, 1}, start, {}}, "x");
        ASSERT_TRUE(page);
        EXPECT_EQ(replay(*page), 0) << *page;
    }
}

TEST(DecisionJson, RefusesWhatIsNoRecord) {
    simdjson::dom::parser parser;
    for (const std::string text :
         {R"({})", R"([])", R"({"input":{},"decision":{},"candidates":[]})", R"({"input":1})"}) {
        const auto recorded = std::make_unique<RecordedDecision>();
        EXPECT_FALSE(read_decision(parser.parse(text), *recorded)) << text;
    }
}

TEST(RequestId, TakesPlainNamesOnly) {
    EXPECT_EQ(request_id_of("req_1-A.b:c", 7), "req_1-A.b:c");
    EXPECT_EQ(request_id_of(std::string(64, 'x'), 7), std::string(64, 'x'));
    for (const std::string wild : {"", "a b", "a/b", "a\"b", "\xc3\xa4", "a\n"})
        EXPECT_EQ(request_id_of(wild, 0xabc), "0000000000000abc") << wild;
    EXPECT_EQ(request_id_of(std::string(65, 'x'), 1), "0000000000000001");
}

} // namespace
} // namespace headroom::core
