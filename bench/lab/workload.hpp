// The requests of one experiment: when they come, how large they are, whose they are, how they begin.
// Built once, read by every run. Promises: the same input and seed give the same requests.
// Not here: reading files (tools/load/trace_reader.hpp, access_log.hpp), what backends make of them
// (backend.hpp).
#pragma once

#include "balance/quantities.hpp"
#include "tools/load/trace_reader.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace headroom::lab {

using balance::Duration;
using balance::Time;

/// One request of a client; what the proxy may know of it, and its output, which nobody knows before.
struct Request {
    Time at{};                   ///< Virtual; the first request of a workload comes at zero.
    std::int64_t prompt = 0;     ///< Tokens, as a tokenizer counts.
    std::int64_t characters = 0; ///< A quarter of the prompt's characters.
    std::int64_t output = 0;     ///< Tokens of the answer.
    std::int64_t cap = 0;        ///< max_tokens; 0: not set.
    std::uint32_t tenant = 0;
    std::uint32_t blocks_begin = 0; ///< Of the prompt's start, in Workload::blocks.
    std::uint32_t blocks_count = 0;
    std::uint64_t prefix = 0; ///< Of the first two blocks; 0: it begins like no other.

    [[nodiscard]] std::int64_t billed() const noexcept { return prompt + output; }
};

struct Workload {
    std::vector<Request> requests; ///< In order of time.
    std::vector<std::uint64_t> blocks;
    std::vector<std::string> tenants; ///< Never empty.
    Duration span{};                  ///< From the first arrival until after the last one; at least a second.

    [[nodiscard]] std::span<const std::uint64_t> blocks_of(const Request& request) const noexcept {
        return std::span(blocks).subspan(request.blocks_begin, request.blocks_count);
    }
};

/// What max_tokens a request sets where the trace does not say.
enum class CapRule : std::uint8_t {
    usual, ///< The next power of two above what the answer had, at least 16.
    none,  ///< Not set.
    fixed, ///< The same for all.
};

struct WorkloadOptions {
    CapRule cap = CapRule::usual;
    std::int64_t cap_tokens = 1024;    ///< For fixed; an answer is cut to it.
    double characters_deviation = 0.1; ///< Of a prompt's characters from four per token, relative.
    std::uint64_t seed = 1;
};

/// There is nothing to simulate, or what there is would take longer than any clock here counts; the text says
/// which.
class WorkloadError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Turns rows into requests; rows keep their times.
[[nodiscard]] Workload workload_of(const std::vector<load::TraceRow>& rows, const WorkloadOptions& options);
/// The same requests, each `factor` times as late; throws WorkloadError when that is beyond ten years.
[[nodiscard]] Workload stretched(Workload workload, double factor);
/// The requests that come within `span`; throws WorkloadError when there are none.
[[nodiscard]] Workload first_part(Workload workload, Duration span);

} // namespace headroom::lab
