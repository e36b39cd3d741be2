// Any bytes have one count, whatever the instruction set and the cache; and a budget bounds the work on them.
// Input: a byte that chooses the encoding and the budget, then the text.
#include "balance/tokens/token_counter.hpp"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

namespace {

using namespace headroom::balance;

void require(bool holds) {
    if (!holds) std::abort();
}

/// All kinds of counters of one encoding; their caches live as long as the program, as a shard's do.
std::vector<std::unique_ptr<TokenCounter>> make_counters(Encoding encoding) {
    static const Vocabulary vocabulary;
    std::vector<std::unique_ptr<TokenCounter>> counters;
    for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
        if (!isa_supported(isa)) continue;
        for (const PieceCacheSizes& caches :
             {PieceCacheSizes::none(), PieceCacheSizes::smallest(), PieceCacheSizes{8, 10, 8, 4, true}})
            counters.push_back(
                std::make_unique<TokenCounter>(vocabulary, encoding, TokenCounterOptions{isa, caches}));
    }
    return counters;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto o200k = make_counters(Encoding::o200k_base);
    static const auto cl100k = make_counters(Encoding::cl100k_base);
    if (size == 0) return 0;
    // A copy of exactly the text's size, so that any byte too many is seen.
    const std::vector<char> block(data + 1, data + size);
    const std::string_view text(block.data(), block.size());
    const auto& counters = (data[0] & 1) != 0 ? cl100k : o200k;
    WorkBudget plenty{~std::uint64_t{0}};
    const TextCount reference = counters.front()->count(text, plenty);
    require(reference.exact && reference.tokens <= text.size());
    for (const auto& counter : counters) {
        const TextCount count = counter->count(text, plenty);
        require(count.exact && count.tokens == reference.tokens);
    }
    WorkBudget little{data[0] / 2U};
    const TextCount bounded = counters.front()->count(text, little);
    require(bounded.tokens <= text.size());
    require(bounded.exact ? bounded.tokens == reference.tokens : little.steps == 0);
    return 0;
}
