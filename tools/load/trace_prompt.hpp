// Makes up the prompt of a trace's row: English words of about as many tokens, alike where the trace says so.
// Pure and deterministic: the same row always has the same text. Not here: the request around it
// (trace_plan.hpp).
#pragma once

#include "tools/load/trace_reader.hpp"

#include <cstdint>
#include <string>

namespace headroom::load {

/// Mean characters per word with its blank; each word is one token of OpenAI's tokenizers.
[[nodiscard]] double trace_word_characters() noexcept;

/// Words of the whole prompt of `row`; rows that share a prefix name share the first three quarters, in steps
/// of 128 words; equal blocks are equal text, and what no name or block covers differs from row to row
/// (`number`).
[[nodiscard]] std::string trace_prompt(const TraceRow& row, std::uint64_t number, std::int64_t words);

} // namespace headroom::load
