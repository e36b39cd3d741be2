// The counts of golden.jsonl, which OpenAI's own code wrote (tests/oracle/golden.mjs), from every kind of
// counter.
#include "tests/balance/random.hpp"
#include "tests/balance/tokens/all_counters.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace headroom::balance {
namespace {

struct Golden {
    std::string text;
    std::uint64_t o200k;
    std::uint64_t cl100k;
};

std::vector<Golden> read_golden() {
    const char* const root = std::getenv("HEADROOM_SOURCE_DIR");
    const std::string file = std::string(root == nullptr ? "." : root) + "/tests/balance/tokens/golden.jsonl";
    const simdjson::padded_string lines = simdjson::padded_string::load(file);
    simdjson::dom::parser parser;
    simdjson::dom::document_stream documents = parser.parse_many(lines);
    std::vector<Golden> all;
    for (const simdjson::dom::element line : documents)
        all.push_back({std::string(std::string_view(line["text"])), line["o200k"], line["cl100k"]});
    return all;
}

TEST(TokenGolden, EveryCounterSaysWhatOpenAisCodeSays) {
    const std::vector<Golden> all = read_golden();
    ASSERT_GE(all.size(), 1'900U);
    for (const Encoding encoding : both_encodings) {
        AllCounters counters(encoding);
        // Twice: from the pair table, then from the caches.
        for (int round = 0; round < 2; ++round) {
            for (const Golden& golden : all)
                counters.expect(golden.text, encoding == Encoding::o200k_base ? golden.o200k : golden.cl100k);
        }
    }
}

TEST(TokenGolden, CountsDoNotDependOnWhereTheTextBegins) {
    const std::vector<Golden> all = read_golden();
    const std::uint64_t seed = seeds(1).front();
    SCOPED_TRACE(seed_note(seed));
    Random random(seed);
    AllCounters counters(Encoding::o200k_base);
    for (int i = 0; i < 300; ++i) {
        const Golden& golden = all[random.below(all.size())];
        // A line break of its own is one token that joins with nothing that does not begin with a blank.
        if (golden.text.empty() || golden.text.find_first_of(" \n\r\t\v\f\u00a0\u0085\u3000") == 0) continue;
        const std::size_t shift = random.below(128);
        const std::string before(shift, 'a');
        counters.expect(before + "\n" + golden.text, counters.plain(before + "\n") + golden.o200k);
    }
}

} // namespace
} // namespace headroom::balance
