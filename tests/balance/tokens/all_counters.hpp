// One counter of each kind: instruction sets, caches and encodings that must never differ in what they count.
#pragma once

#include "balance/tokens/token_counter.hpp"
#include "tests/balance/tokens/plain_bpe.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace headroom::balance {

/// Steps that no test uses up.
inline constexpr std::uint64_t plenty = std::uint64_t{1} << 40;

inline std::vector<Isa> supported_isas() {
    std::vector<Isa> isas;
    for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
        if (isa_supported(isa)) isas.push_back(isa);
    }
    return isas;
}

class AllCounters {
  public:
    explicit AllCounters(Encoding encoding) : encoding_(encoding), splitter_(encoding, Isa::scalar) {
        for (const Isa isa : supported_isas()) {
            for (const PieceCacheSizes& caches :
                 {PieceCacheSizes{}, PieceCacheSizes::smallest(), PieceCacheSizes::none()})
                counters_.push_back(std::make_unique<TokenCounter>(shared_vocabulary(), encoding,
                                                                   TokenCounterOptions{isa, caches}));
        }
    }

    [[nodiscard]] std::uint64_t plain(std::string_view text) const {
        std::uint64_t tokens = 0;
        std::vector<Piece> pieces(text.size());
        std::size_t at = 0;
        pieces.resize(splitter_.split(text, at, pieces));
        for (const Piece& piece : pieces)
            tokens += PlainBpe::of(encoding_).encode(text.substr(piece.begin, piece.size)).size();
        return tokens;
    }

    void expect(std::string_view text, std::uint64_t tokens) {
        // A block of exactly the text's size, so that AddressSanitizer sees any byte too many.
        const std::vector<char> block(text.begin(), text.end());
        for (std::size_t i = 0; i < counters_.size(); ++i) {
            WorkBudget budget{plenty};
            const TextCount count = counters_[i]->count({block.data(), block.size()}, budget);
            ASSERT_EQ(count.tokens, tokens) << "counter " << i << " on '" << text << "'";
            ASSERT_TRUE(count.exact);
        }
    }

  private:
    Encoding encoding_;
    PieceSplitter splitter_;
    std::vector<std::unique_ptr<TokenCounter>> counters_;
};

} // namespace headroom::balance
