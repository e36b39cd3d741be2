// The quick look that spares most texts the slow one.
#include "balance/tokens/bigram_cut.hpp"

#include <cstring>

namespace headroom::balance {

bool BigramCut::may_cut(std::string_view text) noexcept {
    // The three top bits of a byte meet in its topmost one.
    const auto tops = [](std::uint64_t bytes) { return bytes & bytes << 1 & bytes << 2; };
    std::uint64_t found = 0;
    std::size_t i = 0;
    std::uint64_t eight = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::memcpy(&eight, text.data() + i, 8);
        found |= tops(eight);
    }
    eight = 0;
    std::memcpy(&eight, text.data() + i, text.size() - i);
    found |= tops(eight);
    return (found & 0x8080'8080'8080'8080U) != 0;
}

} // namespace headroom::balance
