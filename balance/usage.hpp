// What a response says it consumed: one shape for chat, completions, embeddings and Responses.
#pragma once

#include "balance/quantities.hpp"

namespace headroom::balance {

/// Billed tokens as the backend reported them; details are parts of prompt and completion, never additions to
/// them.
struct Usage {
    Tokens prompt;     ///< prompt_tokens or input_tokens.
    Tokens completion; ///< completion_tokens or output_tokens, zero for embeddings.
    Tokens total;      ///< total_tokens, or the sum of the two when the field is missing.
    Tokens cached;     ///< Part of prompt that was served from the prompt cache.
    Tokens reasoning;  ///< Part of completion that was hidden reasoning.

    friend bool operator==(const Usage&, const Usage&) noexcept = default;
};

} // namespace headroom::balance
