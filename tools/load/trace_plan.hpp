// Turns a trace into requests that are due at their times: how fast, how large, what each one allows.
// Built before a run, then read by every worker. Promises: a row's due time depends on the trace and the
// options alone, never on the server. Not here: who sends when (worker.hpp).
#pragma once

#include "tools/load/clock.hpp"
#include "tools/load/options.hpp"
#include "tools/load/sending.hpp"
#include "tools/load/trace_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace headroom::load {

/// Sums over the rows that will be sent.
struct TraceTotals {
    std::uint64_t rows = 0;
    std::int64_t prompt_tokens = 0;
    std::int64_t completion_tokens = 0;
    std::int64_t charge = 0;
    std::int64_t charge_max = 0; ///< Of one request.
    double seconds = 0;          ///< From the first row to the last, in the time of the trace's clock.
    double charge_per_minute = 0;
};

class TracePlan {
  public:
    /// Throws OptionError when the options do not fit the trace (--load of a trace without a span, say).
    TracePlan(Trace trace, const Options& options);

    [[nodiscard]] std::size_t size() const noexcept { return trace_.rows.size(); }
    /// When row `index` is due after the start of the run, in real time.
    [[nodiscard]] Nanoseconds due(std::size_t index) const noexcept;
    /// The request of row `index`.
    [[nodiscard]] Sending sending(std::size_t index) const;
    [[nodiscard]] const TraceTotals& totals() const noexcept { return totals_; }

  private:
    [[nodiscard]] std::optional<std::int64_t> max_tokens(const TraceRow& row) const noexcept;
    [[nodiscard]] std::int64_t charge(const TraceRow& row) const noexcept;
    void add_up();
    void keep_part();

    Trace trace_;
    const Options* options_;
    double pace_ = 1; // the trace's clock against the recorded one; above 1 is faster
    TraceTotals totals_;
};

/// Tokens that a limiter counts for the row's prompt by its characters: a quarter of them, rounded up.
[[nodiscard]] std::int64_t prompt_charge(const TraceRow& row) noexcept;

/// `tokens` rounded up to a max_tokens that people write: powers of two from 16 on.
[[nodiscard]] std::int64_t usual_cap(std::int64_t tokens) noexcept;

/// Reads the file and the options; throws TraceError or OptionError with the file's name.
[[nodiscard]] TracePlan plan_trace(const Options& options);

} // namespace headroom::load
