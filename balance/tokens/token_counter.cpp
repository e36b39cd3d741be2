// A batch of pieces at a time, so that they are counted while they are still near the CPU.
#include "balance/tokens/token_counter.hpp"

#include "balance/tokens/byte_estimate.hpp"

#include <cstdint>
#include <limits>

namespace headroom::balance {

TokenCounter::TokenCounter(const Vocabulary& vocabulary, Encoding encoding, const Options& options)
    : splitter_(encoding, options.isa),
      counter_(vocabulary.tables(encoding), options.isa, options.caches, *options.memory) {}

TextCount TokenCounter::count(std::string_view text, WorkBudget& budget) noexcept {
    if (text.size() > std::numeric_limits<std::uint32_t>::max()) return {estimate_tokens(text), false};
    TextCount total;
    std::size_t at = 0;
    while (const std::size_t found = splitter_.split(text, at, pieces_)) {
        const TextCount counted = counter_.count(text, {pieces_.data(), found}, budget);
        total.tokens += counted.tokens;
        if (!counted.exact) return {total.tokens + estimate_tokens(text.substr(at)), false};
    }
    return total;
}

} // namespace headroom::balance
