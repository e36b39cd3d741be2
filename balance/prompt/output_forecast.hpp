// Learns how long answers are: what a request will produce when only its prompt is known.
// One per shard: the means follow the last sixty answers of a kind, which a shard sees soon enough.
// Promises: memory is fixed (0.6 MB), no allocation after construction.
#pragma once

#include "balance/operation.hpp"
#include "balance/prompt/keyed_table.hpp"
#include "balance/prompt/learned_mean.hpp"
#include "balance/quantities.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace headroom::balance {

/// What answers are told apart by.
struct OutputKind {
    std::uint64_t deployment = 0;
    Operation operation = Operation::chat;
    bool capped = false;      ///< The request limits its answer.
    std::uint64_t effort = 0; ///< Of reasoning, any name for it.
    Tokens prompt;            ///< Its power of two counts.
};

/// The tokens of one answer.
struct OutputGuess {
    double mean = 0; ///< For sums: quotas of a minute.
    double high = 0; ///< Nine of ten answers are shorter: for a single request.
};

/// Sizes of recent answers in buckets of an eighth of an octave; a sample weighs half after 500 others.
class SizeHistogram {
  public:
    void add(Tokens size) noexcept;
    /// The size that a part of all answers does not exceed; 0 without samples.
    [[nodiscard]] double quantile(double part) const noexcept;

  private:
    static constexpr std::size_t bucket_count = 17 * 8 + 2;

    std::array<float, bucket_count> buckets_{};
    float sum_ = 0;
    float weight_ = 1; // of the next sample; grows, so that older ones fade
};

class OutputForecast {
  public:
    /// What to expect; what few answers have shown is mixed with what is known of more general kinds, and in
    /// the end with an assumption.
    [[nodiscard]] OutputGuess guess(const OutputKind& kind) const noexcept;
    /// Learns the size of one answer.
    void observe(const OutputKind& kind, Tokens size) noexcept;

  private:
    struct Sizes {
        LearnedMean mean;
        SizeHistogram histogram;
    };
    static constexpr std::size_t level_count = 4;

    /// The names of a kind, the most general first.
    [[nodiscard]] static std::array<std::uint64_t, level_count> names_of(const OutputKind& kind) noexcept;

    KeyedTable<Sizes, 256> sizes_;
};

} // namespace headroom::balance
