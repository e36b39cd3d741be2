// Which two adjacent tokens BPE merges, and into which: a perfect hash of the canonical splits, one probe
// each. One entry per token is enough: two tokens that come to lie side by side and join to a token are
// always that token's canonical split, since whatever merged inside its bytes before merged in the same order
// as alone.
#pragma once

#include "balance/tokens/vocabulary_blob.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace headroom::balance {

class PairTable {
  public:
    /// A probe that is under way, so that many can wait for memory together.
    struct Probe {
        std::uint64_t key;
        const std::uint64_t* slot;
    };

    explicit PairTable(const VocabularyBlob& blob);

    /// The token that `left` and `right` merge into, or no_token. Both are ids of this vocabulary.
    [[nodiscard]] std::uint32_t find(std::uint32_t left, std::uint32_t right) const noexcept {
        return finish(begin(left, right));
    }

    /// Computes where the answer lies and has it fetched.
    [[nodiscard]] Probe begin(std::uint32_t left, std::uint32_t right) const noexcept {
        const std::uint64_t key = PairHash::key(left, right);
        const std::uint64_t mixed = hash_.mix(key);
        const std::uint64_t* const slot =
            slots_.get() + hash_.slot(mixed, displacements_[hash_.bucket(mixed)]);
        __builtin_prefetch(slot);
        return {key, slot};
    }

    [[nodiscard]] static std::uint32_t finish(const Probe& probe) noexcept {
        const std::uint64_t entry = *probe.slot;
        return entry >> token_bits == probe.key ? static_cast<std::uint32_t>(entry) & token_mask : no_token;
    }

  private:
    static constexpr std::uint32_t token_mask = (1U << token_bits) - 1;

    PairHash hash_;
    const std::uint16_t* displacements_;
    std::unique_ptr<std::uint64_t[]> slots_; ///< left, right, token of 18 bits each; all ones when empty.
};

} // namespace headroom::balance
