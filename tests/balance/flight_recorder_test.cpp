// What is recorded comes back whole and decides the same again; a reader beside the writer never sees half a
// record.
#include "balance/flight_recorder.hpp"

#include "balance/balancer.hpp"
#include "balance/decision.hpp"
#include "balance/decision_fields.hpp"
#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

constexpr Time start{1h};

std::unique_ptr<Fleet> random_fleet(Random& random) {
    std::vector<BackendSpec> specs(1 + random.below(random.chance(10) ? backends_max : 8));
    for (BackendSpec& spec : specs) {
        spec.priority = static_cast<int>(random.below(3));
        spec.weight = static_cast<double>(random.below(5));
        spec.tpm = Tokens(static_cast<std::int64_t>(random.below(4) * 20'000));
        spec.rpm = static_cast<int>(random.below(300));
    }
    return std::make_unique<Fleet>(std::move(specs), FleetOptions{random.bits(), 1s});
}

void live(Random& random, Lease& lease, Time now) {
    if (!lease) return;
    if (random.chance(20)) {
        lease.fault(Fault::server_error, now);
    } else if (random.chance(15)) {
        Refusal refusal;
        refusal.retry_after = std::chrono::milliseconds(1 + random.below(9000));
        refusal.stated = true;
        lease.refused(refusal, now);
    } else if (random.chance(80)) {
        lease.success(now);
        lease.settle({}, now);
    }
}

bool same(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

void expect_same(const Decision& again, const Decision& recorded) {
    std::vector<std::uint64_t> words;
    visit_decision(recorded, [&](std::string_view, auto field) { words.push_back(to_word(field)); });
    std::size_t at = 0;
    visit_decision(
        again, [&](std::string_view name, auto field) { EXPECT_EQ(to_word(field), words[at++]) << name; });
    for (std::uint32_t i = 0; i < backends_max; ++i) {
        if ((recorded.scored >> i & 1) != 0) EXPECT_TRUE(same(again.score[i], recorded.score[i])) << i;
    }
}

/// A client's request of 1 to 4 attempts; `tell` hears of every recorded decision.
template <class Tell>
void one_request(Random& random, Fleet& fleet, FlightRecorder& recorder, const std::string& id, Time now,
                 Tell tell) {
    Demand demand;
    demand.cost = Tokens(static_cast<std::int64_t>(random.below(30'000)));
    demand.random = random.bits();
    demand.candidates = random.chance(20) ? random.bits() : ~0ULL;
    demand.may_probe = random.chance(90);
    if (random.chance(30)) demand.patience = std::chrono::milliseconds(random.below(60'000));
    const bool hedges = random.chance(30);
    for (std::uint32_t attempt = 0; attempt < 1 + random.below(4); ++attempt) {
        Choice choice = Balancer().choose(fleet, demand, now, {&recorder, {id, 1, attempt}});
        tell(choice);
        demand.excluded |= 1ULL << choice.backend;
        if (hedges && choice.kind == Choice::Kind::send) {
            demand.late = 1ULL << choice.backend;
            demand.silent = std::chrono::milliseconds(random.below(9000));
            demand.used_max = 0.01 * static_cast<double>(random.below(100));
        }
        live(random, choice.lease, now);
    }
}

TEST(FlightRecorder, RecordedDecisionsDecideTheSameAgain) {
    int decisions = 0;
    std::array<int, reason_count> reasons{};
    for (const std::uint64_t seed : seeds(1000)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        const std::unique_ptr<Fleet> fleet = random_fleet(random);
        FlightRecorder recorder(std::size_t{1} << 16U);
        Time now = start;
        for (int i = 0; i < 30; ++i) {
            now += std::chrono::milliseconds(random.below(2000));
            const std::string id = "request-" + std::to_string(i);
            std::vector<std::pair<std::uint32_t, std::string_view>> told;
            one_request(random, *fleet, recorder, id, now,
                        [&](const Choice& choice) { told.emplace_back(choice.backend, choice.reason); });
            std::vector<FlightRecord> records = recorder.find(id);
            ASSERT_EQ(records.size(), told.size());
            for (std::size_t n = 0; n < records.size(); ++n) {
                FlightRecord& record = records[n];
                EXPECT_EQ(record.at, now);
                EXPECT_EQ(record.attempt, n);
                EXPECT_EQ(name_of(record.decision.reason), told[n].second);
                EXPECT_EQ(record.decision.backend, told[n].first);
                record.input.shape = &fleet->shape();
                Decision again;
                decide(record.input, again);
                expect_same(again, record.decision);
                ++reasons[static_cast<std::size_t>(record.decision.reason)];
                ++decisions;
            }
        }
    }
    EXPECT_GT(decisions, 0);
    if (decisions < 50'000) return; // one seed only
    for (std::size_t i = 0; i < reason_count; ++i)
        EXPECT_GT(reasons[i], 0) << name_of(static_cast<Reason>(i));
}

TEST(FlightRecorder, ACandidateThatLookedDifferentDecidesDifferently) {
    Fleet fleet(
        {BackendSpec{.name = "a", .tpm = Tokens(60'000)}, BackendSpec{.name = "b", .tpm = Tokens(60'000)}});
    FlightRecorder recorder(4096);
    Demand demand;
    demand.cost = Tokens(100);
    const Choice choice = Balancer().choose(fleet, demand, start, {&recorder, {"x", 1, 0}});
    FlightRecord record = recorder.find("x").at(0);
    record.input.shape = &fleet.shape();
    record.input.look[choice.backend].used = 0.9;
    Decision again;
    decide(record.input, again);
    EXPECT_NE(again.backend, choice.backend);
    EXPECT_FALSE(same(again.score[choice.backend], record.decision.score[choice.backend]));
}

TEST(FlightRecorder, KeepsTheNewestWithinItsBytes) {
    FlightRecorder recorder(4096);
    EXPECT_FALSE(recorder.oldest());
    constexpr int many = 5000;
    for (int i = 0; i < many; ++i) {
        const std::string id = std::to_string(i) + std::string(static_cast<std::size_t>(i) % 80, 'x');
        RequestEnd end;
        end.prompt = Tokens(i);
        recorder.record({id, static_cast<std::uint64_t>(i), 3}, start + std::chrono::seconds(i), end);
    }
    EXPECT_EQ(recorder.count(), static_cast<std::uint64_t>(many));
    ASSERT_TRUE(recorder.oldest());
    const auto first = static_cast<int>((*recorder.oldest() - start) / 1s);
    EXPECT_GT(first, many - 4096 / 8);
    EXPECT_LT(first, many - 100);
    for (int i = 0; i < many; ++i) {
        const std::string id = std::to_string(i) + std::string(static_cast<std::size_t>(i) % 80, 'x');
        const auto found = recorder.find(id);
        ASSERT_EQ(found.size(), i < first ? 0U : 1U) << i;
        if (found.empty()) continue;
        EXPECT_EQ(found[0].id, id.substr(0, request_id_bytes_max));
        EXPECT_EQ(found[0].request_end.prompt, Tokens(i));
        EXPECT_EQ(found[0].attempt, 3U);
        EXPECT_EQ(found[0].kind, FlightRecord::Kind::end);
    }
}

TEST(FlightRecorder, TellsWhatCameOfADecision) {
    FlightRecorder recorder(4096);
    recorder.record({"a", 7, 1}, start, AttemptEnd{3, 429, 1, 2, false});
    recorder.record({"b", 8, 0}, start, AttemptEnd{});
    recorder.record({"a", 7, 1}, start + 1s, AttemptEnd{4, 200, 0, 0, true, true, false});
    const auto found = recorder.find("a");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].attempt_end.backend, 3U);
    EXPECT_EQ(found[0].attempt_end.status, 429);
    EXPECT_EQ(found[0].attempt_end.verdict, 1);
    EXPECT_EQ(found[0].attempt_end.error, 2);
    EXPECT_TRUE(found[1].attempt_end.taken);
    EXPECT_TRUE(found[1].attempt_end.hedge);
    EXPECT_FALSE(found[1].attempt_end.overtaken);
    EXPECT_EQ(found[1].request, 7U);
}

TEST(FlightRecorderThreads, AReaderSeesWholeRecordsOnly) {
    FlightRecorder recorder(4096);
    std::atomic<bool> done{false};
    std::thread writer([&] {
        for (std::int64_t i = 0; i < 200'000; ++i) {
            RequestEnd end;
            end.estimated = end.prompt = end.completion = Tokens(i);
            end.lasted = Duration(i);
            recorder.record({"same", static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(i)},
                            Time(Duration(i)), end);
        }
        done = true;
    });
    std::uint64_t seen = 0;
    std::uint64_t last = 0;
    bool again = true;
    while (again) {
        again = !done; // and one look after the end
        std::uint64_t before = 0;
        for (const FlightRecord& record : recorder.find("same")) {
            const auto number = static_cast<std::int64_t>(record.request);
            ASSERT_EQ(record.request_end.estimated, Tokens(number));
            ASSERT_EQ(record.request_end.completion, Tokens(number));
            ASSERT_EQ(record.request_end.lasted, Duration(number));
            ASSERT_EQ(record.at.time_since_epoch(), Duration(number));
            ASSERT_TRUE(before == 0 || record.request > before);
            before = record.request;
            ++seen;
        }
        last = std::max(last, before);
    }
    writer.join();
    EXPECT_EQ(last, 199'999U);
    EXPECT_GT(seen, 100U);
}

} // namespace
} // namespace headroom::balance
