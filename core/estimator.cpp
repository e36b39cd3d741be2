// Estimating and learning: joins what balance/ counts, remembers and forecasts.
#include "core/estimator.hpp"

#include "balance/prompt/budgeted_counter.hpp"
#include "net/random.hpp"

#include <algorithm>

namespace headroom::core {
namespace {

/// A body in more pieces is estimated by its bytes; the request body itself holds no more (it joins them).
constexpr std::size_t pieces_max = 4096;

balance::DigestKey drawn_key() {
    balance::DigestKey key;
    net::draw_secret(key.bytes);
    return key;
}

} // namespace

EstimatorBasis::EstimatorBasis() : key(drawn_key()) {}

Estimator::Estimator(const EstimatorBasis& basis, std::span<const ModelConfig> models, std::uint64_t random)
    : o200k_base_(basis.vocabulary, balance::Encoding::o200k_base),
      cl100k_base_(basis.vocabulary, balance::Encoding::cl100k_base),
      plain_{balance::PlainCounter(o200k_base_), balance::PlainCounter(cl100k_base_)},
      memo_(basis.key, random),
      reader_(read_bytes_max, basis.key),
      models_(models),
      random_(random) {
    pieces_.reserve(pieces_max);
}

balance::RequestCost Estimator::estimate(const RequestBody& body, const balance::RequestFacts& facts,
                                         balance::Operation operation, std::string_view deployment,
                                         std::uint64_t name_hash) noexcept {
    balance::PromptParts parts;
    if (!balance::charges_tokens(operation)) return {};
    const Served& served = served_by(deployment, name_hash);
    if (facts.object && body.size() <= read_bytes_max) parts = read(body, operation, served);
    // what stood beside the text was learned in one encoding and holds in no other
    const std::uint64_t learned_as = name_hash + static_cast<std::uint64_t>(served.encoding);
    return balance::request_cost(facts, operation, parts, learned_as, overheads_, forecast_);
}

balance::PromptParts Estimator::read(const RequestBody& body, balance::Operation operation,
                                     const Served& served) noexcept {
    if (body.pieces().empty() || body.pieces().size() > pieces_max) return {};
    pieces_.clear();
    for (const net::Slice& piece : body.pieces())
        pieces_.push_back(piece.view());
    // behind a piece in a block of the pool lies what is left of the block, and its padding
    const net::Slice& last = body.pieces().back();
    const balance::BodyPieces all{.pieces = pieces_,
                                  .readable_behind = last.spare_bytes() + net::block_padding_bytes};
    const std::string_view model = served.model.text();
    balance::BudgetedCounter counter(counter_for(served.encoding), served.encoding,
                                     random_ += 0x9e3779b97f4a7c15U);
    const auto purpose = static_cast<std::uint64_t>(served.encoding);
    balance::RememberingCounter remembering(memo_, counter, purpose);
    return reader_.read(all, operation, model, served.rules, remembering);
}

void Estimator::learn(const balance::RequestCost& cost, std::uint64_t name_hash, const Reported& reported,
                      std::array<EstimateCounters, balance::operation_count>& errors) noexcept {
    balance::EstimateErrors error;
    error.add(cost, reported.usage);
    EstimateCounters& counters = errors[static_cast<std::size_t>(cost.kind.operation)];
    counters.requests.add(error.requests);
    counters.prompt_tokens.add(error.prompt_tokens);
    counters.prompt_error.add(error.prompt_error);
    counters.output_tokens.add(error.output_tokens);
    counters.output_error.add(error.output_error);

    Served& served = served_.touch(name_hash);
    balance::learn(cost, reported.usage, overheads_, forecast_);
    if (reported.response_id != 0) overheads_.remember_response(reported.response_id, reported.usage.total);
    const std::string_view model = reported.model;
    if (model.empty() || served.source == Served::Source::configuration) return;
    if (served.source != Served::Source::response || served.model.text() != model)
        serve(served, Served::Source::response, model);
}

balance::TextCounting& Estimator::counting(std::string_view deployment, std::uint64_t name_hash) noexcept {
    return plain_[served_by(deployment, name_hash).encoding == balance::Encoding::cl100k_base ? 1 : 0];
}

balance::TokenCounter& Estimator::counter_for(balance::Encoding encoding) noexcept {
    return encoding == balance::Encoding::cl100k_base ? cl100k_base_ : o200k_base_;
}

Estimator::Served& Estimator::served_by(std::string_view deployment, std::uint64_t name_hash) noexcept {
    Served& served = served_.touch(name_hash);
    if (served.source != Served::Source::none) return served;
    const auto configured = std::ranges::find(models_, deployment, &ModelConfig::deployment);
    if (configured != models_.end()) {
        serve(served, Served::Source::configuration, configured->model);
    } else if (balance::encoding_of_model(deployment)) {
        serve(served, Served::Source::guess, deployment);
    } else {
        serve(served, Served::Source::guess, {});
    }
    return served;
}

void Estimator::serve(Served& served, Served::Source source, std::string_view model) noexcept {
    served.source = source;
    served.model.clear();
    served.model.append(model);
    served.rules = balance::rules_of_model(model);
    const auto known = balance::encoding_of_model(model);
    served.encoding = known           ? *known
                      : model.empty() ? balance::Encoding::o200k_base
                                      : balance::Encoding::unknown;
}

} // namespace headroom::core
