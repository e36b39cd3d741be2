// Learns what prompts cost beside their texts, from what backends report: how tools and schemas are rendered,
// hidden prompts, images behind links, files, history that only the backend has.
// One per shard: a shard sees the client's later requests too, and learns in one response what a table for
// all would need a lock to share. Promises: memory is fixed (0.3 MB); what one client reports of its own
// block reaches nobody else's, since blocks are named by a keyed digest.
#pragma once

#include "balance/prompt/keyed_table.hpp"
#include "balance/prompt/learned_mean.hpp"
#include "balance/prompt/prompt_parts.hpp"
#include "balance/quantities.hpp"
#include "balance/tokens/estimate_correction.hpp"

#include <cstdint>

namespace headroom::balance {

/// What must be kept of a prompt until its usage is known.
struct PromptShape {
    std::uint64_t deployment =
        0;                      ///< Any name for what serves the request; equal names share what is learned.
    std::uint64_t block = 0;    ///< Of tools, formats and model; 0 when there is none.
    std::uint64_t response = 0; ///< The earlier response that is continued; 0 when there is none.
    std::int64_t counted = 0;   ///< Tokens by texts and formulas.
    std::uint32_t images_unknown = 0;
    std::uint32_t file_kibibytes = 0; ///< Files that are elsewhere count as 64.
    bool has_history = false;
    bool exact = false;
    bool vocabulary_known = true; ///< Else the counted tokens are those of another model's vocabulary.
};

/// `parts` must have been read.
[[nodiscard]] PromptShape shape_of(const PromptParts& parts, std::uint64_t deployment,
                                   std::uint64_t previous_response) noexcept;

class Overheads {
  public:
    /// What the prompt will be reported as: the counted tokens, and what was learned of the rest.
    [[nodiscard]] Tokens expected(const PromptShape& shape) const noexcept;

    /// Learns from a response; `prompt` is what its usage says. Nothing is learned from a prompt of 0.
    void observe(const PromptShape& shape, Tokens prompt) noexcept;

    /// Remembers how long a conversation has become, under the response_hash() of the response that ended it.
    void remember_response(std::uint64_t response, Tokens total) noexcept;

  private:
    /// The rest, by what it is due to; all in tokens.
    struct Deployment {
        LearnedMean plain; ///< Per request.
        LearnedMean image; ///< Per image of unknown size, beside what such an image counts as.
        LearnedMean file;  ///< Per kibibyte, beside what it counts as.
        LearnedMean history;
        EstimateCorrection vocabulary; ///< What an unknown one makes of counted tokens, framing and all.
    };

    [[nodiscard]] static double counted_of(const PromptShape& shape, const Deployment& deployment) noexcept;

    [[nodiscard]] double base_of(const PromptShape& shape, const Deployment& deployment) const noexcept;
    [[nodiscard]] double history_of(const PromptShape& shape, const Deployment& deployment) const noexcept;

    KeyedTable<LearnedMean, 1024> blocks_;
    KeyedTable<Deployment, 64> deployments_;
    KeyedTable<std::uint32_t, 1024> responses_;
};

} // namespace headroom::balance
