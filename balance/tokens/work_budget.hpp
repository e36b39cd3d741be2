// How much work a text may still cause.
#pragma once

#include <cstdint>

namespace headroom::balance {

/// The work that is left for what no cache answers. One step is one byte of a piece that must be merged, or
/// one token that was tried in vain in a long piece; so the same text in the same state costs the same
/// everywhere. What is cut, looked up or skipped as a repetition runs at memory speed and costs no steps.
struct WorkBudget {
    std::uint64_t steps = 32 * 1024;
};

} // namespace headroom::balance
