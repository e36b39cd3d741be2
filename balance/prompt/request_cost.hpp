// What a request will cost before it is sent: the usage that the backend will report, and what its quota may
// go by.
// The two differ: Azure charges a quota at admission by characters, caps and best_of, and bills what was
// used. Here are the numbers that both depend on; how a quota weighs them is learned elsewhere, from its
// headers.
#pragma once

#include "balance/charge_rule.hpp"
#include "balance/operation.hpp"
#include "balance/prompt/output_forecast.hpp"
#include "balance/prompt/overheads.hpp"
#include "balance/prompt/prompt_parts.hpp"
#include "balance/quantities.hpp"
#include "balance/request_facts.hpp"
#include "balance/usage.hpp"

#include <cstdint>
#include <optional>

namespace headroom::balance {

/// Small enough to be kept with a request until its usage is known.
struct RequestCost {
    // What usage will probably say.
    Tokens prompt;
    Tokens output;      ///< The mean, of all answers together; sums of requests need it.
    Tokens output_high; ///< Nine of ten requests stay below it.

    // What a quota may go by.
    std::uint64_t characters = 0; ///< Code points of the prompt's texts; by bytes when the body was not read.
    std::uint64_t bytes = 0;      ///< Of the prompt's texts.
    std::uint64_t counted = 0;    ///< Tokens by texts and formulas, before anything that was learned.
    std::optional<Tokens> cap;    ///< Of one answer, also where it is only the documented default.
    std::uint32_t answers = 1;    ///< That are returned: n, for every prompt.
    std::uint32_t tries = 1;      ///< That are made: at least `answers`, more with best_of.
    std::uint32_t images = 0;
    bool exact = false; ///< `counted` is exact.

    // What learning needs.
    bool read = false; ///< The body was read; else all is by bytes, and nothing is learned of the prompt.
    PromptShape shape;
    OutputKind kind;

    /// The same as a balancer's demand, with the charge that Azure documents: prompt and cap times tries.
    [[nodiscard]] Cost cost() const noexcept;
    /// What rules of charging may go by. A request without a cap counts as 16 tokens of output where the cap
    /// is charged (Microsoft's simulator of Azure OpenAI), as a context of 128,000 where that is reserved.
    [[nodiscard]] ChargeBasis basis() const noexcept;
};

/// The cost of a request; `deployment` is any name for what will serve it. Bodies that could not be read, or
/// are not valid, go by their bytes. Zero for operations that charge no tokens.
[[nodiscard]] RequestCost request_cost(const RequestFacts& facts, Operation operation,
                                       const PromptParts& parts, std::uint64_t deployment,
                                       const Overheads& overheads, const OutputForecast& forecast) noexcept;

/// Learns from the usage that a request's response reported.
void learn(const RequestCost& cost, const Usage& usage, Overheads& overheads,
           OutputForecast& forecast) noexcept;

/// How far estimates were off, as sums that a metric can export: error divided by tokens is the relative
/// error.
struct EstimateErrors {
    std::uint64_t requests = 0;
    std::uint64_t prompt_tokens = 0; ///< As reported.
    std::uint64_t prompt_error = 0;  ///< Sum of |estimated - reported|.
    std::uint64_t output_tokens = 0;
    std::uint64_t output_error = 0;

    void add(const RequestCost& cost, const Usage& usage) noexcept;
};

} // namespace headroom::balance
