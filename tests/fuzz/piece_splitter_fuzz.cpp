// Any bytes are cut into the same pieces by every instruction set, a few at a time or many; their features
// are the same too. Input: a byte that chooses how many pieces are asked for at once, then the text.
#include "balance/tokens/piece_splitter.hpp"
#include "balance/tokens/text_features.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using namespace headroom::balance;

void require(bool holds) {
    if (!holds) std::abort();
}

std::vector<Piece> pieces_of(std::string_view text, Encoding encoding, Isa isa, std::size_t step) {
    const PieceSplitter splitter(encoding, isa);
    std::vector<Piece> pieces;
    std::vector<Piece> out(step);
    std::size_t at = 0;
    std::size_t expected = 0;
    while (const std::size_t count = splitter.split(text, at, out)) {
        for (std::size_t i = 0; i < count; ++i) {
            require(out[i].begin == expected && out[i].size != 0);
            expected += out[i].size;
        }
        require(at == expected);
        pieces.insert(pieces.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
    }
    require(expected == text.size());
    return pieces;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // A copy of exactly the text's size, so that any byte too many is seen.
    const std::vector<char> block(data + 1, data + size);
    const std::string_view text(block.data(), block.size());
    for (const Encoding encoding : {Encoding::o200k_base, Encoding::cl100k_base}) {
        const std::vector<Piece> expected = pieces_of(text, encoding, Isa::scalar, 64);
        for (const Isa isa : {Isa::avx2, Isa::avx512}) {
            if (!isa_supported(isa)) continue;
            require(pieces_of(text, encoding, isa, 1U + data[0]) == expected);
            require(TextFeatures::of(text, isa) == TextFeatures::of(text, Isa::scalar));
        }
    }
    return 0;
}
