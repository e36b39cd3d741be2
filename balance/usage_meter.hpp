// Reads `usage` and the model's name out of a response that passes by in pieces, JSON or SSE, without copying
// it. One per response. Promises: bounded memory, any split gives the same answer, a few nanoseconds per
// chunk that has no usage. Looks for member names only: a quote inside a JSON string is always escaped, so
// what looks like a member is one.
#pragma once

#include "balance/json_scan.hpp"
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
    /// A usage object has a few hundred bytes; a longer one is not believed.
    static constexpr std::uint64_t usage_bytes_max = 4096;

    explicit UsageMeter(Kind kind) noexcept : kind_(kind) {}

    /// Takes the next piece of the (decoded) body.
    void feed(std::string_view piece) noexcept;
    /// The last usage object that made sense, or nullopt; may be asked at any time.
    [[nodiscard]] std::optional<Usage> finish() const noexcept { return usage_; }
    /// The model the backend says it served, as it lies in the body; empty when not seen or longer than
    /// model_bytes_max.
    [[nodiscard]] std::string_view model() const noexcept {
        return model_known_ ? std::string_view(model_.data(), model_size_) : std::string_view();
    }
    /// Estimated output tokens so far, for responses that end without usage: one per SSE event, or a quarter
    /// of the bytes.
    [[nodiscard]] Tokens output_estimate() const noexcept;

  private:
    class Sink;
    enum class State : std::uint8_t { search, name, colon, value, model, object };

    const char* search(const char* at, const char* end) noexcept;
    void take(char c) noexcept;
    const char* object(const char* at, const char* end) noexcept;
    void finish_object() noexcept;

    Kind kind_;
    State state_ = State::search;
    bool is_usage_ = false; ///< The name being matched is "usage", else "model".
    bool model_known_ = false;
    bool plausible_ = false;   ///< The object has token counts.
    std::uint8_t matched_ = 0; ///< Bytes of the quoted name matched so far.
    std::uint8_t model_size_ = 0;
    char before_ = '\0'; ///< The byte before the one that comes next.
    std::uint64_t lines_ = 0;
    std::uint64_t bytes_ = 0;
    std::array<char, model_bytes_max> model_{};
    std::optional<Usage> usage_;
    Usage candidate_;
    JsonScan scan_;
};

} // namespace headroom::balance
