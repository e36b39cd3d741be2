// The lines and cells that traces are made of, and the readers of the single formats.
// Used by trace_reader.cpp only. Not here: which format a text has, and the order of its rows.
#pragma once

#include "tools/load/trace_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace headroom::load {

/// More than any real request has; keeps sums far from overflow.
inline constexpr std::int64_t trace_tokens_max = 10'000'000;

/// Walks through a text line by line; accepts LF and CRLF, skips blank lines.
class TraceLines {
  public:
    explicit TraceLines(std::string_view text) noexcept : rest_(text) {}

    /// Moves to the next line that is not blank; false at the end.
    bool next() noexcept;
    [[nodiscard]] std::string_view line() const noexcept { return line_; }
    [[nodiscard]] std::size_t number() const noexcept { return number_; } ///< From 1.

  private:
    std::string_view rest_;
    std::string_view line_;
    std::size_t number_ = 0;
};

/// What a message may quote of a file: its start, without what a terminal would act on.
[[nodiscard]] std::string shown(std::string_view text);

/// Rows as they stand in the file: their times are not yet relative to the first. The CSVs begin at their
/// header, which is the current line.
[[nodiscard]] std::vector<TraceRow> read_azure_csv(TraceLines lines);
[[nodiscard]] std::vector<TraceRow> read_headroom_csv(TraceLines lines);
[[nodiscard]] std::vector<TraceRow> read_mooncake_jsonl(std::string_view text);

/// True for a first line that is meant as the header of that format, even if columns are wrong or missing.
[[nodiscard]] bool is_azure_header(std::string_view line) noexcept;
[[nodiscard]] bool is_headroom_header(std::string_view line) noexcept;

} // namespace headroom::load
