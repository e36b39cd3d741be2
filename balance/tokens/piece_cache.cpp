// The memory of the four tables is one block, so that a caller can give it large pages.
#include "balance/tokens/piece_cache.hpp"

#include <cstddef>

namespace headroom::balance {
namespace {

/// The size of a large page, so that the block can consist of them.
constexpr std::size_t block_alignment = std::size_t{2} << 20;

} // namespace

std::size_t PieceCache::bytes() const noexcept {
    return (sizeof(Words) << sizes_.words) + (sizeof(Phrases) << sizes_.phrases) +
           (sizeof(Hot) << sizes_.hot) + (sizeof(Chain) << sizes_.chains);
}

PieceCache::PieceCache(const PieceCacheSizes& sizes, std::pmr::memory_resource& memory)
    : sizes_(sizes), memory_(memory), block_(memory.allocate(bytes(), block_alignment)) {
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
    memory_.deallocate(block_, bytes(), block_alignment);
}

} // namespace headroom::balance
