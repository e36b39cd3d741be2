// What a request's JSON body says about itself, found while the body arrives, without copying it.
// One RequestScan per request. Promises: any split of the body gives the same facts; memory is fixed; no
// allocation; strings are skipped with SIMD; hostile nesting, escapes and duplicates are bounded. Not here:
// exact token counts.
#pragma once

#include "balance/json_scan.hpp"
#include "balance/operation.hpp"
#include "balance/quantities.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace headroom::balance {

/// A half-open range of byte offsets in the whole body.
struct ByteRange {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    friend bool operator==(const ByteRange&, const ByteRange&) noexcept = default;
};

/// How a body asks for a stream and its usage, as far as an edit that adds the wish must know it.
struct UsageWish {
    std::uint64_t object_begin = 0; ///< Offset of the body's opening brace.
    std::uint8_t streams = 0;       ///< How often `stream` occurs; more than twice counts as twice.
    std::uint8_t options = 0;       ///< How often `stream_options` occurs, likewise.
    std::uint8_t flags = 0;         ///< How often `include_usage` occurs in the last one, likewise.
    bool has_members = false;       ///< The last `stream_options` is an object that is not empty.
    std::optional<ByteRange> value; ///< The last `stream_options` when it is an object or null.
    std::optional<ByteRange> flag;  ///< The last `include_usage` when it is true, false or null.

    friend bool operator==(const UsageWish&, const UsageWish&) noexcept = default;
};

/// Top-level facts of a request body; of duplicated keys the last one counts, as in most JSON readers.
struct RequestFacts {
    static constexpr std::size_t models_max = 4;
    static constexpr std::size_t model_bytes_max = 256;

    /// The decoded model name, empty when absent, not a string, or longer than model_bytes_max.
    [[nodiscard]] std::string_view model() const noexcept { return {model_text.data(), model_size}; }
    /// Where each `model` string lies, quotes included, in order; replace all of them.
    [[nodiscard]] std::span<const ByteRange> model_ranges() const noexcept {
        return {model_at.data(), model_count};
    }

    bool valid =
        false; ///< One JSON object (structure, literals, numbers; string contents are not checked for UTF-8).
    bool object = false;          ///< The body began as a JSON object, even if it turned out invalid later.
    bool model_is_string = false; ///< The last `model` was a string.
    std::uint8_t model_count =
        0; ///< Occurrences of a string `model`; more than models_max makes the body invalid.
    std::uint16_t model_size = 0;
    std::array<ByteRange, models_max> model_at{};
    std::array<char, model_bytes_max> model_text{};

    bool stream = false;
    bool include_usage = false;              ///< stream_options.include_usage is true.
    std::optional<ByteRange> stream_options; ///< The value, braces included.
    UsageWish usage_wish;
    std::optional<bool> store;
    /// Has members by which the Responses API does more than answer: `tools`, `conversation`, `background`,
    /// `prompt` (a stored template). Their being there counts, not their contents; null is absence.
    bool may_act = false;
    std::optional<std::int64_t> max_tokens; ///< Caps are clamped to [0, 2^40]; null counts as absent.
    std::optional<std::int64_t> max_completion_tokens;
    std::optional<std::int64_t> max_output_tokens;
    std::optional<std::int64_t> n;
    std::optional<std::int64_t> best_of;
    std::uint64_t previous_response_hash =
        0; ///< Of previous_response_id as it lies in the body; 0 = absent or null.
    std::uint64_t prompt_cache_hash = 0; ///< Of prompt_cache_key, else of user; 0 = absent.

    std::uint64_t body_bytes = 0;
    std::uint64_t text_bytes =
        0; ///< String contents below the top level and of top-level strings, escapes counted as decoded.
    std::uint64_t media_bytes = 0; ///< String contents of data: URIs, not part of text_bytes.
    std::uint32_t media_count = 0;
    std::uint64_t numbers = 0; ///< Numbers below the top level: token arrays of embeddings and completions.
};

/// What previous_response_hash holds for the id of a response, as the response wrote it; never 0.
[[nodiscard]] std::uint64_t response_hash(std::string_view id) noexcept;

/// Finds RequestFacts in a body fed in pieces; a byte order mark and white space around the object are
/// accepted.
class RequestScan {
  public:
    /// Takes the next piece; empty pieces are fine.
    void feed(std::string_view piece) noexcept;
    /// Ends the body; facts are complete and `valid` is decided.
    const RequestFacts& finish() noexcept;
    /// What is known so far.
    [[nodiscard]] const RequestFacts& facts() const noexcept { return facts_; }

  private:
    class Sink;

    void count() noexcept;

    RequestFacts facts_;
    JsonScan scan_;
    std::uint64_t not_text_ = 0; ///< Bytes of names and ids that the scan counted as text.
    std::uint64_t cache_key_ = 0;
    std::uint64_t user_ = 0;
    bool too_many_models_ = false;
};

/// The two costs of a request.
struct Cost {
    Tokens expected; ///< What `usage` will probably say.
    Tokens charge;   ///< What the backend's quota is expected to subtract at admission.
    Tokens prompt;   ///< The prompt's part of both.
};

/// Assumed output of a request that sets no cap; completions have a documented default of 16.
inline constexpr Tokens output_expected_default{256};

/// Estimates from bytes: about 4 bytes a token (UTF-8, most scripts), 3 per request, media at a flat rate,
/// and the reserved output times n or best_of. Zero for operations that charge no tokens. Works for invalid
/// bodies too; clamped to request_cost_max.
[[nodiscard]] Cost estimate(const RequestFacts& facts, Operation operation) noexcept;

} // namespace headroom::balance
