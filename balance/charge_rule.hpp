// What a quota may count of a request: the rules that vendors document or that were observed, and what each
// makes of one request. Sources: Azure OpenAI quota documentation (prompt characters and max_tokens, at
// arrival), the limiter of Microsoft's OpenAI simulator (max_tokens or 16), Microsoft's answer that the
// context is reserved and released at the end, OpenAI's rate limits (usage). They contradict each other, so
// all of them compete.
#pragma once

#include "balance/quantities.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headroom::balance {

enum class ChargeRule : std::uint8_t {
    characters_and_cap, ///< A quarter of the prompt's characters and the cap of the output.
    tokens_and_cap,     ///< The prompt's tokens and the cap.
    cap_only,           ///< The cap; of embeddings their characters.
    usage,              ///< What was used, when it is known.
    reserved, ///< Prompt and cap, or the whole context without one; what was not used is given back.
    fitted,   ///< A factor each for the prompt and the cap.
};

/// Rules that are figures of a request alone, without anything that was fitted.
inline constexpr std::size_t plain_rules = 5;

/// What a quota may count of one request; all zero for requests that cost nothing but themselves.
struct ChargeBasis {
    Tokens characters; ///< A quarter of the prompt's characters, rounded up.
    Tokens prompt;     ///< The prompt's tokens.
    Tokens cap;        ///< Of all answers, or what is assumed where the request sets none; embeddings: 0.
    Tokens capped;     ///< What cap_only counts.
    Tokens reserved;   ///< What reserved counts at first.
    Tokens expected;   ///< What usage will probably say.

    /// Nothing is known but the cost.
    [[nodiscard]] static ChargeBasis of(Tokens prompt, Tokens cost) noexcept {
        const Tokens cap = cost > prompt ? cost - prompt : Tokens(0);
        return {prompt, prompt, cap, cap, cost, cost};
    }
};

/// Sums of what every plain rule counted, and of prompts and caps, which fitting needs.
using ChargeSums = std::array<std::int64_t, plain_rules + 2>;

/// What a request adds to the sums when it is sent. By usage that is nothing.
[[nodiscard]] ChargeSums sums_at_arrival(const ChargeBasis& basis) noexcept;
/// What it adds when its usage is known.
[[nodiscard]] ChargeSums sums_at_end(const ChargeBasis& basis, Tokens used) noexcept;

/// "prompt characters and max_tokens", for people.
[[nodiscard]] std::string_view name_of(ChargeRule rule) noexcept;

} // namespace headroom::balance
