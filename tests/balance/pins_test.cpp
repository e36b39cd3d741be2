// Where stored objects are, remembered in bounded memory; several shards at once under TSan.
#include "balance/pins.hpp"

#include "balance/id_hash.hpp"
#include "tests/balance/random.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace headroom::balance {
namespace {

using namespace std::chrono_literals;

constexpr Time start{1h};
/// In one set of a table of any size: these differ in their tags only.
constexpr std::uint64_t same_set(std::uint64_t tag) {
    return tag;
}

TEST(PinTable, RemembersReplacesAndForgets) {
    PinTable pins(1024, 7);
    const std::uint64_t id = id_hash("resp_1", pins.seed());
    EXPECT_FALSE(pins.find(id, start));
    for (std::uint32_t backend = 0; backend < PinTable::backends_max; ++backend) {
        pins.put(id, backend, start);
        ASSERT_EQ(pins.find(id, start), backend);
    }
    EXPECT_FALSE(pins.find(id_hash("resp_2", pins.seed()), start));
    pins.forget(id);
    EXPECT_FALSE(pins.find(id, start));
}

TEST(PinTable, HasAPowerOfTwoOfEntriesAndAtLeastOneSet) {
    EXPECT_EQ(PinTable(0, 1).capacity(), PinTable::ways);
    EXPECT_EQ(PinTable(1000, 1).capacity(), 1024U);
    EXPECT_EQ(PinTable(std::size_t{1} << 17U, 1).capacity(), std::size_t{1} << 17U);
}

TEST(PinTable, AFullSetGivesUpWhatWasNotAskedForTheLongest) {
    PinTable pins(PinTable::ways, 1);
    for (std::uint64_t i = 0; i < PinTable::ways; ++i)
        pins.put(same_set(i + 1), 3, start + PinTable::age_unit * static_cast<int>(i));
    const Time later = start + 100 * PinTable::age_unit;
    EXPECT_TRUE(pins.find(same_set(1), later)); // the oldest, until it is asked for
    pins.put(same_set(100), 4, later);
    EXPECT_TRUE(pins.find(same_set(1), later));
    EXPECT_FALSE(pins.find(same_set(2), later));
    for (std::uint64_t i = 3; i <= PinTable::ways; ++i)
        EXPECT_TRUE(pins.find(same_set(i), later)) << i;
    EXPECT_EQ(pins.find(same_set(100), later), 4U);
}

TEST(PinTable, AgesNeverOverflow) {
    PinTable pins(PinTable::ways, 1);
    pins.put(1, 1, Time{});
    pins.put(2, 2, Time{-1h});
    pins.put(3, 3, Time{24h * 365 * 200});
    EXPECT_EQ(pins.find(1, Time{24h * 365 * 200}), 1U);
    EXPECT_EQ(pins.find(2, Time{}), 2U);
    EXPECT_EQ(pins.find(3, Time{}), 3U);
}

TEST(PinTable, IsWhatAMapIsAsLongAsItHasRoom) {
    for (const std::uint64_t seed : seeds(20)) {
        SCOPED_TRACE(seed_note(seed));
        Random random(seed);
        PinTable pins(4096, random.bits());
        std::unordered_map<std::uint64_t, std::uint32_t> expected;
        std::vector<std::uint64_t> ids(256);
        for (std::uint64_t& id : ids)
            id = id_hash("file-" + std::to_string(random.bits()), pins.seed());
        for (int i = 0; i < 5000; ++i) {
            const std::uint64_t id = ids[random.below(ids.size())];
            const auto backend = static_cast<std::uint32_t>(random.below(PinTable::backends_max));
            const Time now = start + random.below(1'000'000) * 1ms;
            if (random.chance(20)) {
                pins.forget(id);
                expected.erase(id);
            } else if (random.chance(40)) {
                pins.put(id, backend, now);
                expected[id] = backend;
            }
            const auto found = expected.find(id);
            ASSERT_EQ(pins.find(id, now),
                      found == expected.end() ? std::nullopt : std::optional(found->second));
        }
    }
}

TEST(PinTable, IdsThatWereChosenWithoutTheKeyDoNotMeet) {
    // whatever shares a set under one key is spread under another: eight times the set's size may not be lost
    PinTable known(1 << 12, 1);
    PinTable hidden(1 << 12, 2);
    std::vector<std::string> chosen;
    for (int i = 0; chosen.size() < 64; ++i) {
        std::string id = "resp_" + std::to_string(i);
        if ((id_hash(id, known.seed()) >> 40U & 511U) == 0) chosen.push_back(std::move(id));
    }
    std::size_t kept_known = 0;
    std::size_t kept_hidden = 0;
    for (const std::string& id : chosen) {
        known.put(id_hash(id, known.seed()), 1, start);
        hidden.put(id_hash(id, hidden.seed()), 1, start);
    }
    for (const std::string& id : chosen) {
        kept_known += known.find(id_hash(id, known.seed()), start).has_value() ? 1 : 0;
        kept_hidden += hidden.find(id_hash(id, hidden.seed()), start).has_value() ? 1 : 0;
    }
    EXPECT_EQ(kept_known, PinTable::ways);
    EXPECT_EQ(kept_hidden, chosen.size());
}

TEST(IdHash, DiffersByEveryByteAndByLengthAndIsNeverZero) {
    std::set<std::uint64_t> seen;
    std::string id;
    for (std::size_t size = 0; size < IdHash::bytes_max; ++size) {
        EXPECT_TRUE(seen.insert(id_hash(id, 1)).second);
        EXPECT_NE(id_hash(id, 1), id_hash(id, 2));
        id += 'a';
    }
    EXPECT_NE(id_hash("resp_A", 1), id_hash("resp_a", 1));
    EXPECT_EQ(id_hash(std::string(IdHash::bytes_max, 'x'), 1), id_hash(std::string(100'000, 'x'), 1));
    EXPECT_EQ(seen.count(0), 0U);
}

TEST(PinTableThreads, NoEntryIsEverHalfAnotherOnes) {
    PinTable pins(64, 1); // crowded, so that everybody evicts everybody
    constexpr int thread_count = 4;
    std::atomic<std::uint64_t> hits{0};
    std::vector<std::thread> threads;
    threads.reserve(thread_count);
    for (int index = 0; index < thread_count; ++index) {
        threads.emplace_back([&, index] {
            Random random(static_cast<std::uint64_t>(index) + 1);
            for (int i = 0; i < 50'000; ++i) {
                // each id has but one backend, whoever enters it: any other answer is a mix of two
                const std::uint64_t number = random.below(200);
                const std::uint64_t id = id_hash(std::to_string(number), pins.seed());
                const auto backend = static_cast<std::uint32_t>(number % PinTable::backends_max);
                const Time now = start + random.below(10'000) * 1s;
                if (random.chance(10)) pins.forget(id);
                if (random.chance(50)) pins.put(id, backend, now);
                if (const auto found = pins.find(id, now)) {
                    ++hits;
                    ASSERT_EQ(*found, backend);
                }
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_GT(hits.load(), 10'000U);
}

} // namespace
} // namespace headroom::balance
