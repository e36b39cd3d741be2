// Hash, displace: the fullest buckets choose first, each the first displacement under which all its keys are
// free.
#include "tools/vocabulary/pair_placement.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <stdexcept>

namespace headroom::vocabulary {
namespace {

class Placement {
  public:
    Placement(std::span<const balance::TokenSplit> pairs, const balance::VocabularyHeader& header)
        : hash_(header),
          buckets_(std::size_t{1} << header.bucket_bits),
          taken_(std::size_t{1} << header.slot_bits),
          displacements_(buckets_.size()) {
        for (const balance::TokenSplit& pair : pairs) {
            const std::uint64_t mixed = hash_.mix(balance::PairHash::key(pair.left, pair.right));
            buckets_[hash_.bucket(mixed)].push_back(mixed);
        }
    }

    bool place_all() {
        std::vector<std::size_t> order(buckets_.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
            const std::size_t sizes[] = {buckets_[left].size(), buckets_[right].size()};
            return sizes[0] != sizes[1] ? sizes[0] > sizes[1] : left < right;
        });
        return std::all_of(order.begin(), order.end(), [&](std::size_t bucket) { return place(bucket); });
    }

    std::vector<std::uint16_t> take_displacements() { return std::move(displacements_); }

  private:
    bool place(std::size_t bucket) {
        for (std::uint32_t displacement = 0; displacement < 0x10000; ++displacement) {
            if (fits(bucket, static_cast<std::uint16_t>(displacement))) return true;
        }
        return false;
    }

    bool fits(std::size_t bucket, std::uint16_t displacement) {
        const std::vector<std::uint64_t>& keys = buckets_[bucket];
        std::size_t placed = 0;
        while (placed < keys.size() && !taken_[hash_.slot(keys[placed], displacement)])
            taken_[hash_.slot(keys[placed++], displacement)] = true;
        if (placed == keys.size()) {
            displacements_[bucket] = displacement;
            return true;
        }
        while (placed > 0)
            taken_[hash_.slot(keys[--placed], displacement)] = false;
        return false;
    }

    balance::PairHash hash_;
    std::vector<std::vector<std::uint64_t>> buckets_;
    std::vector<bool> taken_;
    std::vector<std::uint16_t> displacements_;
};

} // namespace

std::vector<std::uint16_t> place_pairs(std::span<const balance::TokenSplit> pairs,
                                       balance::VocabularyHeader& header) {
    header.slot_bits = static_cast<std::uint32_t>(std::bit_width(pairs.size() + pairs.size() / 4));
    header.bucket_bits = header.slot_bits - 2;
    header.multiplier = 0x9e37'79b9'7f4a'7c15U;
    for (int attempt = 0; attempt < 1000; ++attempt) {
        Placement placement(pairs, header);
        if (placement.place_all()) return placement.take_displacements();
        // Any odd number will do; this walks through unrelated ones (a linear congruential generator).
        header.multiplier = (header.multiplier * 6364136223846793005U + 1442695040888963407U) | 1;
    }
    throw std::runtime_error("found no perfect hash");
}

} // namespace headroom::vocabulary
