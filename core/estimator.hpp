// Estimator: what requests will cost, counted from their bodies, and better with every response (verbs 5 and
// 11). One per shard; shards share the vocabulary, which is read-only.
// Promises: never fails; the time for a request is bounded whatever its body is; no allocation after
// construction. Not here: the counting (balance/tokens/), what counts (balance/prompt/), quotas.
#pragma once

#include "balance/bounded_text.hpp"
#include "balance/prompt/keyed_digest.hpp"
#include "balance/prompt/keyed_table.hpp"
#include "balance/prompt/message_memo.hpp"
#include "balance/prompt/model_rules.hpp"
#include "balance/prompt/output_forecast.hpp"
#include "balance/prompt/overheads.hpp"
#include "balance/prompt/plain_counter.hpp"
#include "balance/prompt/prompt_reader.hpp"
#include "balance/prompt/request_cost.hpp"
#include "balance/prompt/text_counting.hpp"
#include "balance/tokens/encoding.hpp"
#include "balance/tokens/token_counter.hpp"
#include "balance/tokens/vocabulary.hpp"
#include "balance/usage_meter.hpp"
#include "core/config.hpp"
#include "core/counters.hpp"
#include "core/request_body.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headroom::core {

/// What all estimators share; made before the shards, and read-only from then on.
struct EstimatorBasis {
    /// Draws the key from the system.
    EstimatorBasis();

    balance::Vocabulary vocabulary;
    balance::DigestKey key; ///< Names texts in memory; no client may know it.
};

class Estimator {
  public:
    /// A larger body is estimated by its bytes; its images and texts are then priced flatly.
    static constexpr std::size_t read_bytes_max = std::size_t{4} << 20U;

    Estimator(const EstimatorBasis& basis, std::span<const ModelConfig> models, std::uint64_t random);
    Estimator(const Estimator&) = delete;
    Estimator& operator=(const Estimator&) = delete;

    /// The cost of a request. `deployment` is its name as the client wrote it, `name_hash` a hash of that.
    /// `body` is read when the whole of it is held and is an object (`facts`).
    [[nodiscard]] balance::RequestCost estimate(const RequestBody& body, const balance::RequestFacts& facts,
                                                balance::Operation operation, std::string_view deployment,
                                                std::uint64_t name_hash) noexcept;

    /// What a response said of itself.
    struct Reported {
        balance::Usage usage;
        std::string_view model; ///< May be empty.
        std::uint64_t response_id =
            0; ///< balance::response_hash of what later requests may continue; 0: nothing.
    };
    /// Learns from a response to a request of that cost and deployment, and adds to `errors` how far the
    /// estimate was off.
    void learn(const balance::RequestCost& cost, std::uint64_t name_hash, const Reported& reported,
               std::array<EstimateCounters, balance::operation_count>& errors) noexcept;

    /// Counts texts of that deployment's model, one by one; lives as long as this.
    [[nodiscard]] balance::TextCounting& counting(std::string_view deployment,
                                                  std::uint64_t name_hash) noexcept;

  private:
    /// What a deployment serves.
    struct Served {
        enum class Source : std::uint8_t { none, guess, response, configuration };

        Source source = Source::none;
        balance::BoundedText<balance::UsageMeter::model_bytes_max> model; ///< What a response can say fits.
        balance::Encoding encoding = balance::Encoding::o200k_base;
        balance::ModelRules rules;
    };

    [[nodiscard]] Served& served_by(std::string_view deployment, std::uint64_t name_hash) noexcept;
    static void serve(Served& served, Served::Source source, std::string_view model) noexcept;
    [[nodiscard]] balance::TokenCounter& counter_for(balance::Encoding encoding) noexcept;
    [[nodiscard]] balance::PromptParts read(const RequestBody& body, balance::Operation operation,
                                            const Served& served) noexcept;

    balance::TokenCounter o200k_base_;
    balance::TokenCounter cl100k_base_;
    std::array<balance::PlainCounter, 2> plain_; ///< Of the two, in their order.
    balance::MessageMemo memo_;
    balance::PromptReader reader_;
    balance::Overheads overheads_;
    balance::OutputForecast forecast_;
    std::span<const ModelConfig> models_;
    balance::KeyedTable<Served, 64> served_;
    std::vector<std::string_view> pieces_; ///< Of the body that is being read.
    std::uint64_t random_;
};

} // namespace headroom::core
