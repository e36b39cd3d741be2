// The table is filled when the program starts: one store per token, a quarter of the size on disk.
#include "balance/tokens/pair_table.hpp"

#include <algorithm>

namespace headroom::balance {

PairTable::PairTable(const VocabularyBlob& blob)
    : hash_(*blob.header),
      displacements_(blob.displacements.data()),
      slots_(std::make_unique_for_overwrite<std::uint64_t[]>(std::size_t{1} << blob.header->slot_bits)) {
    std::fill_n(slots_.get(), std::size_t{1} << blob.header->slot_bits, ~std::uint64_t{0});
    std::uint32_t token = byte_tokens_count;
    for (const TokenSplit& split : blob.splits) {
        const std::uint64_t key = PairHash::key(split.left, split.right);
        const std::uint64_t mixed = hash_.mix(key);
        slots_[hash_.slot(mixed, displacements_[hash_.bucket(mixed)])] = key << token_bits | token++;
    }
}

} // namespace headroom::balance
