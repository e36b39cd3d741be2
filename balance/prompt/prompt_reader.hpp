// Reads what a request's prompt will cost out of its whole body, wherever the body lies.
// One per shard. Promises: memory is fixed and taken once; any body is accepted, work grows with its size
// and not with its shape; the same valid body gives the same parts however it is split. Not here: facts for
// routing (request_facts.hpp), which are found while the body arrives.
#pragma once

#include "balance/operation.hpp"
#include "balance/prompt/keyed_digest.hpp"
#include "balance/prompt/model_rules.hpp"
#include "balance/prompt/prompt_parts.hpp"
#include "balance/prompt/text_counting.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace headroom::balance {

/// A body in the buffers in which it was received, in order.
struct BodyPieces {
    std::span<const std::string_view> pieces;
    /// Bytes behind the last piece that may be read, whatever they are; 64 save a copy of a body in one
    /// piece.
    std::size_t readable_behind = 0;
};

/// Reads bodies one after the other.
class PromptReader {
  public:
    /// Takes about eight times `body_bytes_max`, most of which is touched only by large bodies; larger bodies
    /// are not read. `key` names blocks of hidden text.
    PromptReader(std::size_t body_bytes_max, const DigestKey& key);
    ~PromptReader();
    PromptReader(PromptReader&&) noexcept;
    PromptReader& operator=(PromptReader&&) noexcept;

    /// The parts of a prompt; their `read` is false when the body is no JSON object or too large, or its
    /// operation has no prompt. `model` is the model that the deployment serves, empty
    /// where that is not known yet; `rules` are its rules, and
    /// `counting` counts in its encoding, always: what tools cost is remembered under its name.
    [[nodiscard]] PromptParts read(const BodyPieces& body, Operation operation, std::string_view model,
                                   const ModelRules& rules, TextCounting& counting) noexcept;

  private:
    struct Workspace;
    std::unique_ptr<Workspace> workspace_;
};

} // namespace headroom::balance
