// How many tokens a text has, judged by its bytes alone: what is left to say when the exact count would cost
// too much. Within about a tenth for prose and code; texts made to mislead it can be off by a factor of
// three.
#pragma once

#include <cstdint>
#include <string_view>

namespace headroom::balance {

/// Never 0 for a text that is not empty; never more than its bytes.
[[nodiscard]] std::uint64_t estimate_tokens(std::string_view text) noexcept;

} // namespace headroom::balance
