// Reads `usage` and the model's name out of a response that passes by in pieces, JSON or SSE, without copying
// it. One per response. Promises: bounded memory, any split gives the same answer, a few nanoseconds per
// chunk that has no usage.
#pragma once

#include "balance/usage.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace headroom::balance {

/// How the response body is framed.
enum class UsageSource : std::uint8_t { json, sse };

class UsageMeter {
  public:
    using Kind = UsageSource;
    static constexpr std::size_t model_bytes_max = 128;
    /// A usage object is a few hundred bytes; a longer one is not read.
    static constexpr std::size_t usage_bytes_max = 2048;

    explicit UsageMeter(Kind kind) noexcept : kind_(kind) {}

    /// Takes the next piece of the (decoded) body.
    void feed(std::string_view piece) noexcept;
    /// The last usage object that made sense, or nullopt; may be asked at any time.
    [[nodiscard]] std::optional<Usage> finish() const noexcept { return usage_; }
    /// The model the backend says it served, as it lies in the body; empty when not seen or too long.
    [[nodiscard]] std::string_view model() const noexcept;
    /// Estimated output tokens so far, for responses that end without usage: one per SSE event, or bytes / 4.
    [[nodiscard]] Tokens output_estimate() const noexcept;

  private:
    Kind kind_;
    std::optional<Usage> usage_;
};

} // namespace headroom::balance
