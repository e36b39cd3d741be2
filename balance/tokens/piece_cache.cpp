// The four tables are one block. Large pages do not make it faster: the CPU's second level of page entries
// holds all of its pages.
#include "balance/tokens/piece_cache.hpp"

#include <cstddef>
#include <new>

namespace headroom::balance {
std::size_t PieceCache::bytes() const noexcept {
    return (sizeof(Words) << sizes_.words) + (sizeof(Phrases) << sizes_.phrases) +
           (sizeof(Hot) << sizes_.hot) + (sizeof(Chain) << sizes_.chains);
}

PieceCache::PieceCache(const PieceCacheSizes& sizes)
    : sizes_(sizes), block_(::operator new(bytes(), std::align_val_t(alignof(Words)))) {
    std::memset(block_, 0, bytes());
    auto* at = static_cast<std::byte*>(block_);
    const auto take = [&]<class Line>(Line*& table, unsigned bits) {
        table = reinterpret_cast<Line*>(at);
        at += sizeof(Line) << bits;
    };
    take(words_, sizes.words);
    take(phrases_, sizes.phrases);
    take(hot_, sizes.hot);
    take(chains_, sizes.chains);
}

PieceCache::~PieceCache() {
    ::operator delete(block_, std::align_val_t(alignof(Words)));
}

} // namespace headroom::balance
