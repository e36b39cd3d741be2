// Remembers what a block of tools costs: agents send the same tens of kilobytes of definitions with every
// request, in hundreds of texts that are each too short to be remembered.
// One per shard, in fixed memory (28 KB). Not here: what the backend makes of them (overheads.hpp).
#pragma once

#include "balance/prompt/keyed_digest.hpp"
#include "balance/prompt/keyed_table.hpp"
#include "balance/prompt/prompt_parts.hpp"

#include <cstdint>

namespace headroom::balance {

/// What a block adds to a prompt.
struct ToolsCost {
    PartTotal texts;
    std::int64_t framing = 0;
};

class ToolsMemo {
  public:
    /// What was remembered of a block; nullptr when there is nothing.
    [[nodiscard]] const ToolsCost* find(const Digest& block) const noexcept {
        const Entry* const entry = table_.find(block.low);
        return entry != nullptr && entry->high == block.high ? &entry->cost : nullptr;
    }
    /// `block` must name the tools and the model whose counter and rules made the cost.
    void remember(const Digest& block, const ToolsCost& cost) noexcept {
        table_.touch(block.low) = {block.high, cost};
    }

  private:
    struct Entry {
        std::uint64_t high = 0;
        ToolsCost cost;
    };

    KeyedTable<Entry, 128> table_;
};

} // namespace headroom::balance
