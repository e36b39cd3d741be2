// Reads recorded or made-up arrivals of LLM requests: when, how many tokens in and out, whose, with which
// prefix. Pure: text in, rows out. Shared by load and by bench/. Promises: a malformed row is a TraceError
// with its line; nothing is guessed or skipped. Not here: what is sent for a row (trace_plan.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::load {

/// A trace cannot be used; the text has the line number and what was expected there.
class TraceError : public std::runtime_error {
  public:
    TraceError(std::size_t line, const std::string& what);
    [[nodiscard]] std::size_t line() const noexcept { return line_; } ///< From 1; 0: the file as a whole.
    /// "arrivals.csv:7: time: expected ..."
    [[nodiscard]] std::string in_file(std::string_view name) const;

  private:
    std::size_t line_;
    std::string problem_;
};

/// One request of a trace.
struct TraceRow {
    std::chrono::nanoseconds time{0}; ///< After the first row of the trace.
    std::int64_t prompt_tokens = 0;
    std::int64_t completion_tokens = 0;     ///< What the answer had.
    std::optional<std::int64_t> max_tokens; ///< What the request allowed, if the trace says so.
    std::string tenant;                     ///< Empty: not said.
    std::string prefix;                     ///< Rows of the same name begin alike; empty: not said.
    std::vector<std::uint64_t>
        blocks; ///< Identities of the prompt's blocks of prefix_block_tokens, in order.
};

/// Tokens of one block in TraceRow::blocks (Mooncake, FAST'25).
inline constexpr std::int64_t prefix_block_tokens = 512;

enum class TraceFormat : std::uint8_t { azure_csv, mooncake_jsonl, headroom_csv };

struct Trace {
    TraceFormat format = TraceFormat::headroom_csv;
    std::vector<TraceRow> rows; ///< In order of time; never empty.
};

/// Reads a whole file. The format is told by its first line: `TIMESTAMP,ContextTokens,GeneratedTokens`
/// (Azure's LLM inference traces), a JSON object (Mooncake), or
/// `time,prompt_tokens,completion_tokens,max_tokens,tenant,prefix` (seconds; the last three columns may be
/// absent, their cells empty). Columns may stand in any order. Throws TraceError.
[[nodiscard]] Trace read_trace(std::string_view text);

} // namespace headroom::load
